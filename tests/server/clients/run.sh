#!/bin/sh
# run.sh SERVER PACKAGES: clients from npm, as they are, against the server. PACKAGES is the folder into which
# `./check clients` has installed them.
set -eu
server=$1
packages=$2/node_modules
here=$(cd "$(dirname "$0")" && pwd)

skip() {
    echo "skipped: no $1 here; ./check clients installs it"
    exit 77
}
command -v node >/dev/null || skip node
for package in ioredis-5 ioredis-6 redis-4 redis-5 redis-6; do
    [ -d "$packages/$package" ] || skip "$packages/$package"
done
node --version
export SERVER_PROGRAM="$server" NODE_PATH="$packages"
exec node --test "$here/ioredis.test.js" "$here/node_redis.test.js"
