#!/bin/sh
# links.sh DIRECTORY: makes each program there a link to one of the two binaries:
# to extauth-hook, which is small and starts quickly, if clients call it, else to
# extauth, which is all of them.
set -eu
cd "$(dirname "$0")/../cmd"

case $1 in
/*) directory=$1 ;;
*) directory=../$1 ;;
esac
for name in extauth-*; do
	binary=extauth
	if grep -q '/internal/hook"' "$name/main.go"; then binary=extauth-hook; fi
	[ "$name" = "$binary" ] || ln -sf "$binary" "$directory/$name"
done
