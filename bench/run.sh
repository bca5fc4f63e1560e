#!/bin/sh
# run.sh - builds the benches in build/bench and runs them. Called by `./run bench`.
#
#   run.sh                        our own benches, one after the other
#   run.sh NAME [ARGUMENT...]     one of them, e.g. ring_shapes --rounds 5 ring_1p1c
#   run.sh --peers ring|server [--rounds N] [--cases 'CASE...'] [--cpus A,B] [--quick]
#                                 our ring beside LMAX Disruptor and bare C, or our publish-subscribe server beside
#                                 redis-server; results in build/bench/results.jsonl
set -eu
cd "$(dirname "$0")/.."
. scripts/bootstrap.sh

build=build/bench

build_benches() {
    {
        configure "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DRINGBUS_TESTS=OFF \
            -DRINGBUS_EXAMPLES=OFF -DRINGBUS_BENCH=ON -DRINGBUS_WITH_UV=ON
        cmake --build "$build" -j "$(jobs_count)"
    } >&2
}

own_benches() {
    for program in "$build"/bench/ringbus_bench_*; do
        if [ -f "$program" ] && [ -x "$program" ]; then
            printf '\n%s\n' "${program##*/ringbus_bench_}"
            "$program"
        fi
    done
}

# one_bench NAME [ARGUMENT...]
one_bench() {
    program=$build/bench/ringbus_bench_$1
    if [ ! -x "$program" ]; then
        say "there is no bench $1"
        exit 2
    fi
    shift
    exec "$program" "$@"
}

# What starts LMAX's side. Its collector has nothing to do: a pass leaves no garbage.
lmax_command() {
    mkdir -p "$build/java"
    javac -cp "$(disruptor_jar)" -d "$build/java" bench/peers/lmax/RingBench.java
    echo "java -XX:+UseParallelGC -Xms256m -Xmx1g -cp $build/java:$(disruptor_jar) RingBench"
}

# compare_rings [ARGUMENT...]
compare_rings() {
    lmax=$(lmax_command)
    "$build/bench/ringbus_compare_rings" --results "$build/results.jsonl" --raw "$build/rounds.jsonl" "$@" \
        "ringbus=$build/bench/ringbus_bench_ring_shapes" \
        "ringbus_shared=$build/bench/ringbus_peer_shared_ring_shapes" \
        "lmax=$lmax" \
        "ideal=$build/bench/ringbus_peer_ideal" \
        "ideal_slots=$build/bench/ringbus_peer_ideal_slots"
    say "results: $build/results.jsonl; each round's values: $build/rounds.jsonl"
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

# compare_servers [ARGUMENT...]
compare_servers() {
    ours=$(fastest_server)
    peer=$build/bench/ringbus_peer_server
    "$build/bench/ringbus_compare_servers" --results "$build/results.jsonl" --raw "$build/rounds.jsonl" "$@" \
        "ringbus=$peer ringbus $ours" \
        "redis=$peer redis redis-server"
    say "results: $build/results.jsonl; each round's values: $build/rounds.jsonl"
}

bootstrap cc make pkg_config cmake libuv uthash
case ${1:-} in
'')
    build_benches
    own_benches
    ;;
--peers)
    peers=${2:-}
    case $peers in
    ring) bootstrap jdk disruptor ;;
    server) bootstrap redis redis_server hiredis ;;
    *)
        say "which peers? ring or server"
        exit 2
        ;;
    esac
    shift 2
    build_benches
    "compare_${peers}s" "$@"
    ;;
-*)
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' bench/run.sh >&2
    exit 2
    ;;
*)
    build_benches
    one_bench "$@"
    ;;
esac
