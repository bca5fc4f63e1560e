#!/bin/sh
# can_fail.sh ROOT WORK OBJECT-OR-LIBRARY...: adds to the library what a post or a dispatch must not do, one thing at a
# time, and sees that test_post.c fails for it.
#
# The changed source is compiled over counted/base and linked before the library that has it unchanged. Where system
# calls cannot be counted, the rest is seen, and it is skipped (77), or fails if RINGBUS_NO_SKIP is 1. CC: the compiler.
set -eu
root=$(cd "$1" && pwd)
work=$2
shift 2
: "${CC:=cc}"
mkdir -p "$work"

memory='free(malloc(64));'
mutex='{ static pthread_mutex_t it = PTHREAD_MUTEX_INITIALIZER; pthread_mutex_lock(\&it); pthread_mutex_unlock(\&it); }'
call='getppid();'
lock='{ static struct lock lock; lock_acquire(\&lock); lock_release(\&lock); }'
change='{ static struct atomic_u64 word; add_u64(\&word, 1, ORDER_COUNT); }'
fence='barrier_full();'
claim='add_u64(\&group->ring->next, 0, ORDER_COUNT);'

# seen TEST FILE BEFORE WHAT [LINKED...]: WHAT goes before the one line of lib/FILE that begins with BEFORE
seen() {
    test=$1
    file=$2
    before=$3
    what=$4
    shift 4
    [ "$(grep -cF "$before" "$root/lib/$file")" = 1 ] || {
        echo "can_fail: not one line in lib/$file has: $before"
        exit 1
    }
    pattern=$(printf '%s\n' "$before" | sed 's/[][*.\/]/\\&/g')
    sed "s/^\\( *\\)\\($pattern\\)/\\1$what \\2/" "$root/lib/$file" >"$work/mutant.c"
    "$CC" -std=c11 -O1 -fno-builtin -DNDEBUG -D_GNU_SOURCE -include stdlib.h -include unistd.h -include pthread.h \
        -I"$root/tests/cost/counted" -I"$root/lib" -I"$root/include" -I"$root" -I"$root/tests" \
        -c "$work/mutant.c" -o "$work/mutant.o"
    "$CC" "$work/mutant.o" "$@" -pthread -ldl -o "$work/mutant"
    code=0
    CK_VERBOSITY=normal "$work/mutant" >"$work/output" 2>&1 || code=$?
    grep -q ":F:cost:$test" "$work/output" || {
        echo "can_fail: $test did not see $what in lib/$file (exit code $code):"
        cat "$work/output"
        exit 1
    }
    echo "$test: $(sed -n "s/.*:F:cost:${test}[a-z_]*:0: //p" "$work/output" | head -n 1)"
}

"$CC" "$@" -pthread -ldl -o "$work/unchanged"
skipped=0
"$work/unchanged" >"$work/output" || skipped=$?
if [ $skipped != 0 ]; then
    cat "$work/output"
    call=
fi

for what in "$memory" "$mutex" "$call" "$lock" "$change" "$fence"; do
    [ -n "$what" ] || continue
    seen a_post_by_handle bus/post/post.c 'matched = (int)load_u32(' "$what" "$@"
    seen a_post_by_handle bus/pass.c 'if (unlikely(registration == NULL))' "$what" "$@"
done
seen a_synchronous_post_by_handle bus/post/direct.c 'frame->left = group->bit;' "$lock" "$@"
seen a_synchronous_post_by_handle bus/post/direct.c 'frame->left = group->bit;' "$memory" "$@"
seen a_post_by_handle bus/post/post.c 'matched = (int)load_u32(' "$claim" "$@"
seen a_post_by_handle bus/post/post.c 'post_fill(posting, group, sequence, 0);' "$change" "$@"
seen so_it_is_for_a_thread_safe_consumer bus/pass.c 'entry_show(entry, sequence, event);' "$change" "$@"
seen a_batch_end bus/dispatch.c 'code = consumer->batch_end(' "$change" "$@"
seen a_synchronous_post_to_a_serialized_consumer bus/post/direct.c 'serial_leave(consumer, thread' "$change" "$@"
seen a_serialized_consumer_that_another bus/dispatch.c 'delivery->locked = NULL;' "$lock" "$@"
for what in "$lock" "$change" "$memory"; do
    seen a_post_by_name bus/post/post.c 'record_let_go(record);' "$what" "$@"
done
exit $skipped
