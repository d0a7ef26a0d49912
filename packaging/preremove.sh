#!/bin/sh
# Lists what is still performed before the programs are removed, because only
# they can clean it up. No handler is run here. $1 is 0 (rpm) or a version (apk) when
# the package is removed, and 1 when another version takes its place.
set -eu

if [ "${1:-0}" != 1 ]; then
	pending=$(extauth-pending list 2>&1) || :
	if [ -n "$pending" ]; then
		echo 'extauth: these challenges were performed and never cleaned up:' >&2
		printf '%s\n' "$pending" >&2
		echo 'extauth: the journal in /var/lib/extauth is kept; to clean up, install extauth and run "extauth-pending clean"' >&2
	fi
	if [ -d /run/systemd/system ]; then
		systemctl disable --now extauth-pending.timer >/dev/null 2>&1 || :
	fi
fi
