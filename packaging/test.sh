#!/bin/sh
# Makes the packages twice and compares them, and has them installed, used,
# upgraded and removed in a Debian 12 of their own. CHROOT, if it is set, is an
# archive of that system, which is made if it is not there: it takes the
# longest. All is in a temporary directory; what is mounted or started is so in
# namespaces of its own.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || {
	echo 'package-test: only root can set up a separate system' >&2
	exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
step() { printf '%s: %s\n' "$(date +%T)" "$1"; }
version=$(head -n 1 VERSION)

make_packages() {
	sh packaging/dist.sh
	sh packaging/package.sh
	mkdir "$1"
	for f in "build/extauth-$version"*.* "build/extauth_$version"*.deb "build/extauth_$version"*.apk; do cp "$f" "$1"; done
}

# previous DIRECTORY: the same package with a lower version.
previous() {
	mkdir "$1"
	tar -xzf "build/extauth-$version-vendor.tar.gz" -C "$1"
	(cd "$1/extauth-$version" && sed -i 1s/.*/0.0.1/ VERSION && sed -i '1s/(.*)/(0.0.1-1)/' debian/changelog &&
		GOCACHE=$(go env GOCACHE) dpkg-buildpackage -us -uc -b -d) >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		exit 1
	}
}

# listed LABEL: all of files.txt is among the names on standard input.
listed() {
	sed 's|^/||' >"$work/names"
	sed -n 's|^/\(.*[^/]\)$|\1|p' packaging/files.txt | while read -r f; do
		grep -q -x -F -e "$f" "$work/names" || {
			echo "package-test: $1 does not have $f" >&2
			exit 1
		}
	done
}

step 'two builds' # the second one with a cache of its own: see debian/rules
GOCACHE=$(go env GOCACHE) make_packages "$work/one"
(
	umask 027
	TZ=Asia/Tokyo LC_ALL=C
	export TZ LC_ALL
	make_packages "$work/two"
)
for f in "$work"/one/*; do cmp "$f" "$work/two/${f##*/}"; done

step 'lintian and lists'
suppressed=spelling-error-in-binary
[ -d man ] || suppressed=$suppressed,no-manual-page
lintian --allow-root --fail-on error,warning,info -I --suppress-tags "$suppressed" build/extauth_"$version"*.changes
rpm -qlp "$work"/one/*.rpm | listed rpm
tar -tzf "$work"/one/*.apk 2>/dev/null | listed apk

step 'a package of a lower version'
previous "$work/previous"

step 'a Debian 12'
needed=ca-certificates,certbot,dehydrated,pebble,bind9,bind9-dnsutils,bind9-utils,openssl,man-db
archive=${CHROOT:-$work/chroot.tar}
[ -f "$archive" ] || mmdebstrap -q --variant=minbase --include="$needed" bookworm "$archive"
mkdir "$work/root"
tar -xf "$archive" -C "$work/root"

step 'install, use, upgrade, remove'
inside=$work/root/build
mkdir "$inside"
cp packaging/inside.sh "$inside"
head -n 1 VERSION >"$inside/VERSION"
[ ! -d man ] || cp -R man "$inside/man"
cp "$work"/previous/*.deb "$inside/old.deb"
cp "$work"/one/*.deb "$inside/new.deb"
sh packaging/chroot.sh "$work/root" sh /build/inside.sh /build/old.deb /build/new.deb
step 'done'
