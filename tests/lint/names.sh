#!/bin/sh
# names.sh ROOT: what the public headers declare or define begins with ringbus_ or RINGBUS_; calls of the system are in
# lib/base only; the words that were decided against do not come back.
set -eu
. "$(dirname "$0")/lint.sh"

# code FILE: without comments and strings
code() {
    awk -f "$here/code.awk" "$1"
}

for file in $(sources include); do
    code "$file" | sed -n 's/^ *# *define *\([A-Za-z0-9_]*\).*/\1/p' | while read -r name; do
        case $name in
        RINGBUS_*) ;;
        *) say "$file: the macro $name does not begin with RINGBUS_" ;;
        esac
    done
    code "$file" | grep -oE '\<(struct|enum|union) +[A-Za-z_][A-Za-z0-9_]*' | sort -u | while read -r _ name; do
        case $name in
        ringbus_*) ;;
        *) say "$file: the tag $name does not begin with ringbus_" ;;
        esac
    done
    code "$file" | sed 's/(\*//g' | grep -oE '^typedef .*|\<[A-Za-z0-9_]+ *\(' |
        grep -oE '[A-Za-z0-9_]+_t *\(' | while read -r name; do
        say "$file: nothing ends in _t: $name"
    done
    # enumerators, one a line
    code "$file" | awk '/^enum .*\{/ { inside = 1; next } /^\}/ { inside = 0 } inside' |
        sed -n 's/^ *\([A-Za-z_][A-Za-z0-9_]*\) *[=,].*/\1/p' | while read -r name; do
        case $name in
        RINGBUS_*) ;;
        *) say "$file: the enumerator $name does not begin with RINGBUS_" ;;
        esac
    done
done
if [ -d include ]; then
    find include -name '*.h' -exec sh "$here/../package/public_names.sh" {} + | while read -r name; do
        case $name in
        ringbus__*) say "the public function $name has the prefix of private ones" ;;
        ringbus_*) ;;
        *) say "the public function $name does not begin with ringbus_" ;;
        esac
    done
fi

system_calls='pthread_[a-z_]+|syscall|futex|membarrier|nanosleep|sched_[a-z]+|clock_gettime|mmap|madvise|fork|getrandom'
system_headers='pthread|sched|time|unistd|signal|sys/[a-z]+|linux/[a-z]+'
for file in $(sources lib); do
    case $file in
    lib/base/*) ;;
    *)
        code "$file" | grep -nE -e "\\<($system_calls)\\>" -e "<($system_headers)\\.h>" |
            while IFS=: read -r line text; do
                say "$file:$line: only lib/base calls the system: $text"
            done
        code "$file" | grep -nE '\<errno\>' | while IFS=: read -r line text; do
            say "$file:$line: the library does not touch errno: $text"
        done
        ;;
    esac
    code "$file" | grep -nE '\<(printf|puts|perror|abort|_?exit|longjmp|signal|sigaction) *\(' |
        while IFS=: read -r line text; do
            say "$file:$line: the library does not print, abort or install handlers: $text"
        done
done

# Words with a fixed synonym, as whole parts of an identifier.
words='push|offer|emit|fire|listener|observer|subscriber|manager|utils?|helper|misc'
for file in $(sources include lib); do
    code "$file" | grep -noE "[A-Za-z0-9_]*(_|\\<)($words)(_|\\>)[A-Za-z0-9_]*" |
        while IFS=: read -r line name; do
            say "$file:$line: a word that is not used here: $name"
        done
done
for file in $(sources include lib examples bench tests); do
    case $(basename "$file" | sed 's/\.[ch]$//') in
    *manager* | *util* | *helper* | *common* | *misc*) say "$file: a name that says nothing" ;;
    esac
done
finish
