#!/bin/sh
# can_fail.sh LINT: the lint accepts a small tree that is in order, and refuses it, saying why, with one thing wrong.
# shellcheck disable=SC2016 # backticks here are Markdown's
set -eu
lint=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# put FILE TEXT: write it into the tree (printf's escapes)
put() {
    mkdir -p "$work/tree/$(dirname "$1")"
    printf '%b' "$2" >"$work/tree/$1"
}

# many COUNT TEXT: TEXT so many times, as put reads it
many() {
    COUNT=$1 TEXT=$2 awk 'BEGIN { for (i = 0; i < ENVIRON["COUNT"]; i++) printf "%s", ENVIRON["TEXT"] }'
}

more= # names of further modules in lib/ring
good_tree() {
    rm -rf "$work/tree"
    put lib/base/order.h '#include <stdatomic.h>\n#define ORDER_A memory_order_release\n/* memory_order_x */\n'
    put lib/base/atomic.h '#include <stdatomic.h>\n'
    put lib/base/park.c '#include "base/order.h"\n#include <pthread.h>\nint x = ORDER_A; /* atomic_load( is a word */\n'
    put lib/bus/topic.c '#include "ring/reader.h"\n#include <uthash.h>\n'
    put lib/uv/bell.c '#include <uv.h>\n\n#include "bus/topic.h"\n'
    put include/ringbus/uv.h '#include <uv.h>\n\n#include "ringbus/ringbus.h"\n'
    put include/ringbus/ringbus.h '#define RINGBUS_X 1\nRINGBUS_API int ringbus_open(void);\n'
    put examples/01_hello.c '#include <ringbus/ringbus.h>\n'
    put tests/bus/test_bus.c '#include "bus/bus.h"\n'
    put tests/input/test_name.c '#include "bus/bus.h"\n'
    put README.md 'See `lib/base/park.c`, `base/{order,atomic}.h`, `park.c` and `lib/*/topic.c`.\n'
    put run '#!/bin/sh\necho run\n'
    for name in $more; do put "lib/ring/$name.h" ''; done
    cp "$here/../../.clang-format" "$work/tree/"
}

good_tree
code=0
sh "$here/$lint.sh" "$work/tree" >"$work/output" 2>&1 || code=$?
cat "$work/output"
[ $code -ne 77 ] || exit 77
[ $code -eq 0 ] || {
    echo "can_fail: $lint refuses a tree that is in order"
    exit 1
}

failed=0
cases=0
# refuses FILE TEXT WHY: with FILE so, the lint exits with 1 and says WHY
refuses() {
    good_tree
    put "$1" "$2"
    code=0
    sh "$here/$lint.sh" "$work/tree" >"$work/output" 2>&1 || code=$?
    cases=$((cases + 1))
    if [ $code -ne 1 ] || ! grep -qF -e "$3" "$work/output"; then
        echo "can_fail: $lint exits with $code and does not say \"$3\" of $1:"
        printf '%b' "$2" | head -n 5
        cat "$work/output"
        failed=1
    fi
}

case $lint in
layers)
    refuses lib/base/clock.c '#include "ring/ring.h"\n' 'base may not include ring'
    refuses lib/ring/gate.c '#  include  "bus/bus.h"\n' 'ring may not include bus'
    refuses lib/bus/bus.h '#include "uv/bell.h"\n' 'bus may not include uv'
    refuses lib/bus/bus.c '#include "topic.h"\n' 'an include names its layer'
    refuses lib/bus/bus.c '#include <uthash.h>\n' 'only lib/bus/topic.c may include'
    refuses lib/bus/bus.c '#include "ringbus/uv.h"\n' 'only lib/uv may include'
    refuses lib/ring/ring.c '#include <uv.h>\n' 'only lib/uv may include'
    refuses include/ringbus/ring.h '#include "base/atomic.h"\n' 'not a public header'
    refuses include/ringbus/ring.h '#include <stdatomic.h>\n' 'not in a public header'
    refuses include/ringbus/ring.h '#include <uv.h>\n' 'only uv.h may include'
    refuses examples/02_counters.c '#include "bus/bus.h"\n' 'an example uses public headers only'
    ;;
order)
    refuses lib/ring/reader.c 'int x = memory_order_acquire;\n' 'spell memory orders in'
    refuses lib/base/atomic.h 'int x = memory_order_relaxed;\n' 'spell memory orders in'
    refuses lib/ring/reader.c '#include <stdatomic.h>\n' 'atomic operations are in'
    refuses lib/ring/reader.c 'int x(int *p) { return __atomic_load_n(p, 2); }\n' 'atomic operations are in'
    refuses lib/ring/reader.c 'void x(void) { atomic_thread_fence(ORDER_A); }\n' 'atomic operations are in'
    refuses lib/bus/bus.c '_Atomic int x;\n' 'atomic operations are in'
    refuses lib/bus/bus.c 'volatile int x;\n' 'volatile is no memory order'
    refuses lib/base/atomic.h 'int x(_Atomic int *p) { return atomic_load(p); }\n' 'use the _explicit form'
    refuses lib/base/order.h '#define ORDER_A 1\n#define ORDER_B 2\n' 'ORDER_B is used nowhere'
    refuses lib/base/park.c '/* ORDER_A */\n' 'ORDER_A is used nowhere'
    ;;
sizes)
    refuses lib/bus/bus.c "$(many 601 '\n')" '601 lines; at most 600'
    refuses include/ringbus/ring.h "$(many 601 '\n')" '601 lines; at most 600'
    refuses lib/bus/bus.c "int\nf(void)\n{\n$(many 61 '    g();\n')}\n" '61 lines of function'
    more='a b c d e f g h i j k l'
    refuses lib/ring/m.c '' 'lib/ring has 13 modules; at most 12'
    ;;
names)
    refuses include/ringbus/ring.h '#define RING_SIZE 1\n' 'the macro RING_SIZE'
    refuses include/ringbus/ring.h 'struct ring {\n    int x;\n};\n' 'the tag ring'
    refuses include/ringbus/ring.h 'RINGBUS_API int ring_open(void);\n' 'the public function ring_open'
    refuses include/ringbus/ring.h 'RINGBUS_API int ringbus__open(void);\n' 'the public function ringbus__open'
    refuses include/ringbus/ring.h 'enum ringbus_x {\n    WAIT = 1,\n};\n' 'the enumerator WAIT'
    refuses lib/bus/bus.c '#include <pthread.h>\n' 'only lib/base calls the system'
    refuses lib/ring/wait.c 'void f(void) { sched_yield(); }\n' 'only lib/base calls the system'
    refuses lib/ring/wait.c 'void f(void) { syscall(1); }\n' 'only lib/base calls the system'
    refuses lib/bus/bus.c 'void f(void) { abort(); }\n' 'does not print, abort or install'
    refuses lib/bus/bus.c 'int f(void) { return errno; }\n' 'does not touch errno'
    refuses lib/bus/bus.c 'void bus_push(void);\n' 'a word that is not used here: bus_push'
    refuses lib/bus/bus_util.c '' 'a name that says nothing'
    ;;
text)
    refuses lib/bus/bus.c 'int\tx;\n' 'a tab'
    refuses README.md 'hello  \n' 'blanks at the end'
    refuses run '#!/bin/sh\r\n' 'a carriage return'
    refuses lib/bus/bus.c 'int x;' 'no newline at the end'
    refuses lib/bus/bus.c "/* $(many 12 '1234567890') */\n" '126 columns; at most 120'
    ;;
docs)
    refuses README.md 'See `lib/base/gone.c`.\n' 'there is no lib/base/gone.c'
    refuses docs/guarantees.md 'See `base/{order,gone}.h`.\n' 'there is no base/{order,gone}.h'
    refuses lib/README.md 'See `gone.c`.\n' 'there is no gone.c'
    refuses README.md 'See `tests/*/gone_*.c`.\n' 'there is no tests/*/gone_*.c'
    refuses README.md 'Type `./check`.\n' 'there is no ./check'
    refuses README.md '```c\nint main(void);\n```\n' 'its program is not examples/01_hello.c'
    refuses docs/guarantees.md 'Held by `bus/a_test_nobody_wrote`.\n' 'there is no test bus/a_test_nobody_wrote'
    refuses docs/guide/full.md 'Held by `input/a_test_nobody_wrote`.\n' 'there is no test input/a_test_nobody_wrote'
    refuses docs/guide/full.md 'Call `ringbus_wait_for_ever(bus)`.\n' 'there is no ringbus_wait_for_ever'
    refuses docs/guide/full.md 'See [it](gone.md).\n' 'there is no gone.md to link to'
    ;;
format)
    refuses lib/bus/bus.c 'int  x;\n' 'is laid out differently'
    refuses tests/bus/test_bus.c 'int main(void) { return 0; }\n' 'is laid out differently'
    ;;
shell)
    refuses scripts/bad.sh 'if true; then\n' 'sh cannot read it'
    refuses run 'case x in\n' 'sh cannot read it'
    ;;
*)
    echo "can_fail: no cases for $lint"
    exit 1
    ;;
esac
[ $failed -eq 0 ] || exit 1
echo "can_fail: $lint refuses what it should, $cases times"
