#!/bin/sh
# symbols.sh LIBRARY LIST HEADER...: the library exports what the list names, neither more nor less, and the list names
# what the headers declare; names with ringbus__ are private and in no header.
set -eu
library=$1
list=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# same WHAT FILE FILE
same() {
    diff -u "$2" "$3" >"$work/diff" || {
        echo "symbols: $1 (< -, > +):"
        cat "$work/diff"
        failed=1
    }
}

grep '^[^#]' "$list" | sort >"$work/listed"
nm -D --defined-only "$library" | awk '{ print $NF }' | sort >"$work/exported"
[ -s "$work/exported" ] || {
    echo "symbols: $library exports nothing"
    exit 1
}
same "the list and what the library exports differ" "$work/listed" "$work/exported"

grep -v '^ringbus__' "$work/listed" >"$work/listed-public" || :
sh "$(dirname "$0")/public_names.sh" "$@" >"$work/declared"
same "the list and what the headers declare differ" "$work/listed-public" "$work/declared"

if grep -v '^ringbus_' "$work/exported"; then
    echo "symbols: exported without the prefix ringbus_"
    failed=1
fi
exit $failed
