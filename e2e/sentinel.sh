#!/bin/sh
# Runs a test command, and looks for the marker that all credentials of the
# tests carry in what it printed and in what it left behind: sentinel.sh COMMAND.
# The programs themselves look for it in their output, journals and command
# lines while they run (internal/cli/sentinel_test.go).
set -eu

world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
mkdir "$world/tmp"
chmod 711 "$world" # a web server of another user has its files below
mkfifo "$world/pipe"
tee "$world/output" <"$world/pipe" &
tee=$!
status=0
TMPDIR="$world/tmp" "$@" >"$world/pipe" 2>&1 || status=$?
wait "$tee"

if grep -rl SENTINEL "$world/output" "$world/tmp" >"$world/found"; then
	echo "a credential was printed or left behind:" >&2
	sed "s,^$world/,  ," "$world/found" >&2
	[ "$status" -ne 0 ] || status=1
fi
exit "$status"
