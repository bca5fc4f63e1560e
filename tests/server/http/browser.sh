#!/bin/sh
# browser.sh SERVER [FOLDER]: the live page of the server in a headless Chromium. Screenshots are left in FOLDER.
set -eu
here=$(dirname "$0")
browser=
for program in chromium chromium-browser google-chrome; do
    if command -v "$program" >/dev/null; then
        browser=$program
        break
    fi
done
if [ -z "$browser" ] || ! command -v node >/dev/null || ! command -v redis-benchmark >/dev/null; then
    echo "skipped: chromium, node and redis-benchmark are not all here"
    exit 77
fi
exec node "$here/test_page.mjs" "$1" "$browser" "${2:-}"
