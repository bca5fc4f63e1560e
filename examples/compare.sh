#!/bin/sh
# compare.sh EXPECTED PROGRAM [ARGUMENT...]: PROGRAM succeeds and writes exactly what is in the file EXPECTED.
set -eu
expected=$1
shift
output=$(mktemp)
trap 'rm -f "$output"' EXIT
"$@" >"$output"
diff -u "$expected" "$output"
