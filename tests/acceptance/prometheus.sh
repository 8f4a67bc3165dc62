#!/bin/sh
# The demo's numbers through Debian's prometheus-mqtt-exporter. Exit 0: every number of every group is a metric.
set -eu
root=$(dirname "$(readlink -f "$0")")/../..
folder=$(mktemp -d)
broker=18831 web=19641
"$root/studio" demo --plain --seconds 60 --port "$broker" --folder "$folder/demo" >"$folder/demo.log" 2>&1 &
demo=$!
trap 'kill "$demo" "${exporter:-$demo}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
"$root/studio" schema --prometheus | sed "s/:1883/:$broker/" >"$folder/exporter.yaml"
until grep -q 'msg/s' "$folder/demo.log"; do
    kill -0 "$demo" 2>/dev/null || { cat "$folder/demo.log"; exit 1; }
    sleep 1
done
prometheus-mqtt-exporter -config "$folder/exporter.yaml" -listen-address 127.0.0.1 -listen-port "$web" >"$folder/exporter.log" 2>&1 &
exporter=$!
wanted=$(sed -n 's/.*prom_name: //p' "$folder/exporter.yaml")
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    missing=
    found=$(curl -s --retry 5 --retry-connrefused "http://127.0.0.1:$web/metrics")
    for name in $wanted; do printf '%s\n' "$found" | grep -q "^$name{" || missing="$missing $name"; done
    # of a clock that nothing keeps nobody knows how far it is off: the agent says null, and no metric is right
    if printf '%s\n' "$found" | grep -q '^studio_host_clock_synchronised{.*} 0\( \|$\)'; then
        missing=$(printf '%s' "$missing" | sed 's/ studio_host_clock_offset_ms//')
    fi
    [ -n "$missing" ] || break
    sleep 1
done
if [ -n "$missing" ]; then echo "missing:$missing"; tail -n 5 "$folder/exporter.log"; exit 1; fi
echo "$(printf '%s\n' "$wanted" | wc -l) numbers, every one a metric"
