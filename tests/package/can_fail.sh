#!/bin/sh
# can_fail.sh: needs.sh, symbols.sh and prefix.sh refuse libraries that are not as they should be.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# library TEXT FLAG...: makes x.so and x.a
library() {
    printf '%b' "$1" >x.c
    shift
    "$cc" -fPIC -c x.c
    rm -f x.a
    ar rc x.a x.o
    "$cc" -shared -o x.so x.o "$@"
}

# accepts|refuses SCRIPT ARGUMENT...
accepts() {
    script=$1
    shift
    sh "$here/$script.sh" "$@" >output 2>&1 || {
        cat output
        echo "can_fail: $script refuses a library that is in order"
        exit 1
    }
}
refuses() {
    script=$1
    shift
    if sh "$here/$script.sh" "$@" >output 2>&1; then
        cat output
        echo "can_fail: $script accepts: $(cat x.c)"
        exit 1
    fi
}

printf 'RINGBUS_API int ringbus_a(int x,\n    int y); /* RINGBUS_API int no(void); */\n' >x.h
printf '# a list\nringbus_a\n' >x.symbols
library 'int ringbus_a(void) { return 0; }\n'
accepts needs x.so
accepts symbols x.so x.symbols x.h
accepts prefix x.a

library 'int ringbus_a(void) { return 0; }\nint ringbus_b(void) { return 0; }\n'
refuses symbols x.so x.symbols x.h
library 'int ringbus_b(void) { return 0; }\n'
refuses symbols x.so x.symbols x.h
library 'int other(void) { return 0; }\n'
refuses prefix x.a
refuses symbols x.so x.symbols x.h
library 'int ringbus_a(void) { return 0; }\n'
printf 'RINGBUS_API int ringbus_a(void);\nRINGBUS_API int ringbus_c(void);\n' >x.h
refuses symbols x.so x.symbols x.h
library 'double cos(double);\ndouble ringbus_a(double x) { return cos(x); }\n' -Wl,--no-as-needed -lm
refuses needs x.so
