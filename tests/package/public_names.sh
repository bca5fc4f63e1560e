#!/bin/sh
# public_names.sh HEADER...: the functions the headers declare with RINGBUS_API, one a line, sorted.
set -eu
code=$(dirname "$0")/../lint/code.awk
for header in "$@"; do
    awk -f "$code" "$header" | grep -v '^ *#'
done | tr '\n' ' ' | sed 's/[;{}]/\n/g' |
    sed -n 's/.*RINGBUS_API[^(]*[ *]\([A-Za-z0-9_]*\) *(.*/\1/p' | sort
