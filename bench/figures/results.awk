# results.awk - what the other programs here share: the fields of a line of results.jsonl, and how figures are written.

# text("peer"): the line's field of that name, without the quotes; "" if there is none
function text(name,    pattern) {
    pattern = "\"" name "\":\"[^\"]*\""
    if (!match($0, pattern)) return ""
    return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}

# number("median")
function number(name,    pattern) {
    pattern = "\"" name "\":[-+0-9.eE]+"
    if (!match($0, pattern)) return ""
    return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0
}

# The unit that a table shows, and how many of the other it is.
function shown(unit) {
    if (unit == "events/s") return "M/s"
    if (unit ~ /\/s$/) return "k/s"
    if (unit == "bytes") return "B"
    return unit == "percent" ? "%" : unit
}

function scale(unit) {
    return unit == "events/s" ? 1e6 : unit ~ /\/s$/ ? 1e3 : 1
}

# Three digits, thousands apart.
function figure(value,    digits, result) {
    if (value < .0995) return sprintf("%.2g", value)
    if (value < 999.5) return sprintf(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value)
    digits = sprintf("%.0f", value)
    while (length(digits) > 3) {
        result = "," substr(digits, length(digits) - 2) result
        digits = substr(digits, 1, length(digits) - 3)
    }
    return digits result
}
