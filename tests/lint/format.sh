#!/bin/sh
# format.sh ROOT: the sources are as .clang-format lays them out. Without clang-format it is skipped.
set -eu
. "$(dirname "$0")/lint.sh"
command -v "${CLANG_FORMAT:=clang-format}" >/dev/null || {
    echo "skipped: no clang-format here"
    exit 77
}
for file in $(sources lib include examples tests bench); do
    "$CLANG_FORMAT" --dry-run -Werror "$file" >"$lint_work/format" 2>&1 || {
        head -n 3 "$lint_work/format"
        say "$file is laid out differently; clang-format -i mends it"
    }
done
finish
