#!/bin/sh
# docs.sh ROOT: a path in backticks in the documentation exists. Fenced blocks are not looked at, nor docs/decisions and
# CHANGELOG.md, which speak of their own day.
#
# A path is a word that begins with a folder of the tree, or a file name as sources and documents have them. It is
# looked for from the root, lib/, include/, tests/ and the document's folder; a bare file name anywhere. {a,b} and * may
# be used. The README's first C program is examples/01_hello.c without its first line; every test that a page of docs/
# names (`layer/a_sentence_with_underscores`) exists in that layer's tests, every function that it or the README names
# (`ringbus_noun_verb`) in a public header, and every page of the repository that it links to where the link says.
set -eu
. "$(dirname "$0")/lint.sh"

documents=$(find . \( -name .git -o -name build -o -path ./docs/decisions \) -prune -o -type f -name '*.md' -print |
    sed 's,^\./,,' | grep -v '^CHANGELOG\.md$' | sort || :)
find . \( -name .git -o -name build \) -prune -o -type f -print | sed 's,.*/,,' | sort -u >"$lint_work/names"

# words FILE: "line word" of everything in backticks outside fences
words() {
    awk '/^ *```/ { fence = !fence; next }
        !fence {
            count = split($0, part, "`")
            for (i = 2; i <= count; i += 2) {
                n = split(part[i], word, /[ ,;:()]+/)
                if (index(part[i], "{")) { n = 1; word[1] = part[i] }
                for (j = 1; j <= n; j++) if (word[j] != "") print NR, word[j]
            }
        }' "$1"
}

# expand WORD: a/{b,c}.h as a/b.h a/c.h
expand() {
    case $1 in
    *'{'*,*'}'*)
        before=${1%%\{*}
        rest=${1#*\{}
        after=${rest#*\}}
        printf '%s\n' "${rest%%\}*}" | tr ',' '\n' | while read -r middle; do
            printf '%s\n' "$before$middle$after"
        done
        ;;
    *) printf '%s\n' "$1" ;;
    esac
}

# exists PATTERN
exists() {
    # the pattern's * are to be expanded
    # shellcheck disable=SC2086
    for found in $1; do
        [ -e "$found" ] && return 0
    done
    return 1
}

# paths FILE: of these the paths
paths() {
    words "$1" | grep -E \
        -e '^[0-9]+ (\./)?(lib|include|tests|examples|docs|bench|scripts|cmake|\.ci)/[A-Za-z0-9_.*/{},-]*$' \
        -e '^[0-9]+ ([A-Za-z0-9_.*-]+/)*[A-Za-z0-9_*{},-]+\.(c|h|md|sh|awk|cmake|symbols|expected)$' \
        -e '^[0-9]+ \./(run|check)$' || :
}

for document in $documents; do
    folder=$(dirname "$document")
    paths "$document" | while read -r line word; do
        expand "$word" | while read -r path; do
            case $path in
            uv.h | check.h | uthash.h | stdatomic.h | pthread.h) continue ;;
            esac
            case $path in
            */*) ;;
            *'*'*) ;;
            *) grep -qxF "$path" "$lint_work/names" && continue ;;
            esac
            exists "$path" || exists "lib/$path" || exists "include/$path" || exists "tests/$path" ||
                exists "$folder/$path" || say "$document:$line: there is no $word"
        done
    done
done

if grep -q '^```c$' README.md; then
    awk '/^```c$/ { on = 1; next } on && /^```/ { exit } on' README.md >"$lint_work/shown"
    tail -n +2 examples/01_hello.c | cmp -s - "$lint_work/shown" ||
        say "README.md: its program is not examples/01_hello.c"
fi

layers=$(find tests \( -name 'test_*.c' -o -name 'stress_*.c' -o -name 'fault_*.c' \) -print 2>/dev/null |
    sed 's,^tests/\([^/]*\)/.*,\1,' | sort -u | paste -sd '|' -)
for page in README.md docs/*.md docs/guide/*.md; do
    [ -f "$page" ] || continue
    grep -noE "\`($layers)/[a-z0-9_]+\`" "$page" | tr -d '\140' |
        while IFS=: read -r line test; do
            grep -rqF "START_TEST(${test#*/})" "tests/${test%%/*}" 2>/dev/null ||
                [ -f "tests/${test%%/*}/${test%%/*}_${test#*/}.c" ] ||
                say "$page:$line: there is no test $test"
        done
    words "$page" | sed -n 's/^\([0-9]* \)\(ringbus_[a-z0-9_]*\).*/\1\2/p' | while read -r line function; do
        grep -rqwF "$function" include/ringbus 2>/dev/null ||
            say "$page:$line: there is no $function in a public header"
    done
    grep -noE '\]\([^():#]+[)#]' "$page" | sed 's/\](//; s/[)#]$//' | while IFS=: read -r line target; do
        [ -e "$(dirname "$page")/$target" ] || say "$page:$line: there is no $target to link to"
    done
done
finish
