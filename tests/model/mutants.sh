#!/bin/sh
# mutants.sh ROOT WORK [MUTANT...]: breaks the library, one thing at a time, and sees that a scenario fails.
#
# Two kinds: an order of lib/base/order.h weakened to relaxed (its name), and a line of the source changed
# (mutants.list: name, file, sed program). A mutant that no scenario kills is an error unless `survivors` names it;
# README.md says why each of those survives. Scenarios that fail on the library as it is are left out, and named.
# CC, CFLAGS: as usual. SCENARIOS: patterns, if not all are to be tried.
set -eu
root=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
wanted=" $* "
: "${CC:=cc}" "${CFLAGS:=-O2}"

orders='PUBLISH_RELEASE PUBLISH_ACQUIRE POSITION_RELEASE FREE_ACQUIRE STAGE_ACQUIRE GATE_RELEASE GATE_ACQUIRE
    CUT_RELEASE CUT_ACQUIRE LOCK_RELEASE LOCK_ACQUIRE WAKE STATE_RELEASE STATE_ACQUIRE TABLE_RELEASE TABLE_ACQUIRE'
survivors=' TABLE_RELEASE TABLE_ACQUIRE wake_no_bit_taken gate_no_barrier join_behind_not_looked_again '

# build DIRECTORY FLAG...: the checker over the library in DIRECTORY/lib
build() {
    directory=$1
    shift
    # shellcheck disable=SC2086
    $CC -std=c11 $CFLAGS -w -DNDEBUG -D_GNU_SOURCE "$@" -I"$root/tests/model/include" -I"$root/tests/model" \
        -I"$directory/lib" -I"$root/include" "$directory"/lib/ring/*.c "$directory/lib/base/lock.c" \
        "$directory/lib/base/barrier.c" "$directory/lib/base/alloc.c" "$directory/lib/base/options.c" \
        "$root"/tests/model/*.c "$root"/tests/model/scenarios/*.c -o "$directory/model"
}

copy() {
    rm -rf "$1"
    mkdir -p "$1"
    cp -r "$root/lib" "$1/lib"
}

copy "$work/as_it_is"
build "$work/as_it_is"
# shellcheck disable=SC2086
(set -f && "$work/as_it_is/model" ${SCENARIOS:-*} >"$work/as_it_is/log") || :
# The quick ones first.
scenarios=$(awk '/ all explored, / && $1 !~ /^litmus_/ { print $4, $1 }' "$work/as_it_is/log" |
    sort -n | cut -d ' ' -f 2)
awk '/ (FAILED|time is up), / { print "left out, fails on the library as it is: " $1 }' "$work/as_it_is/log"

killed=0
wrong=0

# judge NAME FLAG...: builds the mutant with the barriers of a release, then with ThreadSanitizer's, and runs it until a
# scenario fails
judge() {
    name=$1
    shift
    by=
    for barriers in MODEL_RELEASE BARRIER_BY_RMW; do
        if ! build "$work/mutant" "-D$barriers=1" "$@" 2>"$work/errors"; then
            echo "does not build: $name"
            wrong=$((wrong + 1))
            return
        fi
        for scenario in $scenarios; do
            [ -z "$by" ] || break
            timeout 60 "$work/mutant/model" "$scenario" >"$work/log" 2>&1 || by=$scenario
        done
        [ -z "$by" ] || break
    done
    expected=no
    case $survivors in *" $name "*) expected=yes ;; esac
    if [ -n "$by" ]; then
        killed=$((killed + 1))
        [ "$barriers" = MODEL_RELEASE ] || by="$by, with ThreadSanitizer's barriers"
        echo "killed    $name by $by"
        [ "$expected" = no ] || echo "          but it is named as a survivor"
    elif [ "$expected" = yes ]; then
        echo "survived  $name, as README.md says"
    else
        echo "survived  $name"
        wrong=$((wrong + 1))
    fi
}

is_wanted() {
    [ "$wanted" = '  ' ] && return 0
    case $wanted in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

for order in $orders; do
    is_wanted "$order" || continue
    copy "$work/mutant"
    judge "$order" "-DORDER_$order=memory_order_relaxed"
done
while read -r mutant file program; do
    is_wanted "$mutant" || continue
    copy "$work/mutant"
    sed "$program" "$root/lib/$file" >"$work/mutant/lib/$file"
    if cmp -s "$root/lib/$file" "$work/mutant/lib/$file"; then
        echo "changes nothing: $mutant"
        wrong=$((wrong + 1))
    else
        judge "$mutant"
    fi
done <"$root/tests/model/mutants.list"
echo "$killed killed, $wrong that should have been are not"
[ "$wrong" -eq 0 ]
