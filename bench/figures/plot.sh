#!/bin/sh
# plot.sh RESULTS FOLDER: draws throughput.svg, latency.svg and growth.svg, those of which there is something in
# RESULTS. The gnuplot programs that did it are left beside them.
set -eu
results=$1
folder=$2
here=$(dirname "$0")
for plot in throughput latency growth; do
    program=$folder/$plot.gnuplot
    rm -f "$folder/$plot.svg"
    awk -v output="$folder/$plot.svg" -f "$here/results.awk" -f "$here/$plot.awk" "$results" >"$program"
    if [ -s "$program" ]; then
        gnuplot "$program"
    else
        rm "$program"
    fi
done
