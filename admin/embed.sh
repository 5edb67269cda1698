#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes a C file that takes all pages into the program, packed: admin/embed.sh OUT.c PAGES VENDOR
#
# Every file below PAGES is there under its name, and VENDOR's as vendor/…; all of them get one version, the hash of their names and
# contents. index.html names them as they lie beside it (href="css/app.css"), and here gets the addresses that they are served at
# (/a/VERSION/css/app.css). What must stay true: the same files give the same bytes, wherever and whenever it runs.
set -euo pipefail
export LC_ALL=C

out=$1 pages=$2 vendor=$3
folder=${out%.c}
rm -rf "$folder"
mkdir -p "$folder/plain/vendor"
(cd "$pages" && find . -type f ! -name 'package*.json' ! -name '*.md' ! -name '.*' ! -path './node_modules/*' -printf '%P\n' | sort) |
    while IFS= read -r name; do
        mkdir -p "$folder/plain/$(dirname "$name")"
        cp "$pages/$name" "$folder/plain/$name"
    done
cp "$vendor"/uplot.* "$folder/plain/vendor/"

cd "$folder/plain"
mapfile -t names < <(find . -type f -printf '%P\n' | sort)
version=$(for name in "${names[@]}"; do
    printf '%s\n' "$name"
    cat "$name"
done | sha256sum | cut -c 1-16)
for name in "${names[@]}"; do
    [[ $name =~ ^[A-Za-z0-9._/-]+$ ]] || { echo "admin/embed.sh: $name is no name for a page" >&2; exit 1; }
    printf 's,\\(href\\|src\\)="%s",\\1="/a/%s/%s",g\n' "${name//./\\.}" "$version" "$name"
done >../addresses.sed
sed -i -f ../addresses.sed index.html
for name in "${names[@]}"; do
    mkdir -p "../packed/$(dirname "$name")"
    gzip -9n <"$name" >"../packed/$name"
done
cd - >/dev/null

{
    printf '/* Written by admin/embed.sh. */\n#include "assets.h"\n\nconst char assets_version[] = "%s";\n\n' "$version"
    for i in "${!names[@]}"; do
        printf '__asm__(".section .rodata\\nasset_%d:\\n.incbin \\"%s\\"\\nasset_%d_end:\\n.previous\\n");\n' \
            "$i" "$folder/packed/${names[i]}" "$i"
        printf 'extern const char asset_%d[], asset_%d_end[];\n' "$i" "$i"
    done
    printf '\nconst struct asset assets[] = {\n'
    for i in "${!names[@]}"; do
        printf '    {"%s", %d, asset_%d, asset_%d_end},\n' "${names[i]}" "$(stat -c %s "$folder/plain/${names[i]}")" "$i" "$i"
    done
    printf '};\nconst size_t asset_count = %d;\n' "${#names[@]}"
} >"$out"
