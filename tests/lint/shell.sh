#!/bin/sh
# shell.sh ROOT: every script is one that sh can read and, where there is shellcheck, that it has nothing to say about.
set -eu
. "$(dirname "$0")/lint.sh"
scripts=$(find . \( -name .git -o -name build \) -prune -o -type f \
    \( -name '*.sh' -o -path ./run -o -path ./check -o -path ./.ci/run \) -print | sort)
[ -n "$scripts" ] || say "no scripts found"
for script in $scripts; do
    sh -n "$script" || say "$script: sh cannot read it"
    if command -v shellcheck >/dev/null; then
        shellcheck -x -P SCRIPTDIR -s sh "$script" || say "$script: see above"
    fi
done
finish
