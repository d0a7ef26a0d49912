#!/bin/sh
# Makes build/extauth-VERSION.tar.gz of HEAD, the same bytes each time, and the
# same with the modules that it is built from in vendor/, for machines that
# build without a network and have no packages of them.
set -eu
cd "$(dirname "$0")/.."
umask 022

read -r version <VERSION
name=extauth-$version
mkdir -p build
git archive --prefix="$name/" HEAD | gzip -9n >"build/$name.tar.gz"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tar -xzf "build/$name.tar.gz" -C "$work"
(cd "$work/$name" && go mod vendor)
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r-w \
	--mtime="@$(git log -1 --format=%ct)" -cf - "$name" | gzip -9n >"build/$name-vendor.tar.gz"
