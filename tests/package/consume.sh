#!/bin/sh
# consume.sh WAY SOURCE BUILD WORK: build a small program against ringbus as a user would, run it, look at its output.
#
# SOURCE  the source tree     BUILD  its build folder     WORK  a folder for the outcome, WORK/installed is the tree
# WAY     install             put ringbus into WORK/installed; the ways below need it
#         find_core find_uv   CMake, find_package
#         find_refused        CMake, find_package of a version this one does not answer for
#         find_without_uv     CMake, the component uv where there is no libuv: a readable error
#         pc_core pc_uv       pkg-config, shared
#         pc_static           pkg-config --static, a program without shared libraries; pc_static_uv too, skipped
#                             where libuv has no static library
#         moved               the installed tree under another name, by CMake and pkg-config
#         subproject fetched  CMake, add_subdirectory and FetchContent
set -eu
way=$1
source=$(cd "$2" && pwd)
build=$3
work=$4
here=$source/tests/package
cc=${CC:-cc}
installed=$work/installed
libuv=-luv
expected='greetings: hello'

fail() {
    echo "consume $way: $*"
    exit 1
}

# the program runs and says what it should
runs() {
    output=$("$@") || fail "$1 exits with $?"
    [ "$output" = "$expected" ] || fail "$1 wrote: $output"
}

# by_cmake PROJECT NAME [ARGUMENT...]: configure and build in WORK/NAME, anew; but what was compiled there already, if
# `keeps_objects` is set, and by the same commands
keeps_objects=
by_cmake() {
    project=$1
    folder=$work/$2
    shift 2
    if [ -n "$keeps_objects" ]; then
        rm -f "$folder/CMakeCache.txt" "$folder"/consumer*
    else
        rm -rf "$folder"
    fi
    {
        cmake -S "$here/$project" -B "$folder" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Debug "$@" &&
            cmake --build "$folder"
    } >"$folder.log" 2>&1 || {
        cat "$folder.log"
        fail "CMake failed"
    }
}

# by_pc PREFIX PACKAGE SOURCE PROGRAM [FLAG...]: compile with what pkg-config says
by_pc() {
    directory=$(dirname "$(find "$1" -name ringbus.pc)")
    package=$2
    program=$4
    file=$3
    shift 4
    static=
    case " $* " in *' -static '*) static=--static ;; esac
    flags=$(PKG_CONFIG_PATH=$directory${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} \
        pkg-config $static --cflags --libs "$package" | sed "s/-luv\\>/$libuv/")
    [ -n "$flags" ] || fail "pkg-config does not know $package"
    # shellcheck disable=SC2086
    "$cc" "$@" "$file" -o "$program" $flags || fail "does not compile with: $flags"
    library_path=$(dirname "$directory")
}

case $way in
install)
    rm -rf "$work"
    mkdir -p "$work"
    cmake --install "$build" --prefix "$installed" >"$work/install.log" || fail "cmake --install failed"
    ls "$installed"/lib*/libringbus.a >/dev/null 2>&1 || ls "$installed"/lib/*/libringbus.a >/dev/null
    ;;
find_core)
    for version in '' 0.1; do
        by_cmake core find_core -DCMAKE_PREFIX_PATH="$installed" -DRINGBUS_ASKED_VERSION="$version"
        runs "$work/find_core/consumer"
        runs "$work/find_core/consumer_static"
    done
    ;;
find_refused)
    if (by_cmake core find_refused -DCMAKE_PREFIX_PATH="$installed" -DRINGBUS_ASKED_VERSION=0.0) >/dev/null; then
        fail "version 0.0 was found"
    fi
    grep -q 'requested version "0.0"' "$work/find_refused.log" || fail "not refused for its version"
    ;;
find_uv)
    by_cmake uv find_uv -DCMAKE_PREFIX_PATH="$installed"
    runs "$work/find_uv/consumer"
    runs "$work/find_uv/consumer_static"
    ;;
find_without_uv)
    if (PKG_CONFIG_LIBDIR=/nowhere PKG_CONFIG_PATH='' by_cmake uv find_without_uv -DCMAKE_PREFIX_PATH="$installed" \
        -DCMAKE_DISABLE_FIND_PACKAGE_libuv=ON) >/dev/null; then
        fail "libuv was found where there is none"
    fi
    grep -q 'needs libuv' "$work/find_without_uv.log" || {
        cat "$work/find_without_uv.log"
        fail "the error does not say what is missing"
    }
    ;;
pc_core)
    by_pc "$installed" ringbus "$here/core/main.c" "$work/pc_core"
    runs env LD_LIBRARY_PATH="$library_path" "$work/pc_core"
    ;;
pc_uv)
    by_pc "$installed" ringbus-uv "$here/uv/main.c" "$work/pc_uv"
    runs env LD_LIBRARY_PATH="$library_path" "$work/pc_uv"
    ;;
pc_static)
    by_pc "$installed" ringbus "$here/core/main.c" "$work/pc_static" -static
    runs "$work/pc_static"
    ;;
pc_static_uv)
    printf 'int uv_version(void);\nint main(void) { return uv_version() == 0; }\n' >"$work/probe.c"
    for libuv in -luv -luv_a; do # the second is Debian's name for the archive
        # shellcheck disable=SC2046
        if "$cc" -static "$work/probe.c" -o "$work/probe" \
            $(pkg-config --static --libs libuv | sed "s/-luv\\>/$libuv/") 2>/dev/null; then
            by_pc "$installed" ringbus-uv "$here/uv/main.c" "$work/pc_static_uv" -static
            runs "$work/pc_static_uv"
            exit 0
        fi
    done
    echo "skipped: no static libuv here"
    exit 77
    ;;
moved)
    rm -rf "$work/moved"
    cp -R "$installed" "$work/moved"
    if grep -rl "$installed" "$work/moved" --include='*.cmake' --include='*.pc'; then
        fail "the files above name the prefix"
    fi
    by_pc "$work/moved" ringbus "$here/core/main.c" "$work/moved_pc"
    runs env LD_LIBRARY_PATH="$library_path" "$work/moved_pc"
    by_cmake core moved_cmake -DCMAKE_PREFIX_PATH="$work/moved"
    grep -q "^ringbus_DIR:PATH=$work/moved/" "$work/moved_cmake/CMakeCache.txt" || fail "another ringbus was found"
    runs "$work/moved_cmake/consumer"
    ;;
subproject | fetched)
    for shared in ON OFF; do
        by_cmake subproject "$way" -DRINGBUS_SOURCE="$source" -DBUILD_SHARED_LIBS=$shared \
            -DRINGBUS_FETCH="$([ "$way" = fetched ] && echo ON || echo OFF)"
        runs "$work/$way/consumer"
        if [ -e "$work/$way/consumer_uv" ]; then
            runs "$work/$way/consumer_uv"
        fi
        keeps_objects=1 # both ways link the same
    done
    ;;
*)
    fail "no such way"
    ;;
esac
