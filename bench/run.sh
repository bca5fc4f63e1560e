#!/bin/sh
# run.sh - builds the benches in build/bench and runs them. Called by `./run bench`.
#
#   ./run bench [--quick] [--peers] [--rounds N] [--cpus A,B] [CASE...]
#   ./run bench --list                      the cases and programs there are
#   ./run bench [--cpus A,B] PROGRAM [ARGUMENT...]  a program of its own: ring_alone, ring_shapes, sleeper_wake
#   ./run bench --check                     as ./check does: ours in short rounds beside the ratios in bench/quick.txt
#   ./run bench --store                     writes these ratios anew
#
# CASE is a name or a shell pattern, e.g. bus_1p_16t_1s or 'ring_*'; without one all cases are run: those of rings and
# of buses, ours beside what bounds them and beside what people write, and with --peers beside other systems, which are
# installed; then also those of servers. --quick: a short round of each, to see that it works.
# Into build/bench: results.jsonl, rounds.jsonl with each round's values, table.md, {throughput,latency,growth}.svg.
set -eu
cd "$(dirname "$0")/.."
. scripts/bootstrap.sh

build=build/bench
quick_rounds=25
quick_cases='bus_1p_16t_1s bus_1p_16t_1s_byname bus_2p_16t_1s sync_post_1 sync_post_10'
quick_cases="$quick_cases loop_delivery wake_executor wake_loop ring_1p1c ring_1p1c_batch10 ring_pingpong"

usage() {
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' bench/run.sh
}

# build_benches TARGET...
build_benches() {
    {
        configure "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DRINGBUS_TESTS=OFF \
            -DRINGBUS_EXAMPLES=OFF -DRINGBUS_BENCH=ON -DRINGBUS_WITH_UV=ON
        cmake --build "$build" -j "$(jobs_count)" --target "$@"
    } >&2
}

# ---- which cases ----------------------------------------------------------------------------------

# cases_of rings|buses|servers: one a line, before the names it is reported as
cases_of() {
    "$build/bench/ringbus_compare_$1" --list
}

list_cases() {
    for group in rings buses servers; do
        printf '%s:\n' "$group"
        cases_of "$group" | sed 's/^/  /'
    done
    printf 'programs:\n'
    for source in bench/bench_*.c; do
        name=${source#bench/bench_}
        printf '  %s\n' "${name%.c}"
    done
}

# has_case GROUP PATTERN
has_case() {
    for name in $(cases_of "$1"); do
        # it is a pattern
        # shellcheck disable=SC2254
        case $name in
        $2) return 0 ;;
        esac
    done
    return 1
}

# Of the groups given, those that have one of $cases; it is an error if nobody has one of them.
groups_with_cases() (
    set -f
    found=
    for pattern in $cases; do
        is_known=
        for group in "$@"; do
            if has_case "$group" "$pattern"; then
                is_known=1
                found="$found $group"
            fi
        done
        if [ -z "$is_known" ]; then
            [ $# -gt 2 ] || ! has_case servers "$pattern" || say "$pattern: with --peers only"
            say "there is no case $pattern; there are:"
            list_cases >&2
            exit 2
        fi
    done
    for group in "$@"; do
        case "$found " in
        *" $group "*) echo "$group" ;;
        esac
    done
)

# ---- who takes part -------------------------------------------------------------------------------

# needs_packages SYSTEM: more than the library does
needs_packages() {
    case $1 in
    glib* | zeromq* | nng* | moodycamel* | ck* | urcu*) return 0 ;;
    *) return 1 ;;
    esac
}

# bootstrap_peers GROUP
bootstrap_peers() {
    case $1 in
    rings) bootstrap jdk disruptor ;;
    buses) bootstrap cxx glib zeromq nng moodycamel ck urcu jdk disruptor guava ;;
    servers) bootstrap redis redis_server hiredis ;;
    esac
}

# What starts LMAX's rings. Its collector has nothing to do: a pass leaves no garbage.
lmax_command() {
    mkdir -p "$build/java"
    javac -cp "$(disruptor_jar)" -d "$build/java" bench/peers/lmax/RingBench.java
    echo "java -XX:+UseParallelGC -Xms256m -Xmx1g -cp $build/java:$(disruptor_jar) RingBench"
}

# take_part SYSTEM COMMAND...: what COMMAND prints starts SYSTEM, and is appended to the file of systems. If it fails
# that is said, and the others go on.
take_part() {
    system=$1
    shift
    if line=$("$@"); then
        printf '%s=%s\n' "$system" "$line" >>"$build/systems"
    else
        say "$system cannot take part"
        failed=1
    fi
}

systems_of_rings() {
    take_part ringbus echo "$build/bench/ringbus_bench_ring_shapes"
    take_part ringbus_shared echo "$build/bench/ringbus_peer_shared_ring_shapes"
    [ -z "$peers" ] || take_part lmax lmax_command
    take_part ideal echo "$build/bench/ringbus_peer_ideal"
    take_part ideal_slots echo "$build/bench/ringbus_peer_ideal_slots"
}

# A program ringbus_bus_<system> serves that system; ours is `ringbus`.
systems_of_buses() {
    for program in "$build"/bench/ringbus_bus_*; do
        system=${program##*/ringbus_bus_}
        case $system in
        *.*) continue ;; # a folder or a file of the build
        ours) take_part ringbus echo "$program" ;;
        *)
            if [ -n "$peers" ] || ! needs_packages "$system"; then
                take_part "$system" echo "$program"
            fi
            ;;
        esac
    done
    if [ -n "$peers" ]; then
        take_part lmax sh bench/bus/peers/java/command.sh lmax "$build"
        take_part guava sh bench/bus/peers/java/command.sh guava "$build"
    fi
}

# The server as one who wants the most of it builds it: static, optimized as one. Prints where it is.
fastest_server() {
    {
        configure "$build/server" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
            -DBUILD_SHARED_LIBS=OFF -DRINGBUS_TESTS=OFF -DRINGBUS_BENCH=OFF -DRINGBUS_EXAMPLES=ON -DRINGBUS_WITH_UV=ON
        cmake --build "$build/server" -j "$(jobs_count)" --target ringbus-pubsub-server
    } >&2
    find "$build/server" -type f -name ringbus-pubsub-server | head -n 1
}

systems_of_servers() {
    server=$(fastest_server)
    take_part ringbus echo "$build/bench/ringbus_peer_server ringbus $server"
    take_part redis echo "$build/bench/ringbus_peer_server redis redis-server"
}

# ---- running --------------------------------------------------------------------------------------

# compare GROUP [ARGUMENT...]: one program's contests
compare() {
    : >"$build/systems"
    "systems_of_$1"
    contests=$build/bench/ringbus_compare_$1
    shift
    while read -r line; do
        set -- "$@" "$line"
    done <"$build/systems"
    "$contests" --results "$build/results.jsonl" --raw "$build/rounds.jsonl" --cases "$cases" "$@" || failed=1
    printf '\n'
}

# Short rounds of some of our cases, then quick.awk compares them with bench/quick.txt, or writes it anew.
#
#   quick compare|store
quick() {
    build_benches ringbus_compare_rings ringbus_compare_buses ringbus_bench_ring_shapes ringbus_bus_ours
    : >"$build/quick.jsonl"
    "$build/bench/ringbus_compare_buses" --quick --rounds "$quick_rounds" --results "$build/quick.jsonl" \
        --cases "$quick_cases" "ringbus=$build/bench/ringbus_bus_ours" >&2
    "$build/bench/ringbus_compare_rings" --quick --rounds "$quick_rounds" --results "$build/quick.jsonl" \
        --cases "$quick_cases" "ringbus=$build/bench/ringbus_bench_ring_shapes" >&2
    if [ "$1" = store ]; then
        awk -v is_store=1 -f bench/figures/results.awk -f bench/figures/quick.awk "$build/quick.jsonl" \
            >"$build/quick.txt"
        cp "$build/quick.txt" bench/quick.txt
        say "written: bench/quick.txt"
    else
        awk -f bench/figures/results.awk -f bench/figures/quick.awk bench/quick.txt "$build/quick.jsonl"
    fi
}

# one_bench NAME [ARGUMENT...]
one_bench() {
    name=$1
    shift
    bootstrap cc make pkg_config cmake libuv uthash
    build_benches "ringbus_bench_$name"
    exec ${cpus:+taskset -c "$cpus"} "$build/bench/ringbus_bench_$name" "$@"
}

quick=''
peers=''
cases=''
rounds=''
cpus=''
list=''
todo=''
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick ;;
    --peers) peers=1 ;;
    --list) list=1 ;;
    --check) todo=compare ;;
    --store) todo=store ;;
    --rounds | --cpus)
        [ $# -gt 1 ] || {
            usage >&2
            exit 2
        }
        if [ "$1" = --rounds ]; then rounds=$2; else cpus=$2; fi
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*)
        usage >&2
        exit 2
        ;;
    *)
        if [ -z "$cases" ] && [ -f "bench/bench_$1.c" ]; then
            one_bench "$@"
        fi
        cases="$cases $1"
        ;;
    esac
    shift
done

bootstrap cc make pkg_config cmake libuv uthash
if [ -n "$todo" ]; then
    quick "$todo"
    exit 0
fi
[ -n "$list" ] || bootstrap gnuplot
build_benches ringbus_compare_rings ringbus_compare_buses ringbus_compare_servers
if [ -n "$list" ]; then
    list_cases
    exit 0
fi
groups="rings buses${peers:+ servers}"
if [ -n "$cases" ]; then
    # shellcheck disable=SC2086
    groups=$(groups_with_cases $groups)
fi
for group in $groups; do
    [ -z "$peers" ] || bootstrap_peers "$group"
done
build_benches all

failed=
: >"$build/results.jsonl"
: >"$build/rounds.jsonl"
for group in $groups; do
    # shellcheck disable=SC2086
    compare "$group" $quick ${rounds:+--rounds "$rounds"} ${cpus:+--cpus "$cpus"}
done
awk -f bench/figures/results.awk -f bench/figures/goals.awk "$build/results.jsonl"
awk -f bench/figures/results.awk -f bench/figures/table.awk "$build/results.jsonl" >"$build/table.md"
sh bench/figures/plot.sh "$build/results.jsonl" "$build" || failed=1
say "in $build: results.jsonl, rounds.jsonl (each round's values), table.md, and the plots"
[ -z "$failed" ] || {
    say "not everybody took part to the end: see above"
    exit 1
}
