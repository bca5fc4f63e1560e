#!/bin/sh
# redis_tools.sh SERVER [REQUESTS]: redis-cli and redis-benchmark, as they are, against the server.
set -eu
server=$1
requests=${2:-200000}

for program in redis-cli redis-benchmark; do
    command -v "$program" >/dev/null || {
        echo "skipped: no $program here"
        [ "${RINGBUS_NO_SKIP:-}" != 1 ] || exit 1
        exit 77
    }
done

[ -x "$server" ] || {
    echo "redis_tools: no server: $server" >&2
    exit 1
}
work=$(mktemp -d)
server_pid=
subscriber_pid=
pattern_pid=
leave() {
    for pid in $subscriber_pid $pattern_pid $server_pid; do
        kill -KILL "$pid" 2>/dev/null || :
    done
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM

fail() {
    echo "redis_tools: $*" >&2
    exit 1
}

# await SECONDS COMMAND...: until it succeeds
await() {
    deadline=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] ||
            fail "waited in vain for: $* ($(wc -l "$work/messages"); the server says: $(cat "$work/server.err")"
        sleep 0.05
    done
}

# is WHAT EXPECTED: the argument and the expectation are the same
is() {
    [ "$1" = "$2" ] || fail "got \"$1\" and not \"$2\""
}

has_lines() {
    [ "$(wc -l <"$1")" -ge "$2" ]
}

"$server" --port 0 >"$work/server.out" 2>"$work/server.err" &
server_pid=$!
await 20 grep -q listening "$work/server.out"
port=$(sed -n 's/.*listening on [^:]*:\([0-9]*\),.*/\1/p' "$work/server.out")

# A standard input on which nothing comes: newer versions of redis-cli end a subscription when something does.
mkfifo "$work/quiet"
exec 4<>"$work/quiet"

cli() {
    timeout 20 redis-cli -p "$port" "$@"
}

no_patterns() {
    [ "$(cli pubsub numpat)" = 0 ]
}

echo "redis-cli"
is "$(cli ping)" PONG
is "$(cli ping 'two words')" 'two words'
is "$(cli publish nobody there)" 0
timeout 300 redis-cli -p "$port" subscribe a.b c <&4 >"$work/messages" 2>&1 &
subscriber_pid=$!
await 20 has_lines "$work/messages" 6
is "$(cli publish a.b hello)" 1
is "$(printf 'publish c "a \\"quoted\\" line"\npublish c last\n' | cli)" "$(printf '1\n1')"
await 20 has_lines "$work/messages" 15
is "$(sed -n 7,15p "$work/messages" | tr '\n' '|')" \
    'message|a.b|hello|message|c|a "quoted" line|message|c|last|'
timeout 300 redis-cli -p "$port" psubscribe 'a.[bc]' '?' <&4 >"$work/patterns" 2>&1 &
pattern_pid=$!
await 20 has_lines "$work/patterns" 6
is "$(cli publish a.b again)" 2
is "$(cli publish a.d nobody)" 0
is "$(cli publish x one)" 1
await 20 has_lines "$work/patterns" 14
is "$(sed -n 7,14p "$work/patterns" | tr '\n' '|')" 'pmessage|a.[bc]|a.b|again|pmessage|?|x|one|'
is "$(cli pubsub channels 'a*')" a.b
is "$(cli pubsub numsub a.b x | tr '\n' '|')" 'a.b|1|x|0|'
is "$(cli pubsub numpat)" 2
kill "$pattern_pid"
pattern_pid=
await 20 no_patterns
case $(cli -3 ping 2>&1) in
*PONG*) ;;
*) fail "a client that asks for RESP3 does not get on" ;;
esac
case $(cli info) in
*subscriptions:2*) ;;
*) fail "info does not tell of two subscriptions" ;;
esac

echo "redis-benchmark, $requests requests"
benchmark() {
    timeout 250 redis-benchmark -p "$port" -q "$@" >"$work/benchmark" 2>&1 ||
        fail "redis-benchmark $* failed: $(cat "$work/benchmark")"
    tr '\r' '\n' <"$work/benchmark" | grep 'requests per second' ||
        fail "redis-benchmark $* did not finish: $(cat "$work/benchmark")"
}
kill "$subscriber_pid"
subscriber_pid=
benchmark -n "$requests" -c 50 -P 16 PUBLISH a.b x
benchmark -n "$((requests / 10))" -c 50 -t ping

# The same with somebody who listens. (redis-benchmark rounds up to whole pipelines.)
pipelines=$((requests / 64))
heard=$((pipelines * 16))
: >"$work/messages" # here: the shell of the next command may come to it late
timeout 300 redis-cli -p "$port" subscribe a.b <&4 >"$work/messages" 2>&1 &
subscriber_pid=$!
await 20 has_lines "$work/messages" 3
benchmark -n "$heard" -c 50 -P 16 PUBLISH a.b x
await 60 has_lines "$work/messages" "$((3 + heard * 3))"
is "$(wc -l <"$work/messages")" "$((3 + heard * 3))"

echo "SIGTERM"
kill -TERM "$server_pid"
code=0
wait "$server_pid" || code=$?
server_pid=
is "$code" 0
is "$(cat "$work/server.err")" ''
echo "redis_tools: ok"
