# latency.awk - after results.awk: a gnuplot program that draws latencies, a panel for each case, a line for each side
# from its median to its far percentiles. Prints nothing if there are none.

BEGIN {
    places = split("p50 p90 p99 p999 p9999 max", place_name, " ")
    split("50 90 99 99.9 99.99", percent, " ")
    for (i = 1; i <= places; i++) {
        place[place_name[i]] = i
        place_title[i] = i < places ? percent[i] " %%" : "max" # a label of gnuplot is a format
    }
    shades = split("#1f6fb4 #dd8a2f #3f9b4f #b8413f #7d5fb0 #7a5a4a #d06fae #9a9a9a #a8a832 #35a9b8 #103a5c #5f7f2f", \
        shade, " ")
}

text("case") ~ /^latency_/ && text("unit") == "ns" {
    name = text("case")
    at = 1
    if (match(name, /_(p9+0?|max)$/)) {
        at = place[substr(name, RSTART + 1)]
        name = substr(name, 1, RSTART - 1)
    }
    if (!(name in is_panel)) names[++panels] = name
    is_panel[name] = 1
    if (!(text("peer") in is_side)) sides[++side_count] = text("peer")
    is_side[text("peer")] = 1
    has[name, text("peer")] = 1
    value[name, text("peer"), at] = number("median") / 1000
    if (low == 0 || number("median") / 1000 < low) low = number("median") / 1000
    if (number("median") / 1000 > high) high = number("median") / 1000
    if (at > furthest) furthest = at
}

function draw(panel,    name, i, k, comma) {
    name = names[panel]
    for (i = 1; i <= side_count; i++) {
        if (!has[name, sides[i]]) continue
        printf "$side%d << END\n", i
        for (k = 1; k <= places; k++)
            if ((name, sides[i], k) in value) printf "%d %g\n", k, value[name, sides[i], k]
        printf "END\n"
    }
    printf "set lmargin at screen %g\n", (70 + (panel - 1) * 350) / width
    printf "set rmargin at screen %g\n", (panel * 350 + 20) / width
    printf "set title '%s'\nset ylabel '%s'\nplot", name, (panel == 1 ? "us (log axis)" : "")
    for (i = 1; i <= side_count; i++) {
        if (!has[name, sides[i]]) continue
        printf "%s $side%d using 1:2 with linespoints ls %d notitle", comma, i, i
        comma = ","
    }
    printf "\n"
}

# The sides' names, right of the panels.
function draw_names(    i, comma) {
    print "unset title\nunset ylabel\nunset border\nunset tics\nunset grid"
    print "set key at graph 0,1 left top reverse Left samplen 2.5 spacing 1.3"
    printf "set lmargin at screen %g\nset rmargin at screen %g\nplot", (70 + panels * 350) / width, 1
    for (i = 1; i <= side_count; i++) {
        printf "%s NaN with linespoints ls %d title '%s'", comma, i, sides[i]
        comma = ","
    }
    printf "\n"
}

END {
    if (panels == 0) exit
    width = 70 + panels * 350 + 190
    for (first = 1000; first > low;) first /= 10
    for (last = first; last < high;) last *= 10
    printf "set terminal svg size %d,460 dynamic noenhanced font 'sans-serif,13' background rgb 'white'\n", width
    printf "set output '%s'\n", output
    print "set multiplot title 'From the time an event was due to its handler, microseconds'"
    printf "set logscale y\nset yrange [%g:%g]\nset xrange [.7:%g]\nset format y '%%g'\n", first, last, furthest + .3
    print "set border 3 lc rgb '#555555'\nset tics nomirror\nset grid y lt 1 lc rgb '#dddddd'"
    print "set tmargin at screen .84\nset bmargin at screen .1\nunset key"
    printf "set xtics ("
    for (i = 1; i <= furthest; i++) printf "%s'%s' %d", (i == 1 ? "" : ", "), place_title[i], i
    printf ")\n"
    for (i = 1; i <= side_count; i++)
        printf "set style line %d lw %g lc rgb '%s' pt %d ps .7\n", i, (sides[i] == "ringbus" ? 3 : 1.5),
            shade[(i - 1) % shades + 1], 4 + i % 10
    for (panel = 1; panel <= panels; panel++) draw(panel)
    draw_names()
    print "unset multiplot"
}
