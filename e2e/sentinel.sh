#!/bin/sh
# Runs a test command, and looks for the marker that all credentials of the
# tests carry in what it printed and in what it left behind: sentinel.sh COMMAND.
# The programs themselves look for it in their output, journals and command
# lines while they run (internal/program/sentinel_test.go).
set -eu

# Root's tests run in memory where there is enough: they put tens of thousands of
# records on disk, one by one, and a disk takes its time for each. The path is
# short, since a socket's name has 107 bytes.
world=$(mktemp -d /tmp/e.XXXXXX)
free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
[ "${free:-0}" -lt 12000000 ] || mount -t tmpfs -o size=8g,mode=700 tests "$world" 2>/dev/null || :
trap 'umount -l "$world" 2>/dev/null; rm -rf "$world"' EXIT
mkdir "$world/tmp"
chmod 711 "$world" # a web server of another user has its files below
mkfifo "$world/pipe"
tee "$world/output" <"$world/pipe" &
tee=$!
status=0
TMPDIR="$world/tmp" "$@" >"$world/pipe" 2>&1 || status=$?
wait "$tee"
[ "$status" -eq 0 ] || exit "$status" # what failed has left its files

if grep -rl SENTINEL "$world/output" "$world/tmp" >"$world/found"; then
	echo "a credential was printed or left behind:" >&2
	sed "s,^$world/,  ," "$world/found" >&2
	exit 1
fi
