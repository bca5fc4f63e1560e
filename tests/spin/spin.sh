#!/bin/sh
# spin.sh DIRECTORY PART [ARGUMENT...]: has Spin verify ring.pml; what it generates and compiles goes to DIRECTORY.
#
#   spin.sh DIRECTORY safety               nothing is overwritten, lost or claimed after the end; nobody sleeps for ever
#   spin.sh DIRECTORY liveness             nor does anybody go on without getting anywhere
#   spin.sh DIRECTORY mutants              each mutant breaks one of these
#   spin.sh DIRECTORY mutant NAME          one of them, and how to read what Spin found
#   spin.sh DIRECTORY size FLAG...         safety at a size of your own, e.g. -DREADERS=2 -DEVENTS=3
#
# Without spin it is skipped (77), or fails if RINGBUS_NO_SKIP is set. CC: the compiler, else cc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 2 ] || {
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' "$0" >&2
    exit 2
}
directory=$1
part=$2
shift 2

if ! command -v spin >/dev/null; then
    echo "skipped: no spin here"
    [ -z "${RINGBUS_NO_SKIP:-}" ] || exit 1
    exit 77
fi

# make NAME CFLAGS FLAG...: the verifier of ring.pml with these flags, in a folder of its own
make() {
    work=$directory/$1
    cflags=$2
    shift 2
    flags=$*
    mkdir -p "$work"
    rm -f "$work"/pan* "$work"/*.trail
    cp "$here/ring.pml" "$work"
    (cd "$work" && spin -a "$@" ring.pml) >"$work/spin.log" 2>&1 || {
        cat "$work/spin.log"
        exit 1
    }
    # words are flags
    # shellcheck disable=SC2086
    (cd "$work" && ${CC:-cc} -w -DMEMLIM=2000 $cflags -o pan pan.c)
}

# run ARGUMENT...: the verifier of the last make; says what it found in one line
run() {
    (cd "$work" && rm -f ./*.trail && ./pan -m5000 -n "$@") >"$work/pan.log" 2>&1 || :
    found=$(sed -n 's/^pan:1: *\(.*\) (at depth.*/\1/p' "$work/pan.log")
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/pan.log")
    echo "${work##*/}: $flags $*: ${found:-nothing wrong}, $states states"
}

how_to_read() {
    echo "to read it: cd $work && spin -t -p -g $flags ring.pml"
}

# nothing_found: the last run went through all states, and found nothing
nothing_found() {
    if [ -n "$found" ] || ! grep -q 'errors: 0' "$work/pan.log" ||
        grep -qE 'not completed|depth too small|out of memory' "$work/pan.log"; then
        cat "$work/pan.log"
        how_to_read
        exit 1
    fi
}

# NAME FLAG...
safety() {
    name=$1
    shift
    make "$name" "-DSAFETY -DNOCLAIM" "$@"
    run
    nothing_found
}

# Sizes: the smallest with producers that wait for each other and for readers, a reader that joins between claims,
# two readers of which one joins, claims of two slots and abandoned ones with a reader that leaves.
safety_of_all() {
    safety full -DEVENTS=1 -DFILLED=2
    safety join -DEVENTS=2 -DLAST_EVENTS=1 -DFILLED=2 -DJOINERS=1
    safety readers -DPRODUCERS=1 -DREADERS=2 -DJOINERS=1
    safety leave -DPRODUCERS=1 -DEVENTS=2 -DBATCH=2 -DVOID -DLEAVES
}

# Under weak fairness: a process that can always go on does so.
liveness_of() {
    name=$1
    shift
    make "$name" -DNFAIR=3 -DSPINS "$@"
    for property in read claimed ended; do
        run -a -f -N $property
        nothing_found
    done
}

liveness_of_all() {
    liveness_of producers -DEVENTS=1
    liveness_of room -DPRODUCERS=1 -DEVENTS=1 -DFILLED=2 -DVOID -DLEAVES
}

# Name, what finds it (a property, or `safety`), where Spin begins to search (a matter of seconds), the size.
mutants() {
    cat <<'LIST'
NO_HEAVY_IN_JOIN safety last -DPRODUCERS=1 -DEVENTS=3 -DJOINERS=1 -DFILLED=2
NO_SECOND_LOOK safety last -DPRODUCERS=1 -DEVENTS=3 -DJOINERS=1 -DFILLED=2
JOIN_MOVES_NOTHING safety last -DPRODUCERS=1 -DEVENTS=3 -DJOINERS=1 -DFILLED=2
SCAN_WITHOUT_BOUND safety last -DPRODUCERS=1 -DEVENTS=4 -DJOINERS=1 -DFILLED=2
LEAVE_MOVES_NOTHING safety last -DEVENTS=1 -DFILLED=2 -DLEAVES
NO_HEAVY_BEFORE_SLEEP safety last -DEVENTS=1
NO_LOOK_AGAIN safety last -DEVENTS=1
ANNOUNCE_LATE safety last -DEVENTS=1
VOID_NOT_STEPPED safety last -DEVENTS=2 -DVOID
NO_HEAVY_FOR_ROOM safety last -DEVENTS=1 -DFILLED=2
NO_LOOK_AGAIN_FOR_ROOM safety last -DEVENTS=1 -DFILLED=2
KEY_LATE safety last -DEVENTS=1 -DFILLED=2
ROOM_AFTER_BIT safety first -DEVENTS=2 -DLAST_EVENTS=1 -DBATCH=2 -DLEAVES
NO_BIT_FOR_ROOM safety last -DEVENTS=1 -DLAST_EVENTS=2 -DJOINERS=1
TAKE_WITHOUT_EXCHANGE safety last -DPRODUCERS=1 -DREADERS=2 -DEVENTS=2
NO_PREVIOUS_LAP safety last -DEVENTS=1 -DLAST_EVENTS=2 -DJOINERS=1
GATE_OFF_BY_ONE safety last -DEVENTS=1 -DFILLED=2
END_NOT_IN_CLAIM safety last -DEVENTS=1
END_WAKES_NOBODY safety last -DEVENTS=1
END_BEFORE_READ safety last -DEVENTS=1
END_IS_EAGAIN claimed first -DSPINS -DPRODUCERS=1 -DEVENTS=1
LEAVE_KEEPS_POSITION claimed first -DSPINS -DPRODUCERS=1 -DEVENTS=1 -DFILLED=2 -DLEAVES
STUCK_AT_VOID read first -DSPINS -DPRODUCERS=1 -DEVENTS=1 -DVOID
NO_LOOK_FOR_END ended first -DSPINS -DPRODUCERS=1 -DEVENTS=1
LIST
}

# NAME PROPERTY BEGIN FLAG...
mutant() {
    name=$1
    property=$2
    order=
    [ "$3" = first ] || order='-DREVERSE -DT_REVERSE'
    shift 3
    if [ "$property" = safety ]; then
        make "$name" "-DSAFETY -DNOCLAIM $order" "-D$name" "$@"
        run -w18
    else
        make "$name" "-DNFAIR=3 $order" "-D$name" "$@"
        run -w18 -A -a -f -N "$property"
    fi
    case $property,$found in
    safety,'assertion violated '* | *,'acceptance cycle') ;;
    *)
        echo "the mutant $name survives"
        cat "$work/pan.log"
        exit 1
        ;;
    esac
}

mutants_all() {
    mutants >"$directory/mutants"
    while read -r name property order flags; do
        # shellcheck disable=SC2086
        mutant "$name" "$property" "$order" $flags </dev/null
    done <"$directory/mutants"
}

mutant_named() {
    # shellcheck disable=SC2046
    set -- $(mutants | grep "^$1 ")
    [ $# -gt 0 ] || {
        echo "no such mutant; there are:"
        mutants | cut -d ' ' -f 1
        exit 2
    }
    mutant "$@"
    how_to_read
}

mkdir -p "$directory"
case $part in
safety) safety_of_all ;;
liveness) liveness_of_all ;;
mutants) mutants_all ;;
mutant) mutant_named "${1:-}" ;;
size) safety size "$@" ;;
*) exit 2 ;;
esac
