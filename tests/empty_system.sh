#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Follows README.md to the letter in an empty Debian: its commands are taken out of the file and run by a user who may use
# sudo, in a system that debootstrap has just made (minbase), from a clone of the last commit of this folder.
#
#   [EMPTY_RELEASE=bookworm] tests/empty_system.sh [BASE [GOAL…]]     tests/empty_system.sh /tmp/bookworm check
#
# BASE: an empty system that is kept for the next time (made if it is not there). GOAL: what make is to do at the end. As
# root; needs debootstrap, git, a Debian mirror and port 8000. Not a part of `make test`: it takes a quarter of an hour and
# installs a compiler. What must stay true: all it starts and mounts is in namespaces of its own and ends with it, within
# EMPTY_SECONDS; outside of BASE and a folder under /tmp, which is removed, nothing is touched.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
release=${EMPTY_RELEASE:-bookworm}
seconds=${EMPTY_SECONDS:-3600}
user=newcomer
readonly root release seconds user

say() { printf '== %s\n' "$*"; }
fail() {
    printf '%s\n' "empty_system.sh: $*" >&2
    exit 1
}

# ----------------------------------------------------------------------------------------------- outside: the empty system

mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1
}

base_make() {
    [[ ! -d $1/usr ]] || return 0
    say "debootstrap: an empty $release in $1"
    debootstrap --variant=minbase "$release" "$1" "$(mirror)" >"$1.log" 2>&1 || { tail "$1.log"; fail "debootstrap failed"; }
}

# What whoever installs a machine has done before: a name, a resolver, a user who may use sudo.
system_make() {
    local system=$1 base=$2

    say "a copy of it in $system"
    cp -a "$base/." "$system/"
    cp -L /etc/resolv.conf "$system/etc/resolv.conf"
    printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$system/etc/hosts"
    mkdir -p "$system/usr/local/share/ca-certificates"
    cp -a /usr/local/share/ca-certificates/. "$system/usr/local/share/ca-certificates/" 2>/dev/null || true
    git clone -q --bare "$root" "$system/srv/gateway.git"
    cp "${BASH_SOURCE[0]}" "$system/srv/empty_system.sh"
}

# In namespaces of our own: mounts and processes end with this one.
system_enter() {
    local system=$1
    shift

    mount -t proc proc "$system/proc"
    mount -t sysfs -o ro sysfs "$system/sys"
    mount -t tmpfs -o mode=1777 tmpfs "$system/dev/shm"
    mkdir -p "$system/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$system/dev/pts"
    chroot "$system" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${PIP_CERT:+PIP_CERT=/etc/ssl/certs/ca-certificates.crt} bash -euo pipefail -c '
            export DEBIAN_FRONTEND=noninteractive
            apt-get update -qq
            apt-get install -y -qq --no-install-recommends sudo >/dev/null 2>&1
            useradd -m -s /bin/bash '$user'
            echo "'$user' ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/'$user'
            chown -R '$user' /srv/gateway.git
            exec sudo -u '$user' -H ${PIP_CERT:+PIP_CERT=$PIP_CERT} bash /srv/empty_system.sh --inside "$@"' inside "$@"
}

# --------------------------------------------------------------------------------------------------- inside: the newcomer

# The blocks of code of this language under this heading of a page, as they stand there.
blocks() {
    awk -v heading="## $2" -v fence="\`\`\`$3" '
        /^## / { here = $0 == heading }
        here && $0 == fence { inside = 1; next }
        inside && $0 == "```" { inside = 0; print "" ; next }
        here && inside' "$1"
}

expect() {
    grep -qF -- "$2" "$1" || { tail -n 40 "$1"; fail "$3: it does not say: $2"; }
    say "$3"
}

# What is run in the background gets a process group of its own, so that Ctrl-C can be sent to it as a terminal does.
gateway_start() {
    set -m
    bash -e -c "$1" >"$HOME/run.log" 2>&1 &
    gateway=$!
    set +m
    for ((i = 0; i < 1200; i++)); do
        ! grep -q '^ready: ' "$HOME/run.log" || return 0
        kill -0 "$gateway" 2>/dev/null || { tail -n 60 "$HOME/run.log"; fail "make run ended"; }
        sleep 1
    done
    tail -n 60 "$HOME/run.log"
    fail "not ready after 1200 s"
}

gateway_stop() {
    local status=0

    kill -INT -- "-$gateway"
    wait "$gateway" || status=$?
    tail -n 3 "$HOME/run.log"
    # make itself says 130 of a run that Ctrl-C has ended, however well.
    [[ $status == 0 || $status == 130 ]] || fail "Ctrl-C: make run ended with status $status"
    ! pgrep -l -u "$user" 'frontend|balancer|upstream|recorder|mariadbd|runsv' || fail "Ctrl-C: something is left running"
    say "Ctrl-C has ended all of it"
}

inside() {
    local readme=$HOME/README.md clone

    cd "$HOME"
    say "Run it"
    # The README is in the repository, and git comes with the README's first command: read it as on a web page.
    sudo apt-get install -y -qq --no-install-recommends git procps >/dev/null 2>&1
    git --git-dir=/srv/gateway.git show HEAD:README.md >"$readme"
    sudo apt-get purge -y -qq --autoremove git >/dev/null 2>&1
    clone=$(blocks "$readme" "Run it" sh | awk -v RS= '/git clone/')
    gateway_start "${clone//<address of this repository>//srv/gateway.git}"
    say "$(grep -c . run.log) lines; $(tail -n 1 run.log)"
    cd gateway
    sudo apt-get install -y -qq python3-venv >/dev/null 2>&1
    python3 -m venv "$HOME/sdk" && "$HOME/sdk/bin/pip" install -q openai >"$HOME/pip.log" 2>&1 || true
    say "First call"
    bash -e -c "$(blocks README.md "First call" sh)" >"$HOME/calls.log" 2>&1 || { cat "$HOME/calls.log"; fail "First call"; }
    expect "$HOME/calls.log" '"You said: Who are you?"' "chat"
    expect "$HOME/calls.log" 'data: ' "Gemini's own stream"
    if "$HOME/sdk/bin/python" -c 'import openai' 2>/dev/null; then
        "$HOME/sdk/bin/python" -c "$(blocks README.md "First call" python)" >"$HOME/sdk.log" 2>&1 || true
        expect "$HOME/sdk.log" "You said: Who are you?" "OpenAI's SDK"
    else
        say "skipped: OpenAI's SDK is not there; no package registry in reach?"
    fi
    bash -e -c "$(blocks docs/OPERATING.md "The ledger" sh)" >"$HOME/ledger.log" 2>&1 || { cat "$HOME/ledger.log"; fail "The ledger"; }
    expect "$HOME/ledger.log" gemini-2.5-flash "The ledger"
    gateway_stop
    for goal in "$@"; do
        say "make $goal"
        make "$goal"
    done
    say "all of it done"
}

main() {
    local base=${1:-}

    [[ $(id -u) == 0 ]] || fail "as root, since it makes a system of its own"
    command -v debootstrap >/dev/null || fail "needs debootstrap: apt-get install debootstrap"
    work=$(mktemp -d /tmp/empty-system.XXXXXX)
    trap 'rm -rf --one-file-system "$work"' EXIT
    chmod 755 "$work"
    [[ -n $base ]] || base=$work/base
    base_make "$base"
    mkdir "$work/system"
    system_make "$work/system" "$base"
    shift || true
    timeout "$seconds" unshare --mount --pid --fork --kill-child -- bash "${BASH_SOURCE[0]}" --enter "$work/system" "$@"
}

case ${1:-} in
--inside) shift && inside "$@" ;;
--enter) shift && system_enter "$@" ;;
*) main "$@" ;;
esac
