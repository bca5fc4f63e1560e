#!/bin/sh
# sizes.sh ROOT: a .c file has at most 400 lines (600 are never passed), a header 250 (600), a function 40 (60), a
# folder twelve modules: a .c and its .h are one. Over the first number is a warning, over the second an error.
set -eu
. "$(dirname "$0")/lint.sh"

for file in $(sources lib include examples tests bench); do
    lines=$(wc -l <"$file")
    case $file in
    *.c) target=400 ;;
    *) target=250 ;;
    esac
    if [ "$lines" -gt 600 ]; then
        say "$file has $lines lines; at most 600"
    elif [ "$lines" -gt "$target" ]; then
        warn "$file has $lines lines; at most $target is the aim"
    fi

    # a function's body stands between braces in the first column
    awk -v aim=40 -v most=60 '
        /^\{/ { start = NR; name = previous }
        /^\}/ && start {
            lines = NR - start - 1
            if (lines > aim) print (lines > most), start, lines, name
            start = 0
        }
        { previous = $0 }' "$file" | while read -r over line length name; do
        if [ "$over" = 1 ]; then
            say "$file:$line: $length lines of function; at most 60: $name"
        else
            warn "$file:$line: $length lines of function; at most 40 is the aim: $name"
        fi
    done
done

folders=$(for file in $(sources lib include examples tests); do dirname "$file"; done | sort -u)
for folder in $folders; do
    [ "$folder" != examples ] || continue # numbered programs, no modules
    modules=$(find "$folder" -maxdepth 1 -name '*.[ch]' | sed 's/\.[ch]$//' | sort -u | wc -l)
    [ "$modules" -le 12 ] || say "$folder has $modules modules; at most 12: a noun is missing"
done
finish
