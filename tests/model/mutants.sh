#!/bin/sh
# mutants.sh ROOT WORK [MUTANT...]: breaks the library, one thing at a time, and sees that a scenario fails.
#
# mutants.list has a line for each: name, scenarios that find it, and what is changed: an order of lib/base/order.h,
# which is weakened to relaxed, or a file of lib/ and a sed program. Each mutant must be killed by the first scenario of
# its line; ALL=1 asks that of each of them, and SEARCH=1 tries all scenarios and names the first that would do. A
# scenario `rmw:NAME` is run with the barriers of a build for ThreadSanitizer, `bus:NAME` with the bus; one that ends in
# `+` with one preemption and one stale read more.
# TRUST=1: the scenarios are known to pass without a mutant, within the same bounds (ctest -L model).
# PART=bus tries only those that the bus's scenarios find, PART=ring the others. CC, CFLAGS: as usual.
set -eu
root=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
shift 2
wanted=" $* "
: "${CC:=cc}" "${CFLAGS:=-O1}" "${ALL:=}" "${SEARCH:=}" "${PART:=}" "${TRUST:=}"
model=$root/tests/model
list=$model/mutants.list

# flags_of KIND SOURCE. KIND: release, rmw, or bus
flags_of() {
    case $1 in
    release) echo -DMODEL_RELEASE=1 ;;
    rmw) echo -DBARRIER_BY_RMW=1 ;;
    bus)
        echo -DMODEL_WATCHED=1 -DMODEL_WORDS=192
        case $2 in "$root"/lib/* | "$work"/mutant/*) echo -fsanitize=thread ;; esac
        ;;
    esac
    case $2 in
    "$model"/*) echo -O3 ;; # the checker does the work
    */base/record.c) echo -DMODEL_DEFINES_RECORD=1 ;;
    esac
}

# compile KIND SOURCE OBJECT OVER: a source of the library or the checker, headers of OVER first; OBJECT's .d names what
# it was made from
compile() {
    # shellcheck disable=SC2046,SC2086
    $CC -std=c11 $CFLAGS -w -DNDEBUG -D_GNU_SOURCE -U_FORTIFY_SOURCE $(flags_of "$1" "$2") -I"$model/include" \
        -I"$model" -I"$4/lib" -I"$4/include" -I"$root/lib" -I"$root/include" -MMD -c "$2" -o "$3"
}

# sources KIND
sources() {
    ls "$root"/lib/ring/*.c "$model"/*.c
    if [ "$1" = bus ]; then
        ls "$root"/lib/bus/*.c "$root"/lib/bus/*/*.c "$model"/scenarios/bus/*.c
    else
        ls "$model"/scenarios/*.c "$model"/scenarios/base/*.c
    fi
    sed -n 's/^set(model_base \(.*\))$/\1/p' "$model/CMakeLists.txt" | tr ' ' '\n' |
        sed "s|.*|$root/lib/base/&.c|"
}

object_of() {
    printf '%s\n' "$1" | sed "s|^$root/||; s|/|_|g; s|c\$|o|"
}

# build KIND: all objects, and the program, of the library as it is; once
build() {
    [ ! -e "$work/$1/model" ] || return 0
    mkdir -p "$work/$1"
    sources "$1" | while read -r source; do
        compile "$1" "$source" "$work/$1/$(object_of "$source")" "$root"
    done
    $CC "$work/$1"/*.o -o "$work/$1/model"
}

# users_of KIND FILE: the sources that include it
users_of() {
    sources "$1" | while read -r source; do
        object=$(object_of "$source")
        ! grep -qF "/lib/$2" "$work/$1/${object%o}d" || echo "$source"
    done
}

# build_mutant KIND FILE: the same with what depends on FILE built from the mutant
build_mutant() {
    kind=$1
    file=$2
    rm -rf "$work/$kind.mutant"
    mkdir -p "$work/$kind.mutant"
    case $file in
    *.h) users_of "$kind" "$file" ;;
    *) echo "$root/lib/$file" ;;
    esac | while read -r source; do
        from=$source
        [ "$source" != "$root/lib/$file" ] || from=$work/mutant/lib/$file
        compile "$kind" "$from" "$work/$kind.mutant/$(object_of "$source")" "$work/mutant"
    done
    set --
    for object in "$work/$kind"/*.o; do
        if [ -e "$work/$kind.mutant/${object##*/}" ]; then
            set -- "$@" "$work/$kind.mutant/${object##*/}"
        else
            set -- "$@" "$object"
        fi
    done
    $CC "$@" -o "$work/$kind.mutant/model"
}

# fails PROGRAM SCENARIO FLAG...: 0 if the scenario finds something, or does not end
fails() {
    program=$1
    name_of=${2#*:}
    case $2 in bus:*) most_stale=1 ;; *) most_stale=2 ;; esac # as in CMakeLists.txt
    shift 2
    case $name_of in
    *+) set -- "$@" --preempts 3 --stale 3 "${name_of%+}" ;;
    *) set -- "$@" --preempts 2 --stale "$most_stale" "$name_of" ;;
    esac
    status=0
    timeout 120 "$program" "$@" >"$work/log" 2>&1 || status=$?
    [ "$status" -eq 1 ] || [ "$status" -gt 128 ] || grep -q 'cut short' "$work/log"
}

kind_of() {
    case $1 in *:*) echo "${1%%:*}" ;; *) echo release ;; esac
}

# passes SCENARIO: on the library as it is
passes() {
    grep -qxF "$1" "$work/passes" && return 0
    build "$(kind_of "$1")"
    [ -z "$TRUST" ] || return 0
    if fails "$work/$(kind_of "$1")/model" "$1" || [ "$status" -ne 0 ]; then
        echo "fails without a mutant: $1"
        return 1
    fi
    echo "$1" >>"$work/passes"
}

# kills SCENARIO NAME FILE
kills() {
    kind=$(kind_of "$1")
    if [ "$3" = order ]; then
        fails "$work/$kind/model" "$1" --weaken "$2"
        return
    fi
    if [ ! -e "$work/$kind.mutant/model" ]; then
        build_mutant "$kind" "$3" 2>"$work/errors" || {
            echo "does not build: $2"
            return 1
        }
    fi
    fails "$work/$kind.mutant/model" "$1"
}

# make_mutant NAME FILE PROGRAM: its source
make_mutant() {
    rm -rf "$work/mutant" "$work"/*.mutant
    [ "$2" != order ] || return 0
    mkdir -p "$work/mutant/include" "$work/mutant/lib/${2%/*}"
    sed "$3" "$root/lib/$2" >"$work/mutant/lib/$2"
    if cmp -s "$root/lib/$2" "$work/mutant/lib/$2"; then
        echo "changes nothing: $1"
        return 1
    fi
}

# scenarios to be tried for a mutant with these killers
candidates() {
    if [ -n "$SEARCH" ]; then
        cat "$work/quickest"
    elif [ -n "$ALL" ]; then
        echo "$1" | tr ',' '\n'
    else
        echo "${1%%,*}"
    fi
}

# judge NAME KILLERS FILE PROGRAM
judge() {
    make_mutant "$1" "$3" "$4" || return 1
    by=
    left=
    for scenario in $(candidates "$2"); do
        if ! passes "$scenario"; then
            left="$left $scenario"
        elif kills "$scenario" "$1" "$3"; then
            by="$by $scenario"
            [ -z "$SEARCH" ] || break
        else
            left="$left $scenario"
        fi
    done
    if [ -z "$by" ] || { [ -z "$SEARCH" ] && [ -n "$left" ]; }; then
        echo "SURVIVED  $1:$left"
        return 1
    fi
    echo "killed    $1 by$by"
}

# is_wanted NAME KILLERS
is_wanted() {
    case $PART:$2 in bus:bus:* | ring:bus:*) [ "$PART" = bus ] || return 1 ;; bus:*) return 1 ;; esac
    [ "$wanted" = '  ' ] && return 0
    case $wanted in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

rm -rf "$work/mutant" "$work/release" "$work/rmw" "$work/bus"
mkdir "$work/mutant"
: >"$work/passes"
if [ -n "$SEARCH" ]; then
    build release
    "$work/release/model" >"$work/log" || :
    awk '/ all explored, / && $1 !~ /^litmus_/ { print $4, $1 }' "$work/log" | sort -n |
        cut -d ' ' -f 2 >"$work/quickest"
fi

killed=0
wrong=0
while read -r name killers file program; do
    case $name in '#'* | '') continue ;; esac
    is_wanted "$name" "$killers" || continue
    if judge "$name" "$killers" "$file" "$program"; then
        killed=$((killed + 1))
    else
        wrong=$((wrong + 1))
    fi
done <"$list"
sed -n 's/^#ifndef ORDER_//p' "$root/lib/base/order.h" >"$work/edges"
while read -r edge; do
    is_wanted "$edge" '' || continue
    grep -q "^$edge [^ ]* order" "$list" || {
        echo "no mutant for the edge $edge"
        wrong=$((wrong + 1))
    }
done <"$work/edges"
echo "$killed killed, $wrong that should have been are not"
[ "$wrong" -eq 0 ]
