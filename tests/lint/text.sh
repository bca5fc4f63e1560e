#!/bin/sh
# text.sh ROOT: no tabs, no trailing blanks, no carriage returns, a newline at the end; at most 120 columns (Markdown
# may have longer ones: tables, links).
set -eu
. "$(dirname "$0")/lint.sh"

files=$(find . \( -name .git -o -name build -o -path ./tests/fuzz/corpus \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' -o -name '*.cmake' -o -name '*.in' -o -name '*.md' \
    -o -name CMakeLists.txt -o -name '*.json' -o -name '*.symbols' -o -path ./run -o -path ./check \
    -o -path ./.ci/run \) -print | sed 's,^\./,,' | sort)
[ -n "$files" ] || say "no files found"

# All files in one go: there are many, and a process for each takes longer than what it does.
# shellcheck disable=SC2086
[ -z "$files" ] || awk '
    function complain(why) { print FILENAME ":" FNR ": " why }
    /\t/ { complain("a tab") }
    / $/ { complain("blanks at the end of the line") }
    /\r/ { complain("a carriage return") }
    length > 120 && FILENAME !~ /\.md$/ { complain(length " columns; at most 120") }' $files |
    while read -r complaint; do
        say "$complaint"
    done
# shellcheck disable=SC2086
if [ -n "$files" ] && [ -n "$(tail -q -c 1 $files)" ]; then
    for file in $files; do
        [ -z "$(tail -c 1 "$file")" ] || say "$file: no newline at the end"
    done
fi
finish
