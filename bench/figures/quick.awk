# quick.awk - after results.awk: our time in short rounds as a multiple of the same run's null baseline. Reads what is
# stored, bench/quick.txt, then the results, and prints a line for each that changed by over 20 %. With -v is_store=1
# reads the results only and prints what is to be stored: case, side, multiple, and the cache line's round trip in ns,
# for one thread "-".

function is_wanted(name) {
    return text("peer") ~ /^ringbus/ && name !~ /_(p9+0?|max)$/
}

# What one thread does depends on no cache line's way.
function is_one_thread(name) {
    return name ~ /^sync_/
}

function multiple() {
    return (text("better") == "less" ? number("best") : 1e9 / number("best")) / number("null_ns")
}

BEGIN {
    if (is_store) {
        print "# quick.txt - what ./check compares with, made by ./run bench --store: case, side, its best time as a"
        print "# multiple of the null baseline, the cache line's round trip in ns (-: one thread)"
    }
}

/^#/ { next }

/^[a-z]/ {
    stored[$1, $2] = $3
    trip[$1, $2] = $4
    next
}

is_wanted(text("case")) {
    name = text("case")
    if (is_store) {
        printf "%s %s %.4g %s\n", name, text("peer"), multiple(), is_one_thread(name) ? "-" : number("round_trip_ns")
        next
    }
    if (!((name, text("peer")) in stored)) next
    if (number("others_percent") > load) load = number("others_percent")
    before = trip[name, text("peer")]
    if (before != "-" && (number("round_trip_ns") > 1.5 * before || before > 1.5 * number("round_trip_ns"))) {
        far = number("round_trip_ns") > before ? "further apart" : "closer"
        others++
        next
    }
    compared++
    ratio = multiple() / stored[name, text("peer")]
    if (ratio > 1.2 || ratio < 1 / 1.2) {
        changed++
        side = text("peer") == "ringbus" ? "" : " (" text("peer") ")"
        printf "bench: %s%s %.2f times the stored ratio\n", name, side, ratio
    }
}

END {
    if (is_store) exit
    if (others > 0) printf "bench: the cores are %s than when it was stored: %d cases not compared\n", far, others
    if (load > 10) printf "bench: other programs took up to %.0f %% of the CPUs\n", load
    printf "bench: %d of %d cases within 20 %% of bench/quick.txt\n", compared - changed, compared
}
