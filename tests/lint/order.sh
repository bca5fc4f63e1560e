#!/bin/sh
# order.sh ROOT: memory_order_* is spelled in lib/base/order.h only; atomic operations in lib/base/atomic.h and
# barrier.h only; every name of order.h is used outside it, and every access names one.
set -eu
. "$(dirname "$0")/lint.sh"
order=lib/base/order.h

# complain FILE WHY PATTERN: matches of PATTERN in the code (comments and strings aside)
complain() {
    awk -f "$here/code.awk" "$1" | grep -nE "$3" | while IFS=: read -r line text; do
        say "$1:$line: $2:$text"
    done
}

implicit='load|store|exchange|fetch_[a-z]+|compare_exchange_(weak|strong)|flag_test_and_set|flag_clear'
operations='load|store|exchange|fetch|compare|flag|init|thread_fence|signal_fence'

[ -f $order ] || say "there is no $order"
for file in $(sources lib); do
    if [ "$file" != $order ]; then
        complain "$file" "spell memory orders in $order only" '\<memory_order_[a-z]'
    fi
    case $file in
    lib/base/order.h) ;;
    lib/base/atomic.h | lib/base/barrier.h)
        complain "$file" "use the _explicit form, with an order of $order" "\\<atomic_($implicit) *\\("
        ;;
    *)
        complain "$file" "atomic operations are in lib/base/atomic.h" \
            "stdatomic\\.h|\\<(__atomic_|__sync_|atomic_($operations))|\\<_Atomic\\>"
        complain "$file" "volatile is no memory order" '(^|[^_ ]) *\<volatile\>'
        ;;
    esac
done

for file in $(sources lib); do
    if [ "$file" != $order ]; then awk -f "$here/code.awk" "$file"; fi
done >"$lint_work/code"
sed -n 's/^ *# *define *\(ORDER_[A-Z_]*\).*/\1/p' $order | sort -u | while read -r name; do
    grep -qE "\<$name\>" "$lint_work/code" || say "$order: $name is used nowhere"
done
finish
