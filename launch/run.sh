#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the whole gateway on this host: `make run`. Installs what is missing, builds, starts a private MariaDB (unless
# MYSQL_HOST or MYSQL_SOCKET is set) and all processes under runit, prints `ready: http://127.0.0.1:PORT` when /health is
# 200, and stays in the foreground. SIGINT or SIGTERM drains and stops all; a second one stops at once.
# What must stay true: nothing outlives this script but the files in STATE_DIR, and no secret is written into them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=${BUILD:-build} # in make's eyes, which knows no path with spaces: relative to $root
bin=$root/$build/bin
[[ $build != /* ]] || bin=$build/bin
here=$PWD # where .env is looked for
ready_seconds=${LAUNCH_PATIENCE:-60}
PATH=$PATH:/usr/sbin # where mariadbd is, and where only root's PATH leads
google=https://generativelanguage.googleapis.com/v1beta # BASE_URL by default
readonly root build bin here ready_seconds google

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# --------------------------------------------------------------------------------------------------- build and settings

# LAUNCH_AS_IS=1 starts what is there: for tests, and where there is no compiler.
build_all() {
    [[ -z ${LAUNCH_AS_IS:-} ]] || return 0
    "$root/launch/packages.sh" build run
    # Not as a part of the make that may have called this: its job slots are not ours.
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
        make -s -C "$root" -j"$(nproc)" BUILD="$build" ${WERROR:+WERROR="$WERROR"} ${V:+V="$V"} \
        ${SANITIZE:+SANITIZE="$SANITIZE"} all
}

# The value in force, from environment, .env or default; of secrets only how many there are.
setting() { "$bin/recorder" --print="$1" || exit 1; }

settings_read() {
    "$bin/recorder" --check || exit 1
    state=$(setting STATE_DIR)
    host=$(setting HOST)
    port=$(setting PORT)
    frontends=$(setting FRONTENDS)
    upstreams=$(setting UPSTREAMS)
    drain_seconds=$((($(setting DRAIN) + 999) / 1000))
    is_demo=$([[ $(setting API_KEYS)$(setting VERTEX_API_KEYS) == 00 ]] && echo yes || true)
    has_database=$([[ -z $(setting MYSQL_HOST)$(setting MYSQL_SOCKET) ]] || echo yes)
    # Whoever has set up clients or an address has only lost the keys, and must not get made-up answers.
    [[ -z $is_demo || $(setting ALLOWED_TOKENS)$(setting AUTH_TOKEN)$(setting BASE_URL) == 00$google ]] ||
        fail "API_KEYS is not set, although ALLOWED_TOKENS, AUTH_TOKEN or BASE_URL is: put your keys into .env." \
            "(With none of the four, a simulator stands in for Gemini.)"
    # The sample token is public.
    if [[ -n $is_demo && $("$bin/recorder" --place=HOST) == default ]]; then
        host=127.0.0.1
        export HOST=$host
    fi
    case $host in
    0.0.0.0 | '*' | ::) host=127.0.0.1 ;;
    esac
}

# ----------------------------------------------------------------------------------------------------------- STATE_DIR

# Nothing is made before it is known that all can be.
state_check() {
    local folder owner

    state=$(realpath -m -- "$state")
    # A Unix socket's path has at most 107 bytes, and the longest name that we put behind STATE_DIR has 34.
    [[ $(printf %s "$state" | wc -c) -le 73 ]] ||
        fail "STATE_DIR=$state: longer than the 73 bytes that Unix sockets leave room for; choose a shorter path"
    folder=$state
    while [[ ! -e $folder ]]; do folder=$(dirname "$folder"); done
    [[ -d $folder ]] || fail "STATE_DIR=$state: $folder is no folder"
    owner=$(stat -c %U "$folder")
    [[ $folder != "$state" || -O $state || $(id -u) == 0 ]] ||
        fail "STATE_DIR=$state: belongs to $owner, and this is $(id -un); choose another folder"
    [[ -w $folder && -x $folder ]] || fail "STATE_DIR=$state: $(id -un) may not write in $folder, which is $owner's"
}

state_open() {
    local name

    state_check
    mkdir -p -m 700 "$state" 2>/dev/null || fail "STATE_DIR=$state: cannot be made"
    for name in run spool flight log service tmp; do
        mkdir -p "$state/$name" && chmod 700 "$state/$name" ||
            fail "STATE_DIR=$state: cannot write there as $(id -un)"
    done
    exec {lock}>"$state/run/launch.lock"
    flock -n "$lock" || fail "STATE_DIR=$state is in use by another copy; set STATE_DIR to another folder for this one"
    export STATE_DIR=$state GATEWAY_STARTED=$(date +%s%3N)
}

# Is this service of an earlier run still supervised? runsv holds a lock on this file as long as it lives.
is_supervised() { [[ -e $1/supervise/lock ]] && ! flock -n "$1/supervise/lock" true; }

# Ends the supervisors of these services that are still there, and with them the services; false if one resists.
supervisors_end() {
    local seconds=$1 folder
    local -a left=()
    shift

    for folder in "$@"; do
        if is_supervised "$folder"; then left+=("$folder"); fi
    done
    ((${#left[@]})) || return 0
    sv -w "$seconds" force-shutdown "${left[@]}" >/dev/null 2>&1 || true
    for folder in "${left[@]}"; do
        for _ in {1..50}; do
            is_supervised "$folder" || continue 2
            sleep 0.1
        done
        return 1
    done
}

# An earlier run that was killed by -9 may still be stopping, or have left something behind.
leftovers_stop() {
    local pid

    pid=$(cat "$state/run/runsvdir.pid" 2>/dev/null || true)
    if [[ -n $pid ]] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "runsvdir -P $state/service"; then
        kill -HUP "$pid" || true
    fi
    supervisors_end $((drain_seconds + 5)) "$state"/service/* ||
        fail "$state/service: an earlier run still holds it; stop its runsv processes first"
    rm -rf "${state:?}/service"
    mkdir -p "$state/service"
}

# --------------------------------------------------------------------------------------------------------------- ports

is_taken() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

free_port() {
    local candidate

    for _ in {1..100}; do
        candidate=$((20000 + RANDOM % 10000))
        if ! is_taken 127.0.0.1 "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "found no free port"
}

# Frontends share the port by SO_REUSEPORT, so a second copy of this user would not be refused: look before.
port_open() {
    [[ $port != 0 ]] || port=$(free_port)
    ! is_taken "$host" "$port" || fail "PORT=$port is in use on $host; set PORT to another one"
    export PORT=$port
}

# ------------------------------------------------------------------------------------------------------------ services

quote() { printf ' %q' "$@"; }

# service NAME COMMAND…: a folder that runsv understands. Its log goes to STATE_DIR/log/NAME/current; warnings and errors
# come to the terminal as well, and with LAUNCH_LOGS=all every line.
service() {
    local name=$1 folder=$state/service.new/$1 log=$state/log/$1
    shift

    mkdir -p "$folder/log" "$log"
    printf '#!/bin/bash\nexec 2>&1\ncd%s || exit 1\nexec%s\n' "$(quote "$here")" "$(quote "$@")" >"$folder/run"
    printf '#!/bin/bash\nexec svlogd -b 16384%s\n' "$(quote "$log")" >"$folder/log/run"
    rm -f "$state/run/died.$name"
    cat >"$folder/finish" <<FINISH
#!/bin/bash
[[ \$1 == 0 || \$2 == 15 ]] && exit
echo "ts=\$(date -u +%FT%T.%3NZ) level=warn proc=launch event=process.ended service=$name status=\$1 signal=\$2"
echo >>$(quote "$state/run/died.$name")
FINISH
    if [[ ${LAUNCH_LOGS:-} == all ]]; then
        printf '%s\n' s4000000 n3 'e*' >"$log/config"
    else
        printf '%s\n' s4000000 n3 'e*level=error*' 'e*level=warn*' 'e*[ERROR]*' >"$log/config"
    fi
    chmod 700 "$folder/run" "$folder/finish" "$folder/log/run"
    services+=("$state/service/$name")
}

simulator_service() {
    local simulator

    simulator=$(free_port)
    export BASE_URL=http://127.0.0.1:$simulator/v1beta API_KEYS=demo-ok-1,demo-ok-2,demo-ok-3
    export PROXIES='[]' CUSTOM_HEADERS='{}' # those of .env are for the way to Google
    service simulator "$bin/gemini-simulator" --port="$simulator"
    say "API_KEYS is not set: the bundled simulator stands in for Gemini, with the keys $API_KEYS"
    export ALLOWED_TOKENS=q1q2q3q4 AUTH_TOKEN=q1q2q3q4
    say "ALLOWED_TOKENS is not set: clients may use the sample token q1q2q3q4, and the dashboard lets it in from this host"
}

database_make() {
    local -a who=()

    [[ ! -d $state/db/mysql ]] || return 0
    command -v mariadb-install-db >/dev/null ||
        fail "there is no MariaDB here for a private database: set MYSQL_HOST or MYSQL_SOCKET"
    [[ $(id -u) != 0 ]] || who=(--user=root)
    say "making a private database in $state/db"
    rm -rf "${state:?}/db.new"
    # By a relative path, since this program of MariaDB's stumbles over spaces. A server that starts deletes the temporary
    # tables of all others that share its folder for such: so each has its own.
    (cd "$state" && TMPDIR=$state/tmp mariadb-install-db --no-defaults --datadir=./db.new "${who[@]}" --skip-test-db \
        --auth-root-authentication-method=normal --skip-name-resolve) >"$state/log/mariadb-install.log" 2>&1 || {
        tail -n 20 "$state/log/mariadb-install.log" >&2
        fail "mariadb-install-db failed"
    }
    mv "$state/db.new" "$state/db"
}

# Only who may enter the 0700 folder can reach its socket, and it has no port: so root needs no password there. A folder
# of its own for temporary files, since a server that starts deletes those of all that share one.
database_service() {
    local -a who=()

    [[ $(id -u) != 0 ]] || who=(--user=root)
    # As the process that writes into it: calls go first (common/base/priority.c).
    service mariadb chrt --batch 0 nice -n 10 mariadbd --no-defaults "${who[@]}" \
        --datadir="$state/db" --socket="$state/db/mysql.sock" \
        --pid-file="$state/db/mysql.pid" --tmpdir="$state/tmp" --skip-networking --skip-name-resolve --skip-log-bin --performance-schema=0 \
        --innodb-buffer-pool-size=64M --innodb-log-file-size=64M --innodb-flush-log-at-trx-commit=2 \
        --key-buffer-size=1M --aria-pagecache-buffer-size=8M --query-cache-size=0 --max-connections=32 \
        --table-open-cache=64 --open-files-limit=1024 --tmpdir="$state/tmp"
    export MYSQL_SOCKET=$state/db/mysql.sock MYSQL_USER=root MYSQL_PASSWORD='""' # set, to nothing
    rm -f "$MYSQL_SOCKET"
}

# The store waits a little for the private database, so that an ordinary start brings no complaint.
store_service() {
    local wait='for _ in {1..100}; do [[ -S $MYSQL_SOCKET ]] && break; sleep 0.1; done; exec "$@"'

    if [[ -z $has_database ]]; then
        service recorder-store bash -c "$wait" store "$bin/recorder" store
    else
        service recorder-store "$bin/recorder" store
    fi
}

# They keep much memory for streams and large bodies: with huge pages a large request takes half of the CPU. glibc asks the
# kernel for them only if it is told to before the process starts. Where the kernel has none, nothing changes.
with_huge_pages=(env "GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}")
readonly with_huge_pages

services_make() {
    local i

    rm -rf "${state:?}/service.new"
    services=()
    if [[ -z $has_database ]]; then database_service; fi
    if [[ -n $is_demo ]]; then simulator_service; fi
    service recorder "$bin/recorder"
    store_service
    service recorder-query "$bin/recorder" query
    service recorder-keeper "$bin/recorder" keeper
    service balancer-0 "$bin/balancer"
    for ((i = 0; i < upstreams; i++)); do service "upstream-$i" "${with_huge_pages[@]}" "$bin/upstream"; done
    service admin "$bin/admin"
    for ((i = 0; i < frontends; i++)); do service "frontend-$i" "${with_huge_pages[@]}" "$bin/frontend"; done
    rmdir "$state/service"
    mv "$state/service.new" "$state/service"
}

# In a session of its own, so that Ctrl-C reaches only this script; told to stop everything should this script die.
services_start() {
    setsid setpriv --pdeathsig HUP env --default-signal=INT,QUIT runsvdir -P "$state/service" {lock}>&- &
    supervisor=$!
    echo "$supervisor" >"$state/run/runsvdir.pid"
}

# ------------------------------------------------------------------------------------------------------------- the end

# stop SECONDS NAME…: those of these services that are there, all at the same time.
stop() {
    local seconds=$1 name
    local -a folders=()
    shift

    for name in "$@"; do
        if is_supervised "$state/service/$name"; then folders+=("$state/service/$name"); fi
    done
    ((${#folders[@]} == 0)) || sv -w "$seconds" force-stop "${folders[@]}" >/dev/null 2>&1 || true
}

# MariaDB 10.11 hangs when it is told to stop while it still starts, so wait until it answers.
database_stop() {
    is_supervised "$state/service/mariadb" || return 0
    for _ in {1..50}; do
        timeout 5 mariadb --no-defaults --socket="$state/db/mysql.sock" -uroot -e '' 2>/dev/null && break
        sleep 0.1
    done
    stop "$1" mariadb
}

# Who takes calls stops first, who keeps the books last.
stop_in_order() {
    local -a names=("${services[@]##*/}")

    stop $((drain_seconds + 5)) $(printf '%s\n' "${names[@]}" | grep ^frontend-)
    stop $((drain_seconds + 5)) $(printf '%s\n' "${names[@]}" | grep ^upstream-)
    stop 5 balancer-0 admin simulator
    stop 5 recorder recorder-query recorder-keeper
    stop 10 recorder-store
    database_stop 30
}

stop_at_once() {
    stop 1 $(printf '%s\n' "${services[@]##*/}" | grep -v ^mariadb)
    database_stop 15
}

shut_down() {
    local stopper

    ((is_started)) || return 0
    is_started=0
    stop_in_order &
    stopper=$!
    while kill -0 "$stopper" 2>/dev/null && ((signals < 2)); do wait "$stopper" || true; done
    if ((signals >= 2)); then
        say "stopping at once"
        kill "$stopper" 2>/dev/null || true
        stop_at_once
    fi
    kill -HUP "$supervisor" 2>/dev/null || true
    wait "$supervisor" || true
    sleep 0.1
    supervisors_end 5 "${services[@]}" || say "$state/service: some processes are still stopping" >&2
    rm -rf "${state:?}/service" "$state/run/runsvdir.pid"
}

# By the frontends' last heartbeats, asked of admin by its own socket; nothing if nobody answers.
open_calls() {
    curl -s --max-time 1 --unix-socket "$state/run/admin" http://localhost/api/status | grep -o '"role":"frontend"[^}]*' |
        grep -o '"calls":[0-9]*' | awk -F: '{ sum += $2 } END { if (NR) print sum }' || true
}

on_signal() {
    local calls

    signals=$((signals + 1))
    ((signals == 1)) || return 0
    calls=$(open_calls)
    case $calls in
    0) say "stopping: no call is open; Ctrl-C again stops at once" ;;
    1) say "stopping: 1 call is still open; waiting up to $drain_seconds s; Ctrl-C again stops at once" ;;
    '') say "stopping: open calls have $drain_seconds s to end; Ctrl-C again stops at once" ;;
    *) say "stopping: $calls calls are still open; waiting up to $drain_seconds s; Ctrl-C again stops at once" ;;
    esac
}

# A signal sent to `make` alone (not to its group, as Ctrl-C does) is not passed on by it, except SIGTERM; but make then
# no longer catches that signal, and waits for us. (In the background of a script, or under nohup, signals are ignored from
# the start, which says nothing.)
parent=$PPID
parent_name=$(cat /proc/$PPID/comm 2>/dev/null || true)
make_was_told() {
    local ignored caught

    [[ $parent_name == make ]] || return 1
    { read -r _ ignored && read -r _ caught; } < <(grep -E '^Sig(Ign|Cgt):' "/proc/$parent/status" 2>/dev/null) || return 1
    ((((0x$ignored | 0x$caught) & 3) != 3))
}

# ----------------------------------------------------------------------------------------------------------- readiness

health() { curl -s -o "$state/run/health.json" -w '%{http_code}' --max-time 2 "http://$host:$port/health" || true; }

not_ready() {
    local folder

    say "not ready after $ready_seconds s; /health says:" >&2
    { cat "$state/run/health.json" 2>/dev/null || printf nothing; } >&2
    for folder in "${services[@]}"; do
        printf '\n\nlast lines of %s:\n' "$state/log/${folder##*/}/current" >&2
        tail -n 5 "$state/log/${folder##*/}/current" >&2 2>/dev/null || true
    done
    shut_down
    exit 1
}

# A process that ends before the gateway is ready will not do better the next time. (MariaDB may: see below.)
look_for_deaths() {
    local folder name log reason

    for folder in "${services[@]}"; do
        name=${folder##*/} log=$state/log/${folder##*/}/current
        [[ $name != mariadb && -e $state/run/died.$name ]] || continue
        sleep 0.2 # until svlogd has written what it said
        reason=$(grep -v event=process.ended "$log" | grep -E 'level=error' | tail -n 1 || true)
        [[ -n $reason ]] || reason=$(grep -v event=process.ended "$log" | tail -n 1 || true)
        say "not ready: $name has ended: ${reason:-without a word; its log is $log}" >&2
        shut_down
        exit 1
    done
}

# Calls are served without it, so this is said once and nothing ends.
look_at_database() {
    local deaths

    [[ -z $is_database_told && -e $state/run/died.mariadb ]] || return 0
    deaths=$(wc -l <"$state/run/died.mariadb")
    ((deaths >= 2)) || return 0
    is_database_told=1
    say "the private database in $state/db ends as soon as it starts: its files are damaged, or the disk is full." \
        "Calls are served and their records wait in $state/spool. The reason is in $state/log/mariadb/current." \
        "To go on: stop, move $state/db away, run again; a new one is made, and takes the records that wait." >&2
}

# key_field NAME: a number of "keys" in what /health said last; nothing if it is not there.
key_field() { sed -n "s/.*\"keys\":{[^}]*\"$1\":\([0-9]*\).*/\1/p" "$state/run/health.json" 2>/dev/null || true; }

# Whether all that /health misses is a key, and they have been tried: waiting longer brings none, a new key does.
lacks_only_keys() {
    grep -q '"missing":\["key"\]' "$state/run/health.json" 2>/dev/null && (($(key_field tried) + 0 > 0)) &&
        (($(key_field tried) == $(key_field to_try)))
}

# The keys that do not answer, by the balancer's log since its last start: last four characters, fault and the provider's words.
bad_keys() {
    awk '/event=process.started/ { count = 0 } /event=key.(cooling_down|no_answer) / { line[count++] = $0 }
        END { for (i = 0; i < count; i++) print line[i] }' "$state/log/balancer-0/current" 2>/dev/null |
        sed -nE 's/.* tail="?([^" ]*)"?.* fault=([a-z_]+).* words=("(([^"\\]|\\.)*)"|([^ ]*)).*/\1: \2 (\4\6)/p' |
        sed 's/\\"/"/g; s/ ()$//' | sort -u
}

# What came of trying the keys (KEY_CHECK); at most 3 s are spent on it.
say_keys() {
    local try tried to_try answer line
    local -a bad=()

    for try in {1..30}; do
        to_try=$(key_field to_try) tried=$(key_field tried)
        [[ -n $to_try ]] || return 0
        if ((tried >= to_try)); then break; fi
        sleep 0.1
        health >/dev/null
    done
    answer=$(key_field answer)
    mapfile -t bad < <(bad_keys)
    if ((tried < to_try)); then
        say "keys: $answer answer so far; $tried of $to_try are tried"
    elif ((answer == 0)); then
        say "keys: none of $to_try answers, so no call can be served: ${bad[0]:-see $state/log/balancer-0/current}"
    else
        say "keys: $answer of $to_try answer"
    fi
    for line in "${bad[@]:0:5}"; do say "  $line"; done
    if ((${#bad[@]} > 5)); then say "  and $((${#bad[@]} - 5)) more: $state/log/balancer-0/current"; fi
}

# In the background: a trap that comes while bash reads a command substitution fails (5.2), one during `wait` does not.
tell_keys() {
    local teller

    say_keys {lock}>&- &
    teller=$!
    wait "$teller" || true
    if ((signals)); then kill "$teller" 2>/dev/null || true; fi
}

wait_until_ready() {
    local until=$((SECONDS + ready_seconds))

    rm -f "$state/run/health.json"
    while ((!signals)); do
        if [[ $(health) == 200 ]] || lacks_only_keys; then
            say "ready: http://$host:$port"
            tell_keys
            return
        fi
        look_for_deaths
        look_at_database
        ((SECONDS < until)) || not_ready
        if ((!signals)) && make_was_told; then on_signal; fi
        sleep 0.1
    done
}

# Until a signal comes. `read` waits on a pipe that nobody writes to, because that starts no process each second.
wait_until_told() {
    local pipe

    exec {pipe}<> <(:)
    while ((!signals)); do
        kill -0 "$supervisor" 2>/dev/null || fail "the supervisor (runsvdir) has ended; its services are being stopped"
        look_at_database
        read -r -t 1 -u "$pipe" || true
        if ((!signals)) && make_was_told; then on_signal; fi
    done
}

is_started=0
is_database_told=
signals=0
build_all
settings_read
umask 077
state_open
leftovers_stop
port_open
if [[ -z $has_database ]]; then database_make; fi
services_make
trap on_signal INT TERM HUP
trap shut_down EXIT
is_started=1
services_start
wait_until_ready
wait_until_told
shut_down
exit 0
