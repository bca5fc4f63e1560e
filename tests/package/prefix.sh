#!/bin/sh
# prefix.sh ARCHIVE: every external name a static library defines begins with ringbus_, so that linking it clashes with
# no name of its user.
set -eu
names=$(nm --defined-only --extern-only "$1" | awk 'NF == 3 { print $3 }' | sort -u)
[ -n "$names" ] || {
    echo "prefix: $1 defines nothing"
    exit 1
}
if printf '%s\n' "$names" | grep -v '^ringbus_'; then
    echo "prefix: the names above, defined by $1, do not begin with ringbus_"
    exit 1
fi
