# Prints C source with the contents of comments, strings and character constants blanked, line for line.
{
    out = ""
    i = 1
    n = length($0)
    while (i <= n) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (comment) {
            if (two == "*/") {
                comment = 0
                i++
            }
            i++
            out = out " "
        } else if (two == "/*") {
            comment = 1
            i += 2
        } else if (two == "//") {
            break
        } else if (c == "\"" && $0 !~ /^[ \t]*#[ \t]*include/ || c == "'") {
            j = i + 1
            while (j <= n && substr($0, j, 1) != c)
                j += (substr($0, j, 1) == "\\") ? 2 : 1
            out = out c c
            i = j + 1
        } else {
            out = out c
            i++
        }
    }
    print out
}
