#!/bin/sh
# Runs a test command, and looks for the marker that all credentials of the
# tests carry in what it printed and in what it left behind: sentinel.sh COMMAND.
# The programs themselves look for it in their output, journals and command
# lines while they run (internal/cli/sentinel_test.go).
set -eu

# In memory where there is room and programs may be run: the tests put tens of
# thousands of records on disk, one by one, and a disk takes its time for each.
# The path is short, since a socket's name has 107 bytes.
roomy() {
	test "$(df -P -k /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -gt 8000000 2>/dev/null &&
		printf '#!/bin/sh\n' >"$1/runs" && chmod 700 "$1/runs" && "$1/runs" 2>/dev/null
}

world=$(mktemp -d /dev/shm/e.XXXXXX 2>/dev/null) && roomy "$world" || {
	rm -rf "$world"
	world=$(mktemp -d)
}
trap 'rm -rf "$world"' EXIT
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
