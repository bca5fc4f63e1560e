#!/bin/sh
# can_fail.sh c|cxx COMPILER: compile.sh finds what it is there to find.
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/ringbus"
header=$work/ringbus/bad.h

# refuses WHY TEXT
refuses() {
    printf '%b' "$2" >"$header"
    code=0
    sh "$here/compile.sh" "$language" "$compiler" "$work" "$header" >"$work/output" 2>&1 || code=$?
    case $code in
    1) ;;
    77)
        cat "$work/output"
        exit 77
        ;;
    *)
        echo "can_fail: accepted $1"
        exit 1
        ;;
    esac
}

language=$1
compiler=$2
refuses "although it has no include guard" 'struct ringbus_bad {\n    int x;\n};\n'
refuses "although it is not complete alone" '#pragma once\nuint32_t ringbus_bad(void);\n'
refuses "although it warns" '#pragma once\nstatic int ringbus_bad(long x) { return x; }\n'
refuses "although it includes libuv" '#pragma once\n#define _GNU_SOURCE 1\n#include <uv.h>\n'
if [ "$language" = c ]; then
    refuses "although it includes atomics" \
        '#pragma once\n#if __STDC_VERSION__ >= 201112L\n#include <stdatomic.h>\n#endif\n'
fi
