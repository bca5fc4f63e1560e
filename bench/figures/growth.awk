# growth.awk - after results.awk: a gnuplot program that draws what an event costs while something grows, a panel for
# each case. A side n<x> is ours with x of it, and `ringbus` is the largest, whose x is in `wait`; <other>_n<x> and
# <other> are so for another line. Prints nothing if there are none.

BEGIN {
    shades = split("#1f6fb4 #9a9a9a #dd8a2f #3f9b4f", shade, " ")
}

text("case") ~ /^growth_/ {
    side = text("peer")
    if (match(side, /(^|_)n[0-9]+$/)) {
        digits = substr(side, RSTART)
        side = substr(side, 1, RSTART - 1)
    } else digits = text("wait")
    if (side == "ringbus") side = ""
    if (!match(digits, /[0-9]+/)) next
    x = substr(digits, RSTART, RLENGTH) + 0
    name = text("case")
    if (x == 0) {
        x = .5
        has_zero[name] = 1
    }
    if (!(name in series)) names[++panels] = name
    if (!((name, side) in points)) title[name, ++series[name]] = side
    number_of = ++points[name, side]
    at[name, side, number_of] = x
    value[name, side, number_of] = text("unit") ~ /\/s$/ ? 1e9 / number("median") : number("median")
    unit[name] = text("unit") ~ /\/s$/ || text("unit") == "ns" ? "ns" : text("unit")
    if (!(name in low) || value[name, side, number_of] < low[name]) low[name] = value[name, side, number_of]
    if (value[name, side, number_of] > high[name]) high[name] = value[name, side, number_of]
}

function sort_points(name, side,    i, k, swap) {
    for (i = 2; i <= points[name, side]; i++)
        for (k = i; k > 1 && at[name, side, k] < at[name, side, k - 1]; k--) {
            swap = at[name, side, k]; at[name, side, k] = at[name, side, k - 1]; at[name, side, k - 1] = swap
            swap = value[name, side, k]
            value[name, side, k] = value[name, side, k - 1]
            value[name, side, k - 1] = swap
        }
}

# A single point draws nothing.
function leave_out_points(    i, kept) {
    for (i = 1; i <= panels; i++)
        if (series[names[i]] > 1 || points[names[i], title[names[i], 1]] > 1) names[++kept] = names[i]
    panels = kept + 0
}

function draw(panel,    name, side, i, k, column, row, top) {
    name = names[panel]
    column = (panel - 1) % columns
    row = int((panel - 1) / columns)
    for (i = 1; i <= series[name]; i++) {
        side = title[name, i]
        sort_points(name, side)
        printf "$series%d << END\n", i
        for (k = 1; k <= points[name, side]; k++) printf "%g %g\n", at[name, side, k], value[name, side, k]
        printf "END\n"
    }
    top = 50 + row * 260
    printf "set lmargin at screen %g\n", (column * 330 + 65) / width
    printf "set rmargin at screen %g\n", (column * 330 + 310) / width
    printf "set tmargin at screen %g\nset bmargin at screen %g\n", 1 - (top + 30) / height, 1 - (top + 215) / height
    printf "set title '%s, %s'\n", name, unit[name]
    printf "set xrange [%s:*]\nset xtics autofreq\n", has_zero[name] ? ".5" : "*"
    if (has_zero[name]) print "set xtics add ('0' .5)"
    if (high[name] > 20 * low[name]) print "set logscale y\nset yrange [*:*]\nset format y '%.0s%c'"
    else printf "unset logscale y\nset yrange [0:%g]\nset format y '%%g'\n", high[name] * 1.25
    printf "%s\nplot", (series[name] == 1 ? "unset key" : "set key top left reverse Left samplen 2")
    for (i = 1; i <= series[name]; i++)
        printf "%s $series%d using 1:2 with linespoints lw 2 pt 7 ps .6 lc rgb '%s' title '%s'", (i == 1 ? "" : ","), i,
            shade[(i - 1) % shades + 1], (title[name, i] == "" ? "ringbus" : title[name, i])
    printf "\n"
}

END {
    leave_out_points()
    if (panels == 0) exit
    columns = panels < 3 ? panels : 3
    width = columns * 330
    height = 50 + int((panels + columns - 1) / columns) * 260
    printf "set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,13' background rgb 'white'\n", width, height
    printf "set output '%s'\n", output
    print "set multiplot title 'What an event costs while something grows (median)'"
    print "set logscale x\nset format x '%.0s%c'\nset border 3 lc rgb '#555555'\nset tics nomirror"
    print "set grid y lt 1 lc rgb '#dddddd'"
    for (panel = 1; panel <= panels; panel++) draw(panel)
    print "unset multiplot"
}
