# table.awk - after results.awk: all results in Markdown, a table for each group of cases (bus_..., ring_...).

function range(low, high) {
    return low == high ? low : low " to " high
}

function end_group() {
    if (group == "") return
    printf "\n%s rounds; null baseline %s ns, round trip %s ns.\n\n", range(few, many),
        range(figure(null_low), figure(null_high)), range(sprintf("%.0f", trip_low), sprintf("%.0f", trip_high))
}

function begin_group() {
    end_group()
    group = name
    sub(/_.*/, "", group)
    printf "### %s\n\n", group
    print "| case | side | | best | median | quartiles | ratio | worse | of | goal | |"
    print "|---|---|---|---:|---:|---:|---:|---:|---|---:|---|"
    few = null_low = trip_low = 1e99
    many = null_high = trip_high = 0
    last = ""
}

function goal_text() {
    if (text("outcome") == "") return ""
    sign = text("better") == "less" ? "<= " : ">= "
    if (text("goal_of") == "ratio") return sign sprintf("%.2f", number("goal"))
    return sign figure(number("goal") / scale(text("unit")))
}

{
    name = text("case")
    if (group == "" || index(name, group "_") != 1) begin_group()
    if (number("rounds") < few) few = number("rounds")
    if (number("rounds") > many) many = number("rounds")
    if (number("null_ns") < null_low) null_low = number("null_ns")
    if (number("null_ns") > null_high) null_high = number("null_ns")
    if (number("round_trip_ns") < trip_low) trip_low = number("round_trip_ns")
    if (number("round_trip_ns") > trip_high) trip_high = number("round_trip_ns")

    by = scale(text("unit"))
    split(text("ratio_of"), of, "/")
    is_ratio = of[1] != of[2]
    printf "| %s | `%s` | %s | %s | %s | %s - %s |", name == last ? "" : "`" name "`", text("peer"),
        shown(text("unit")), figure(number("best") / by), figure(number("median") / by),
        figure(number("q1") / by), figure(number("q3") / by)
    if (is_ratio) printf " %.2f | %.2f | %s |", number("ratio_median"), number("ratio_q1"), text("ratio_of")
    else printf " | | |"
    printf " %s | %s |\n", goal_text(), text("outcome")
    last = name
}

END { end_group() }
