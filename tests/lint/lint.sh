# shellcheck shell=sh disable=SC2034
# lint.sh - what the lints share. Sourced by NAME.sh ROOT: goes to ROOT, collects complaints, finish says the outcome.
#
# say          one complaint; the lint will fail
# warn         printed, does not fail
# sources DIR  the .c and .h files under DIR (missing: none), sorted
# finish       exit with 1 after complaints, 0 otherwise

here=$(cd "$(dirname "$0")" && pwd)
lint_name=$(basename "$0" .sh)
[ $# -eq 1 ] || {
    echo "usage: $lint_name.sh ROOT" >&2
    exit 2
}
cd "$1" || exit 2
lint_work=$(mktemp -d)
trap 'rm -rf "$lint_work"' EXIT

# Loops at the end of a pipe are subshells: complaints are kept in a file.
say() {
    echo "$lint_name: $*"
    echo x >>"$lint_work/complaints"
}

warn() {
    echo "$lint_name: warning: $*"
}

sources() {
    for directory in "$@"; do
        if [ -d "$directory" ]; then
            find "$directory" -type f -name '*.[ch]' | sort
        fi
    done
}

finish() {
    [ ! -e "$lint_work/complaints" ] || exit 1
    exit 0
}
