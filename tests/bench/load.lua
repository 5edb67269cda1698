-- SPDX-License-Identifier: Apache-2.0
-- wrk's script: sends one fixed request and prints what it measured as one line of JSON.
-- Environment: BENCH_PATH, BENCH_BODY (a file), BENCH_HEADERS ("name: value" lines).
wrk.method = "POST"
wrk.path = os.getenv("BENCH_PATH")
wrk.headers["Content-Type"] = "application/json"
for name, value in os.getenv("BENCH_HEADERS"):gmatch("([^\n:]+): ([^\n]*)") do wrk.headers[name] = value end
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.body = file:read("*a")
file:close()

done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '{"requests":%d,"us":%d,"failed":%d,"p50_us":%d,"p99_us":%d}\n', summary.requests, summary.duration,
        e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
