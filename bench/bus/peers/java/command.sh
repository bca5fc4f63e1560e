#!/bin/sh
# command.sh lmax|guava BUILD_DIR - prints what starts LMAX's or Guava's side of the contests between buses. It is
# compiled into BUILD_DIR/java where sources are newer.
#
# LMAX's collector has nothing to do within a pass. Guava allocates for each event and each delivery; it gets a young
# generation of a gigabyte, so that a pass of up to a million posts to four subscribers each meets no collection.
set -eu
here=$(dirname "$0")
# shellcheck source=../../../../scripts/bootstrap.sh
. "$here/../../../../scripts/bootstrap.sh"

case ${1:-}/${2:-} in
lmax/?*)
    program=LmaxBus
    jar=$(disruptor_jar)
    flags='-XX:+UseParallelGC -Xms256m -Xmx1g'
    ;;
guava/?*)
    program=GuavaBus
    jar=$(guava_jar)
    flags='-XX:+UseParallelGC -Xmn1g -Xms2g -Xmx4g'
    ;;
*)
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' "$0" >&2
    exit 2
    ;;
esac

classes=$2/java/$program
if [ ! -e "$classes/$program.class" ] ||
    [ -n "$(find "$here" -name '*.java' -newer "$classes/$program.class")" ]; then
    mkdir -p "$classes"
    javac -cp "$jar" -sourcepath "$here" -d "$classes" "$here/$program.java" >&2
fi
echo "java $flags -cp $classes:$jar $program"
