#!/bin/sh
# Makes the packages in build/ from the archives that packaging/dist.sh made: a
# .deb for Debian 12 and later from the modules in the archive, an .rpm and an
# .apk. "package.sh deb" makes only the first.
set -eu
cd "$(dirname "$0")/.."

VERSION=$(head -n 1 VERSION)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
GOARCH=$(go env GOARCH)
export VERSION SOURCE_DATE_EPOCH GOARCH
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tar -xzf "build/extauth-$VERSION-vendor.tar.gz" -C "$work"

# -d: the modules are in the archive, and Go may have come from elsewhere.
(cd "$work/extauth-$VERSION" && dpkg-buildpackage -us -uc -b -d >"$work/log" 2>&1) || {
	cat "$work/log" >&2
	exit 1
}
mv "$work"/extauth_*.deb "$work"/extauth_*.changes "$work"/extauth_*.buildinfo build/
[ "${1:-}" != deb ] || exit 0

rm -rf build/stage
(cd "$work/extauth-$VERSION" && make -s install PREFIX=/usr DESTDIR="$work/stage" &&
	sh packaging/licenses.sh >"$work/stage/usr/share/doc/extauth/THIRD-PARTY" &&
	install -m 644 LICENSE "$work/stage/usr/share/doc/extauth/LICENSE")
mv "$work/stage" build/stage
find build/stage -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} + # nfpm takes directories as they are
for format in rpm apk; do
	go run github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4 package -f packaging/nfpm.yaml -p "$format" -t build/ >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		exit 1
	}
done
