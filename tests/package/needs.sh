#!/bin/sh
# needs.sh LIBRARY: the shared library needs the C library only (and what every program has: the loader, the vdso; the
# threads library where that is one of its own).
set -eu
needed=$(ldd "$1")
printf '%s\n' "$needed"
others=$(printf '%s\n' "$needed" | awk '{ sub(/.*\//, "", $1); print $1 }' |
    grep -vE -e '^linux-(vdso|gate)\.so\.1$' -e '^ld(64|-linux.*|-musl.*)?\.so\.[0-9]+$' \
        -e '^statically$' -e '^libc\.(so\.6|musl-.*\.so\.1)$' -e '^libpthread\.so\.0$' || :)
[ -z "$others" ] || {
    echo "needs: more than libc:" "$others"
    exit 1
}
