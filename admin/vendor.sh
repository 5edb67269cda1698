#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gets the chart library of the pages, in the very version that their lock file names: admin/vendor.sh PAGES FOLDER
#
# Without npm, or if it gets nothing, two empty files stand in its place, and the pages draw charts by themselves. What must stay true:
# nothing of a package is run, and a build without a network goes on.
set -euo pipefail

pages=$1 folder=$2
mkdir -p "$folder"
: >"$folder/uplot.js"
: >"$folder/uplot.css"
if [[ -f $pages/package-lock.json ]]; then
    cp "$pages/package.json" "$pages/package-lock.json" "$folder/"
    cd "$folder"
    if timeout 60 npm ci --ignore-scripts --silent --fetch-retries 0 --fetch-timeout 20000 >install.log 2>&1; then
        # Its short form as a module: the package has modules in the long form only.
        { cat node_modules/uplot/dist/uPlot.iife.min.js && printf '\nexport default uPlot;\n'; } >uplot.js
        cp node_modules/uplot/dist/uPlot.min.css uplot.css
        cp node_modules/uplot/LICENSE uplot.LICENSE
    else
        echo "  no chart library: $(tail -n 1 install.log | cut -c 1-120); the pages draw by themselves (again: rm -r $folder)"
    fi
    cd - >/dev/null
fi
touch "$folder/.ready"
