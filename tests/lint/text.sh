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

# complain FILE WHY PATTERN
complain() {
    grep -nE "$3" "$1" | cut -d: -f1 | while read -r line; do
        say "$1:$line: $2"
    done
}

tab=$(printf '\t')
return=$(printf '\r')
for file in $files; do
    complain "$file" "a tab" "$tab"
    complain "$file" "blanks at the end of the line" ' $'
    complain "$file" "a carriage return" "$return"
    case $file in
    *.md) ;;
    *)
        awk 'length > 120 { print NR, length }' "$file" | while read -r line columns; do
            say "$file:$line: $columns columns; at most 120"
        done
        ;;
    esac
    [ -z "$(tail -c 1 "$file")" ] || say "$file: no newline at the end"
done
finish
