# shellcheck shell=sh
# bootstrap.sh - sourced by ./run and ./check: looks for what a build needs and installs what is missing.
#
#   bootstrap CAPABILITY...
#
# A capability is probed, never a package: a header compiles, a library is found, a program answers. With nothing
# missing no package manager is called. Otherwise the exact command is printed, then run, as root or by sudo.
# RINGBUS_NO_INSTALL=1: print the command, install nothing, exit with 3.

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# ---- probes: has_<capability> ---------------------------------------------------------------------

compiler() {
    if [ -n "${CC:-}" ]; then
        echo "$CC"
    elif command -v cc >/dev/null; then
        echo cc
    else
        echo gcc
    fi
}

cxx_compiler() {
    if [ -n "${CXX:-}" ]; then
        echo "$CXX"
    elif command -v c++ >/dev/null; then
        echo c++
    else
        echo g++
    fi
}

# compiles LANGUAGE COMPILER: the program on standard input compiles and links
compiles() (
    directory=$(mktemp -d) || exit 1
    trap 'rm -rf "$directory"' EXIT
    # word splitting is wanted: CC may carry arguments
    # shellcheck disable=SC2086
    $2 -x "$1" - -o "$directory/probe" -pthread >/dev/null 2>&1
)

has_cc() {
    printf '#include <pthread.h>\n#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
        compiles c "$(compiler)"
}

has_cxx() {
    printf '#include <atomic>\n#include <cstdio>\nint main() { return std::puts("") < 0; }\n' |
        compiles c++ "$(cxx_compiler)"
}

has_clang() {
    printf 'int main(void) { return 0; }\n' | compiles c clang &&
        printf '#include <atomic>\nint main() { return 0; }\n' | compiles c++ clang++
}

has_make() {
    command -v ninja >/dev/null || command -v make >/dev/null
}

has_cmake() {
    version=$(cmake --version 2>/dev/null | sed -n '1s/[^0-9]*//p')
    major=${version%%.*}
    rest=${version#*.}
    minor=${rest%%.*}
    [ -n "$major" ] && { [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 16 ]; }; }
}

has_pkg_config() {
    pkg-config --version >/dev/null 2>&1
}

has_libuv() {
    pkg-config --exists 'libuv >= 1.34' 2>/dev/null
}

has_uthash() {
    printf '#include <uthash.h>\nint main(void) { return 0; }\n' | compiles c "$(compiler)"
}

has_check() {
    pkg-config --exists check 2>/dev/null
}

has_hiredis() {
    pkg-config --exists hiredis 2>/dev/null
}

has_redis() {
    redis-cli --version >/dev/null 2>&1 && redis-benchmark --help 2>&1 | grep -q Usage
}

has_redis_server() {
    redis-server --version >/dev/null 2>&1
}

has_jdk() {
    javac -version >/dev/null 2>&1 && java -version >/dev/null 2>&1
}

has_gnuplot() {
    gnuplot --version >/dev/null 2>&1
}

# Where LMAX Disruptor is: $RINGBUS_DISRUPTOR_JAR, or where Debian has it.
disruptor_jar() {
    echo "${RINGBUS_DISRUPTOR_JAR:-/usr/share/java/disruptor.jar}"
}

has_disruptor() {
    [ -r "$(disruptor_jar)" ]
}

# Where Guava is: $RINGBUS_GUAVA_JAR, or where Debian has it.
guava_jar() {
    echo "${RINGBUS_GUAVA_JAR:-/usr/share/java/guava.jar}"
}

has_guava() {
    [ -r "$(guava_jar)" ]
}

has_glib() {
    pkg-config --exists gobject-2.0 2>/dev/null
}

has_zeromq() {
    pkg-config --exists libzmq 2>/dev/null
}

has_nng() {
    printf '#include <nng/nng.h>\n#include <nng/protocol/pubsub0/pub.h>\nint main(void) { return 0; }\n' |
        compiles c "$(compiler)"
}

has_moodycamel() {
    printf '#include <concurrentqueue/blockingconcurrentqueue.h>\nint main() { return 0; }\n' |
        compiles c++ "$(cxx_compiler)"
}

has_ck() {
    pkg-config --exists ck 2>/dev/null
}

has_urcu() {
    pkg-config --exists liburcu 2>/dev/null
}

# With npm, and able to run tests.
has_node() {
    version=$(node --version 2>/dev/null | sed 's/^v//')
    [ -n "$version" ] && [ "${version%%.*}" -ge 18 ] && npm --version >/dev/null 2>&1
}

has_chromium() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

has_promtool() {
    promtool --version >/dev/null 2>&1
}

has_spin() {
    spin -V >/dev/null 2>&1
}

# ---- packages -------------------------------------------------------------------------------------

package_manager() {
    for manager in apt-get dnf pacman apk brew; do
        if command -v "$manager" >/dev/null; then
            echo "$manager"
            return
        fi
    done
    echo none
}

# packages_of MANAGER CAPABILITY: what to install for it
packages_of() {
    case "$1 $2" in
    'apt-get cc') echo gcc libc6-dev ;;
    'apt-get cxx') echo g++ ;;
    'apt-get pkg_config') echo pkg-config ;;
    'apt-get libuv') echo libuv1-dev ;;
    'apt-get uthash') echo uthash-dev ;;
    'apt-get hiredis') echo libhiredis-dev ;;
    'apt-get redis') echo redis-tools ;;
    'apt-get redis_server') echo redis-server ;;
    *' redis_server') echo redis ;;
    'apt-get jdk') echo default-jdk-headless ;;
    'apt-get gnuplot') echo gnuplot-nox ;;
    'apt-get disruptor') echo libdisruptor-java ;;
    'apt-get guava') echo libguava-java ;;
    'apt-get glib') echo libglib2.0-dev ;;
    'apt-get zeromq') echo libzmq3-dev ;;
    'apt-get nng') echo libnng-dev ;;
    'apt-get moodycamel') echo libconcurrentqueue-dev ;;
    'apt-get ck') echo libck-dev ;;
    'apt-get urcu') echo liburcu-dev ;;
    'dnf glib') echo glib2-devel ;;
    'dnf zeromq') echo zeromq-devel ;;
    'dnf nng') echo nng-devel ;;
    'dnf ck') echo ck-devel ;;
    'dnf urcu') echo userspace-rcu-devel ;;
    'pacman glib') echo glib2-devel ;;
    'pacman urcu') echo liburcu ;;
    'apk glib') echo glib-dev ;;
    'apk zeromq') echo zeromq-dev ;;
    'apk nng') echo nng-dev ;;
    'apk urcu') echo userspace-rcu-dev ;;
    'dnf cc') echo gcc glibc-devel ;;
    'dnf cxx') echo gcc-c++ ;;
    'dnf pkg_config') echo pkgconf-pkg-config ;;
    'dnf libuv') echo libuv-devel ;;
    'dnf uthash') echo uthash-devel ;;
    'dnf check') echo check-devel ;;
    'dnf hiredis') echo hiredis-devel ;;
    'pacman cc' | 'pacman cxx') echo gcc ;;
    'pacman pkg_config') echo pkgconf ;;
    'apk cc') echo gcc musl-dev ;;
    'apk cxx') echo g++ ;;
    'apk pkg_config') echo pkgconf ;;
    'apk libuv') echo libuv-dev ;;
    'apk uthash') echo uthash-dev ;;
    'apk check') echo check-dev ;;
    'apk hiredis') echo hiredis-dev ;;
    'brew cc' | 'brew cxx' | 'brew clang') ;; # xcode-select --install
    'brew pkg_config') echo pkgconf ;;
    'brew node') echo node ;;
    *' node') echo nodejs npm ;;
    *' promtool') echo prometheus ;;
    *) echo "$2" ;;
    esac
}

# install_command MANAGER: the command before the package names
install_command() {
    case $1 in
    apt-get) echo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ;;
    dnf) echo dnf install -y ;;
    pacman) echo pacman -Sy --needed --noconfirm ;;
    apk) echo apk add ;;
    brew) echo brew install ;;
    esac
}

missing_of() {
    for capability in "$@"; do
        "has_$capability" || printf '%s ' "$capability"
    done
}

bootstrap() {
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0

    manager=$(package_manager)
    packages=
    for capability in $missing; do
        packages="$packages $(packages_of "$manager" "$capability")"
    done
    if [ "$manager" = none ]; then
        say "missing: $missing- and no package manager known here (apt-get, dnf, pacman, apk, brew)"
        exit 3
    fi

    as_root=
    if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
        as_root='sudo '
    fi
    line="$as_root$(install_command "$manager")$packages"
    if [ "$manager" = apt-get ]; then
        line="${as_root}apt-get update && $line"
    fi

    say "missing: $missing"
    if [ "${RINGBUS_NO_INSTALL:-}" = 1 ]; then
        say "RINGBUS_NO_INSTALL is set; to install what is missing:"
        printf '%s\n' "$line"
        exit 3
    fi
    if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
        say "neither root nor sudo; to install what is missing, as root:"
        printf '%s\n' "$line"
        exit 3
    fi
    say "$line"
    sh -c "$line" </dev/null >&2 || {
        say "the installation failed"
        exit 3
    }

    missing=$(missing_of "$@")
    [ -z "$missing" ] || {
        say "still missing after the installation: $missing"
        exit 3
    }
}

# The clients that tests/server/clients uses, from npm into build/clients. Installed once for each package-lock.json.
install_clients() {
    packages=build/clients
    if cmp -s tests/server/clients/package-lock.json "$packages/installed"; then
        return 0
    fi
    line="npm ci --prefix $packages --ignore-scripts --no-audit --no-fund"
    if [ "${RINGBUS_NO_INSTALL:-}" = 1 ]; then
        say "RINGBUS_NO_INSTALL is set; to install the clients:"
        printf '%s\n' "mkdir -p $packages && cp tests/server/clients/package*.json $packages && $line"
        exit 3
    fi
    mkdir -p "$packages"
    cp tests/server/clients/package.json tests/server/clients/package-lock.json "$packages"
    say "$line"
    $line </dev/null >&2 || {
        say "the installation failed"
        exit 3
    }
    cp "$packages/package-lock.json" "$packages/installed"
}

# ---- building -------------------------------------------------------------------------------------

# The CMake generator for a new build folder: Ninja where there is one.
generator() {
    if command -v ninja >/dev/null; then
        echo Ninja
    else
        echo 'Unix Makefiles'
    fi
}

# configure FOLDER ARGUMENT...: run CMake; a folder keeps the generator it was made with
configure() {
    folder=$1
    shift
    if [ -f "$folder/CMakeCache.txt" ]; then
        cmake -S . -B "$folder" "$@"
    else
        cmake -S . -B "$folder" -G "$(generator)" "$@"
    fi
}

# Processors this process may use.
jobs_count() {
    nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}
