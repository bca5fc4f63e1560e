# throughput.awk - after results.awk: a gnuplot program that draws the canonical cases of a bus, a panel for each, a bar
# for each side, the fastest first. Prints nothing if there are none.

text("case") ~ /^bus_[0-9]+p_16t_[0-9]+s(_[a-z]+)?$/ && text("unit") == "events/s" {
    name = text("case")
    if (!(name in count)) names[++panels] = name
    i = ++count[name]
    side[name, i] = text("peer")
    rate[name, i] = number("median") / 1e6
    if (low == 0 || rate[name, i] < low) low = rate[name, i]
    if (rate[name, i] > high) high = rate[name, i]
}

function colour(side) {
    if (side ~ /^ringbus/) return side == "ringbus" ? "0x1f6fb4" : "0x8bbbe0"
    return side ~ /^(ideal|raw)/ ? "0x9a9a9a" : "0xdd8a2f"
}

# The sides of a panel, the fastest first.
function sort_sides(name,    i, k, swap) {
    for (i = 2; i <= count[name]; i++)
        for (k = i; k > 1 && rate[name, k] > rate[name, k - 1]; k--) {
            swap = rate[name, k]; rate[name, k] = rate[name, k - 1]; rate[name, k - 1] = swap
            swap = side[name, k]; side[name, k] = side[name, k - 1]; side[name, k - 1] = swap
        }
}

# By handle first, by name after them.
function sort_panels(    i, sorted, by_name, by_names) {
    for (i = 1; i <= panels; i++)
        if (names[i] ~ /_byname$/) by_name[++by_names] = names[i]
        else names[++sorted] = names[i]
    for (i = 1; i <= by_names; i++) names[sorted + i] = by_name[i]
}

# Two panels a row: where each begins, in pixels from the top, and how many sides it has room for.
function place_panels(    i, most) {
    height = 50
    for (i = 1; i <= panels; i += 2) {
        most = count[names[i]]
        if (i < panels && count[names[i + 1]] > most) most = count[names[i + 1]]
        top[i] = top[i + 1] = height
        rows[i] = rows[i + 1] = most
        height += 24 * most + 85
    }
}

function draw(panel,    name, i, left) {
    name = names[panel]
    sort_sides(name)
    printf "$data << END\n"
    for (i = 1; i <= count[name]; i++)
        printf "%g %d %s %s %s\n", rate[name, i], -i, side[name, i], figure(rate[name, i]), colour(side[name, i])
    printf "END\n"
    left = (panel - 1) % 2 * 500
    printf "set lmargin at screen %g\nset rmargin at screen %g\n", (left + 145) / 1000, (left + 475) / 1000
    printf "set tmargin at screen %g\n", 1 - (top[panel] + 30) / height
    printf "set bmargin at screen %g\n", 1 - (top[panel] + 30 + rows[panel] * 24 + 12) / height
    printf "set title '%s'\n", name
    printf "plot [%g:%g] [%g:-.4] $data using 1:2:(%g):1:($2-.36):($2+.36):5 with boxxyerror lc rgb variable, ",
        first, last, -rows[panel] - .6, first
    printf "$data using 1:2:4 with labels left offset .5,0, "
    printf "$data using (%g):2:ytic(3) with dots lc rgb 'white'\n", first
}

END {
    if (panels == 0) exit
    sort_panels()
    place_panels()
    for (first = 1000; first > low / 1.5;) first /= 10
    last = high * 8
    printf "set terminal svg size 1000,%d dynamic noenhanced font 'sans-serif,13' background rgb 'white'\n", height
    printf "set output '%s'\n", output
    print "set multiplot title 'Canonical work of a bus: million 64-byte events posted a second, median (log axis)'"
    print "set logscale x\nset style fill solid noborder\nset format x '%g'\nset border 1 lc rgb '#555555'"
    print "set title offset 0,-.4\nset xtics nomirror out\nset mxtics 1\nset ytics scale 0 nomirror"
    print "set grid x lt 1 lc rgb '#dddddd'\nunset key"
    for (panel = 1; panel <= panels; panel++) draw(panel)
    print "unset multiplot"
}
