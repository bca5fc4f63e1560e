#!/bin/sh
# layers.sh ROOT: includes name their layer and point one way only, base <- ring <- bus <- uv; public headers and
# examples stay on the public side; uthash is included by one file, libuv by its adapter.
set -eu
. "$(dirname "$0")/lint.sh"

# includes FILE: "line name" of every include, names with their quotes or brackets
includes() {
    awk -f "$here/code.awk" "$1" |
        sed -n '/^ *# *include/{=;s/^ *# *include *\(["<][^">]*[">]\).*/\1/p;}' | paste -d ' ' - -
}

# rank LAYER
rank() {
    case $1 in
    base) echo 1 ;;
    ring) echo 2 ;;
    bus) echo 3 ;;
    uv) echo 4 ;;
    *) echo 0 ;;
    esac
}

check_library() {
    file=$1
    layer=${file#lib/}
    layer=${layer%%/*}
    includes "$file" | while read -r line name; do
        case $name in
        '"ringbus/uv.h"' | '<uv.h>')
            [ "$layer" = uv ] || say "$file:$line: only lib/uv may include $name"
            ;;
        '"ringbus/'*) ;;
        '<uthash.h>')
            [ "$file" = lib/bus/topic.c ] || say "$file:$line: only lib/bus/topic.c may include $name"
            ;;
        '<ringbus/'*) say "$file:$line: write \"ringbus/...\", not $name" ;;
        '<'*) ;;
        '"base/'* | '"ring/'* | '"bus/'* | '"uv/'*)
            target=${name#?}
            target=${target%%/*}
            [ "$(rank "$target")" -le "$(rank "$layer")" ] || say "$file:$line: $layer may not include $target: $name"
            ;;
        *) say "$file:$line: an include names its layer: $name" ;;
        esac
    done
}

check_public() {
    includes "$1" | while read -r line name; do
        case $name in
        '<uv.h>' | '"ringbus/uv.h"') [ "$1" = include/ringbus/uv.h ] || say "$1:$line: only uv.h may include $name" ;;
        '<uthash.h>' | '<stdatomic.h>') say "$1:$line: not in a public header: $name" ;;
        '"ringbus/'* | '<'*) ;;
        *) say "$1:$line: not a public header: $name" ;;
        esac
    done
}

check_example() {
    includes "$1" | while read -r line name; do
        case $name in
        '"base/'* | '"ring/'* | '"bus/'* | '"uv/'*) say "$1:$line: an example uses public headers only: $name" ;;
        esac
    done
}

for file in $(sources lib); do check_library "$file"; done
for file in $(sources include); do check_public "$file"; done
for file in $(sources examples); do check_example "$file"; done
finish
