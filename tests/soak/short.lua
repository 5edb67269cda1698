-- SPDX-License-Identifier: Apache-2.0
-- wrk's script for the soak: short calls, each connection pausing between them by chance, so that the rate is given from
-- outside. Prints one line of JSON: calls, what was wrong with the connections, answers by what they were.
-- Environment: SOAK_BODY (a file), SOAK_TOKEN, SOAK_PAUSE_MS (the mean; 0: none).
wrk.method = "POST"
wrk.path = "/v1/chat/completions"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("SOAK_TOKEN")
local file = assert(io.open(os.getenv("SOAK_BODY"), "rb"))
wrk.body = file:read("*a")
file:close()

local threads = {}
local pause_ms = tonumber(os.getenv("SOAK_PAUSE_MS"))
answers = ""  -- of this thread: a word for each answer that is no 200

function setup(thread)
    table.insert(threads, thread)
end

function delay()
    return math.random(0, 2 * pause_ms)
end

function response(status, headers, body)
    if status ~= 200 then
        answers = answers .. status .. "/" .. (body:match('"code": *"([%w_]+)"') or "") .. " "
    end
end

function done(summary, latency, requests)
    local e, words = summary.errors, ""
    for _, thread in ipairs(threads) do words = words .. thread:get("answers") end
    io.write(string.format('{"calls":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"us":%d,"p50_us":%d,"p99_us":%d,"answers":"%s"}\n',
        summary.requests, e.connect, e.read, e.write, e.timeout, summary.duration, latency:percentile(50), latency:percentile(99), words))
end
