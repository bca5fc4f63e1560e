#!/bin/sh
# demo.sh SERVER [FILE]: a minute with the publish-subscribe server and unmodified redis-cli. Called by `./run demo`.
#
# Every line of FILE is published, to the channel log.<field 3>.<field 4> (with fewer fields log.other; bytes outside
# [A-Za-z0-9_-] become _). Three clients subscribe to all these channels; one of them is stopped, and cut off by the
# server; the other two must get every line, in order. Without FILE: the package log, else a listing of /usr/share/doc.
#
# An empty line is an empty message. NUL bytes become `?`, lines are cut after 4096 bytes, fields after 100. Of a very
# large FILE only the end is taken: at most 50000 lines, on at most 16000 channels.
set -eu
export LC_ALL=C
server=${1:?"usage: demo.sh SERVER [FILE]"}
file=${2:-}
begun=$(date +%s)

lines_most=50000
channels_most=16000
channel_bytes_most=900000 # of the command that subscribes to all
chunk_least=24000         # bytes that subscribers get before the next ones are published
rounds_most=100

work=$(mktemp -d)
pids=
leave() {
    for pid in $pids; do
        kill -CONT "$pid" 2>/dev/null || :
        kill -KILL "$pid" 2>/dev/null || :
    done
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM HUP

say() {
    printf 'demo: %-10s %s\n' "$1" "$2"
}

fail() {
    echo "demo: failed: $*" >&2
    [ ! -s "$work/server.err" ] || head -n 20 "$work/server.err" >&2
    exit 1
}

# await WHAT COMMAND...: until it succeeds
await() {
    what=$1
    shift
    deadline=$(($(date +%s) + 20))
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] || fail "waited in vain for $what"
        sleep 0.02
    done
}

has_lines() {
    [ "$(wc -l <"$1")" -ge "$2" ]
}

# start NAME INPUT COMMAND...: in the background, with its process id in NAME.pid and, once it has ended, its exit code
# in NAME.code; output and errors in NAME.out and NAME.err. INPUT is opened for writing too: a pipe stays open.
start() {
    base=$work/$1
    input=$2
    shift 2
    {
        code=0
        sh -c 'echo $$ >"$0"; exec "$@"' "$base.pid" "$@" >"$base.out" 2>"$base.err" || code=$?
        echo "$code" >"$base.code"
    } <>"$input" &
    pids="$pids $!"
    await "the start of $1" test -s "$base.pid"
    pids="$(cat "$base.pid") $pids"
}

# has_begun NAME: it said something, or has ended
has_begun() {
    [ -s "$work/$1.out" ] || [ -s "$work/$1.code" ]
}

# ended NAME: its exit code, when it has ended
ended() {
    await "the end of $1" test -s "$work/$1.code"
    cat "$work/$1.code"
}

# ---- the input ------------------------------------------------------------------------------------

take_input() {
    if [ -n "$file" ]; then
        name=$file
    elif [ -s /var/log/dpkg.log ] && [ -r /var/log/dpkg.log ]; then
        name=/var/log/dpkg.log
    else
        name='a listing of /usr/share/doc'
        ls -lR /usr/share/doc >"$work/listing" 2>/dev/null || :
        file=$work/listing
    fi
    source=${file:-$name}
    if [ ! -f "$source" ] || [ ! -r "$source" ]; then
        fail "cannot read $source"
    fi
    tail -n "$lines_most" "$source" | tr '\000' '?' | cut -b 1-4096 >"$work/tail"
    [ -s "$work/tail" ] || fail "$source is empty"

    awk '{
        channel = "log.other"
        if (NF >= 4) {
            third = substr($3, 1, 100); gsub(/[^A-Za-z0-9_-]/, "_", third)
            fourth = substr($4, 1, 100); gsub(/[^A-Za-z0-9_-]/, "_", fourth)
            channel = "log." third "." fourth
        }
        print channel
    }' "$work/tail" >"$work/tail.channels"

    # the longest end of it whose channels one command may subscribe to
    count=$(awk -v most="$channels_most" -v bytes_most="$channel_bytes_most" '
        { channel[NR] = $0 }
        END {
            for (i = NR; i > 0; i--) {
                if (!(channel[i] in seen)) {
                    seen[channel[i]]
                    bytes += length(channel[i]) + 8
                    if (++distinct > most || bytes > bytes_most) break
                }
            }
            print NR - i
        }' "$work/tail.channels")
    tail -n "$count" "$work/tail" >"$work/lines"
    tail -n "$count" "$work/tail.channels" >"$work/line_channels"
    sort -u "$work/line_channels" >"$work/channels"
    channel_count=$(wc -l <"$work/channels")
    channel_count=$((channel_count))

    part=
    all=$(wc -l <"$source")
    [ "$count" -ge "$all" ] || part=" (the last of its $((all)))"
    say input "$name: $count lines$part on $channel_count channels"
}

# Requests for redis-cli --pipe, cut into chunks: all lines, each as long as subscribers get it.
make_chunks() {
    total=$(wc -c <"$work/lines")
    framing=$(wc -c <"$work/line_channels")
    total=$((total + framing + count * 40))
    chunk=$((total / 60))
    [ "$chunk" -ge "$chunk_least" ] || chunk=$chunk_least
    paste -d '\n' "$work/line_channels" "$work/lines" | awk -v chunk="$chunk" -v folder="$work" '
        function next_file() {
            if (name != "") { print published > (name ".count"); close(name); close(name ".count") }
            name = sprintf("%s/chunk.%06d", folder, number++)
            published = bytes = 0
        }
        NR % 2 == 1 { channel = $0; next }
        {
            size = length(channel) + length($0) + 40
            if (name == "" || bytes + size > chunk) next_file()
            bytes += size
            published++
            printf "%s", "*3\r\n$7\r\nPUBLISH\r\n$" length(channel) "\r\n" channel "\r\n$" length($0) "\r\n" > name
            printf "%s", $0 > name
            printf "%s", "\r\n" > name
        }
        END { next_file() }'
}

# ---- server and subscribers -----------------------------------------------------------------------

start_server() {
    limit=$((chunk * 5 / 2))
    start server /dev/null "$server" --port 0 --output-limit "$limit" --socket-buffer 8192
    await 'the server' has_begun server
    [ ! -s "$work/server.code" ] || fail "the server ended with $(cat "$work/server.code")"
    port=$(sed -n 's/.*listening on [^ ]*:\([0-9]*\),.*/\1/p' "$work/server.out")
    say server "$(sed -n '1s/^[^:]*: //p' "$work/server.out"); at most $limit bytes may wait for one client"
}

# The commands go through a pipe, for redis-cli may end with its input.
subscribe() {
    mkfifo "$work/$1.in"
    start "$1" "$work/$1.in" redis-cli -p "$port"
    {
        echo "client setname $1"
        printf subscribe
        awk '{ printf " %s", $0 } END { print "" }' "$work/channels"
    } >"$work/$1.in" &
    pids="$pids $!"
}

# "OK" for the name, three lines for each subscription
confirmations() {
    echo $((1 + 3 * channel_count))
}

start_subscribers() {
    for who in alice bob carol; do
        subscribe "$who"
    done
    for who in alice bob carol; do
        await "$who's subscriptions" has_lines "$work/$who.out" "$(confirmations)"
    done
    say subscribe "alice, bob and carol, each to all $channel_count channels"
}

# ---- publishing -----------------------------------------------------------------------------------

# await_reader WHO: until what was published is on its standard output
await_reader() {
    await "$1 to read" has_lines "$work/$1.out" $(($(confirmations) + 3 * published))
}

# publish_round: all lines once, a chunk at a time; alice and bob have read one before the next goes out. So has carol
# the very first one; then she is stopped.
publish_round() {
    for name in "$work"/chunk.??????; do
        redis-cli -p "$port" --pipe <"$name" >"$work/pipe" 2>&1 || fail "redis-cli --pipe: $(cat "$work/pipe")"
        read -r sent <"$name.count"
        grep -q "^errors: 0, replies: $sent\$" "$work/pipe" || fail "redis-cli --pipe: $(cat "$work/pipe")"
        published=$((published + sent))
        await_reader alice
        await_reader bob
        [ "$published" -eq "$sent" ] || continue
        await_reader carol
        kill -STOP "$(cat "$work/carol.pid")"
        say carol "is stopped (SIGSTOP) when she has the first $sent lines"
    done
}

publish() {
    published=0
    rounds=0
    until [ "$rounds" -gt 0 ] && grep -q '^cut off ' "$work/server.err"; do
        [ "$rounds" -lt "$rounds_most" ] || fail "carol was not cut off after $published lines"
        publish_round
        rounds=$((rounds + 1))
    done
    times=
    [ "$rounds" -eq 1 ] || times=", the file $rounds times over to fill carol's buffers"
    say publish "$published lines by redis-cli --pipe$times"
}

# ---- what arrived ---------------------------------------------------------------------------------

# repeat FILE: as often as it was published
repeat() {
    round=0
    while [ "$round" -lt "$rounds" ]; do
        cat "$1"
        round=$((round + 1))
    done
}

# received WHO: split what it was sent into messages and their channels
received() {
    awk -v skip="$(confirmations)" -v to="$work/$1" '
        NR <= skip { next }
        (NR - skip) % 3 == 1 && $0 != "message" { print "not a message: " $0 > "/dev/stderr"; exit 1 }
        (NR - skip) % 3 == 2 { channel = $0 }
        (NR - skip) % 3 == 0 { print channel > (to ".channels"); print > (to ".lines") }
        END { close(to ".lines") }' "$work/$1.out" || fail "$1 was sent something else"
}

# shown FILE LINE: that line, cut short
shown() {
    sed -n "$2p" "$1" | tr -c '[:print:]\n' '?' | cut -b 1-60
}

verify_reader() {
    received "$1"
    got=$(wc -l <"$work/$1.lines")
    got=$((got))
    [ "$got" -eq "$published" ] || fail "$1 got $got messages of $published"
    cmp "$work/expected.lines" "$work/$1.lines" || fail "$1 got other lines, or in another order"
    cmp "$work/expected.channels" "$work/$1.channels" || fail "$1 got lines on other channels"
    sort "$work/$1.lines" | cmp "$work/expected.sorted" - || fail "$1 got other lines"
    say "$1" "first: $(shown "$work/$1.lines" 1)"
    say "$1" "last:  $(shown "$work/$1.lines" '$')"
    say "$1" "$got messages: number, order and content as in the file"
}

verify_carol() {
    line=$(grep '^cut off ' "$work/server.err")
    case $line in
    'cut off 127.0.0.1:'*' (carol): output limit') ;;
    *) fail "who was cut off? $line" ;;
    esac
    redis-cli -p "$port" info | tr -d '\r' | grep -q '^clients_cut_off:1$' || fail "one client was cut off, says nobody"
    kill -CONT "$(cat "$work/carol.pid")"
    ended carol >"$work/code"
    : >"$work/carol.lines"
    received carol
    got=$(wc -l <"$work/carol.lines")
    got=$((got))
    [ "$got" -lt "$published" ] || fail "carol got everything"
    head -n "$got" "$work/expected.lines" | cmp - "$work/carol.lines" || fail "carol got other lines"
    say carol "the server: $line"
    say carol "continued, she finds the first $got messages, in order, and the connection closed"
}

verify() {
    repeat "$work/lines" >"$work/expected.lines"
    repeat "$work/line_channels" >"$work/expected.channels"
    sort "$work/expected.lines" >"$work/expected.sorted"
    verify_reader alice
    verify_reader bob
    verify_carol
}

stop_server() {
    kill -TERM "$(cat "$work/server.pid")"
    code=$(ended server)
    [ "$code" -eq 0 ] || fail "the server ended with $code"
    say SIGTERM "$(sed -n '$s/^[^:]*: //p' "$work/server.out"), exit code 0; $(($(date +%s) - begun)) s in all"
}

take_input
make_chunks
start_server
start_subscribers
publish
verify
stop_server
echo "demo: ok"
