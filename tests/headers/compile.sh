#!/bin/sh
# compile.sh c|cxx COMPILER INCLUDE HEADER...: each header compiles alone and included twice, in every standard,
# pedantically and without a warning; none pulls in an atomic or uthash, only uv.h libuv.
set -eu
language=$1
compiler=$2
include=$3
shift 3
case $compiler in
'' | *-NOTFOUND)
    echo "skipped: no compiler for $language"
    exit 77
    ;;
esac
case $language in
c) kind=c standards='c99 c11 c17' ;;
*) kind=c++ standards='c++11 c++14 c++17 c++20' ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
say() {
    echo "headers: $*"
    failed=1
}

for header in "$@"; do
    name=ringbus/$(basename "$header")
    flags=
    case $name in
    */uv.h) flags="-D_GNU_SOURCE $(pkg-config --cflags libuv 2>/dev/null || :)" ;; # <uv.h> needs what ISO C hides
    esac
    printf '#include <%s>\n#include <%s>\nint ringbus_nothing;\n' "$name" "$name" >"$work/twice"
    for standard in $standards; do
        # shellcheck disable=SC2086
        "$compiler" -x $kind -std=$standard -pedantic -Wall -Wextra -Wshadow -Wconversion -Werror -fsyntax-only \
            -I"$include" $flags "$work/twice" || say "$name does not compile as $standard"
    done
    # shellcheck disable=SC2086
    "$compiler" -x $kind -E -I"$include" $flags "$work/twice" >"$work/all" || continue
    if grep -E '^# [0-9]+ ".*/(uthash|stdatomic)\.h"' "$work/all"; then
        say "$name includes what no public header may"
    fi
    case $name in
    */uv.h) ;;
    *) if grep -E '^# [0-9]+ ".*/uv\.h"' "$work/all"; then say "$name includes libuv"; fi ;;
    esac
done
exit $failed
