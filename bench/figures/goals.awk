# goals.awk - after results.awk: every line that has a goal, as a table for a terminal. A ratio is that of the two
# systems in `of`.

{ median[text("case"), text("peer")] = figure(number("median") / scale(text("unit"))) }

text("outcome") != "" {
    name[++count] = text("case")
    of[count] = text("goal_of") == "ratio" ? text("ratio_of") : text("peer")
    unit[count] = shown(text("unit"))
    ratios[count] = sprintf("%7.2f %7.2f", number("ratio_median"), number("ratio_q1"))
    goal[count] = text("goal_of") == "ratio" ? sprintf("%.2f", number("goal")) : ""
    if (goal[count] == "") goal[count] = figure(number("goal") / scale(text("unit")))
    sign[count] = text("better") == "less" ? "<=" : ">="
    outcome[count] = text("outcome")
    outcomes[text("outcome")]++
}

END {
    if (count == 0) exit
    printf "%-32s %-28s %9s %9s %-4s %7s %7s  %s\n", "case", "of", "the one", "the other", "", "ratio", "worse", "goal"
    for (i = 1; i <= count; i++) {
        is_ratio = split(of[i], pair, "/") == 2
        printf "%-32s %-28s %9s %9s %-4s %15s  %s %s: %s\n", name[i], of[i], median[name[i], pair[1]],
            is_ratio ? median[name[i], pair[2]] : "", unit[i], is_ratio ? ratios[i] : "", sign[i], goal[i], outcome[i]
    }
    printf "goals: %d met, %d missed, %d not needed\n", outcomes["met"], outcomes["MISSED"], outcomes["not needed"]
}
