#!/bin/sh
# Installs the Debian packages that the named groups need (build, run, test, clients, browser, bench, fuzz, lint, container). Called by
# make; says nothing and touches nothing when all of them are there. SPDX-License-Identifier: Apache-2.0
set -eu

build="gcc g++ make pkg-config libh2o-evloop-dev libssl-dev libzmq3-dev libmsgpuck-dev libcurl4-openssl-dev
    default-libmysqlclient-dev libhttp-parser-dev zlib1g-dev libbrotli-dev libzstd-dev uthash-dev libyyjson-dev libsndfile1-dev
    libvo-aacenc-dev"
run="mariadb-server-core mariadb-client-core runit curl ca-certificates"
test="libcmocka-dev python3 python3-pytest python3-venv python3-pip python3-yaml iproute2
    openssl tinyproxy-bin microsocks python3-h2 wrk"
# What the tests of other people's clients want. A Node or PHP that is there from elsewhere is as good.
clients="php-cli php-curl"
command -v node >/dev/null || clients="$clients nodejs"
command -v npm >/dev/null || clients="$clients npm"
# A browser that is there from elsewhere is as good.
browser="fonts-noto-cjk"
command -v chromium >/dev/null || command -v google-chrome >/dev/null || browser="$browser chromium"
bench="wrk nginx-light haproxy python3-matplotlib"
fuzz="clang-14 libclang-rt-14-dev libfuzzer-14-dev"
container="docker.io docker-compose debootstrap"
lint="clang-format-14 clang-tidy-14 cppcheck gcovr"

wanted=
for group in "$@"; do
    case $group in
    build) wanted="$wanted $build" ;;
    run) wanted="$wanted $run" ;;
    test) wanted="$wanted $test" ;;
    clients) wanted="$wanted $clients" ;;
    browser) wanted="$wanted $browser" ;;
    bench) wanted="$wanted $bench" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    lint) wanted="$wanted $lint" ;;
    container) wanted="$wanted $container" ;;
    *) echo "packages.sh: no such group: $group" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null; then
    echo "packages.sh: this is no Debian: see to it yourself that what these packages hold is there:" $wanted >&2
    exit 0
fi

missing=
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null; then
        echo "packages.sh: missing, and there is no sudo to install it; as root: apt-get install$missing" >&2
        exit 1
    fi
fi
echo "installing from Debian:$missing" >&2
# After an upgrade of the system what was pinned has become its own release.
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
for name in yyjson h2o; do
    [ ! -e "/etc/apt/preferences.d/$name-from-$release" ] ||
        $as_root rm -f "/etc/apt/preferences.d/$name-from-$release" "/etc/apt/sources.list.d/$name-from-$release.sources"
done
$as_root apt-get update -qq

uri_of() { # the address of that archive ("Debian", "Debian-Security") in this machine's own sources
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | head -n 1
}

source_of() { # URI SUITE
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$1" "$2" \
        /usr/share/keyrings/debian-archive-keyring.gpg
}

# From this one source package of another release, and nothing else: NAME RELEASE PACKAGES
take_from() {
    [ -z "$(apt-cache madison "${3%% *}")" ] || return 0
    mirror=$(uri_of Debian)
    security=$(uri_of Debian-Security)
    [ -n "$mirror" ] || { echo "packages.sh: no Debian mirror among apt's sources: install $3 by hand" >&2; exit 1; }
    printf '%s\n' 'Package: *' "Pin: release n=$2*" 'Pin-Priority: -1' '' \
        "Package: $3" "Pin: release n=$2*" 'Pin-Priority: 500' |
        $as_root tee "/etc/apt/preferences.d/$1-from-$2" >/dev/null
    {
        source_of "$mirror" "$2"
        [ -z "$security" ] || source_of "$security" "$2-security"
    } | $as_root tee "/etc/apt/sources.list.d/$1-from-$2.sources" >/dev/null
    $as_root apt-get update -qq
}

# yyjson came to Debian with release 13, and h2o left it then.
case $missing in *libyyjson-dev*) take_from yyjson trixie "libyyjson-dev libyyjson0" ;; esac
case $missing in *libh2o-evloop-dev*) take_from h2o bookworm "libh2o-evloop-dev libh2o-evloop0.13 libh2o-dev-common" ;; esac

# Services must not start on their own: the gateway runs its private database itself.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
