# SPDX-License-Identifier: Apache-2.0
# One image for every kind of process. As it is, it runs all of them (launch/run.sh) against the database of MYSQL_HOST; with
# the name of one behind it ("frontend", "balancer", "upstream", "recorder store", …) it runs that one alone.
FROM debian:bookworm-slim AS build
WORKDIR /opt/gateway
COPY launch/packages.sh launch/
RUN launch/packages.sh build
COPY . .
RUN make -j"$(nproc)" all && strip build/bin/*
# What must be installed beside the programs: whatever holds the libraries that they are linked with.
RUN ldd build/bin/* | sed -n 's,.* => \(/[^ ]*\) .*,\1,p' | sort -u | xargs -n 1 realpath | \
    sed 'p;s,^/usr/,/,;t;d' | xargs dpkg-query -S 2>/dev/null | cut -d: -f1 | sort -u >build/libraries

FROM debian:bookworm-slim
# The archive that one library comes from, pinned to it (launch/packages.sh).
COPY --from=build /etc/apt/preferences.d/ /etc/apt/preferences.d/
COPY --from=build /etc/apt/sources.list.d/ /etc/apt/sources.list.d/
COPY --from=build /opt/gateway/build/libraries /tmp/libraries
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $(cat /tmp/libraries) runit curl ca-certificates && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /tmp/libraries && \
    useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin gateway && \
    install -d -o gateway -g gateway -m 700 /data
COPY --from=build /opt/gateway/build/bin/ /opt/gateway/build/bin/
COPY --from=build /opt/gateway/LICENSE /opt/gateway/
COPY --from=build /opt/gateway/launch/ /opt/gateway/launch/
# LAUNCH_AS_IS: nothing is compiled. LAUNCH_LOGS: the terminal gets every line.
ENV PATH=/opt/gateway/build/bin:/opt/gateway/launch:$PATH STATE_DIR=/data LAUNCH_AS_IS=1 LAUNCH_LOGS=all
WORKDIR /data
USER gateway
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD curl -fsS -o /dev/null "http://127.0.0.1:${PORT:-8000}/health" || exit 1
CMD ["run.sh"]
