#!/bin/sh
# Builds the package as Debian 13 would: in a system of its own, by the Go and
# the libraries of that, without a network and not as root; then lintian looks
# at it, and it is installed. CHROOT, if it is set, is an archive of that system
# with all that is needed, and is made if it is not there.
set -eu
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || {
	echo 'package-test-13: only root can set up a separate system' >&2
	exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
version=$(head -n 1 VERSION)

# build_depends: the names of the packages, with commas between them.
build_depends() {
	awk '/^Build-Depends:/ { on = 1; sub(/^[^:]*:/, "") } /^[A-Z]/ { on = 0 } on' debian/control |
		sed -e 's/([^)]*)//g' -e 's/<[^>]*>//g' | tr -d ' \n'
}

archive=${CHROOT:-$work/chroot.tar}
[ -f "$archive" ] ||
	mmdebstrap -q --variant=minbase --include="build-essential,lintian,shellcheck,man-db,$(build_depends)" trixie "$archive"
mkdir "$work/root"
tar -xf "$archive" -C "$work/root"

sh packaging/dist.sh
mkdir "$work/root/build"
cp "build/extauth-$version.tar.gz" "$work/root/build/extauth_$version.orig.tar.gz"
tar -xzf "build/extauth-$version.tar.gz" -C "$work/root/build"
# It is no upload to Debian, its archive has debian/ in it, and letters are random.
suppressed=initial-upload-closes-no-bugs,no-debian-changes,spelling-error-in-binary
[ -d man ] || suppressed=$suppressed,no-manual-page
cat >"$work/root/build/run" <<END
set -eu
useradd builder
chown -R builder /build
cd /build/extauth-$version
HOME=/nonexistent setpriv --reuid builder --regid builder --clear-groups dpkg-buildpackage -us -uc
cd /build
lintian --allow-root --fail-on error,warning -I --suppress-tags $suppressed extauth_${version}*.changes
dpkg -i extauth_${version}*_*.deb
dpkg -V extauth
extauth-hook --version | grep -F 'extauth-hook $version ('
dpkg -P extauth
END
sh packaging/chroot.sh "$work/root" sh /build/run
