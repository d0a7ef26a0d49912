#!/bin/sh
# What can be seen of the installation without another system: what is
# installed and taken away again, that --version is right without git, that the
# .deb has what two builds in different places make, and that lintian and
# systemd have nothing to say. "check.sh files" writes packaging/files.txt.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
version=$(head -n 1 VERSION)
PATH=$PATH:/usr/sbin:/sbin

fail() {
	printf 'package-check: %s\n' "$1" >&2
	exit 1
}

# have PROGRAM PACKAGE: what needs a program that is not there is left out, but
# not in continuous integration.
have() {
	command -v "$1" >/dev/null && return
	[ -z "${CI:-}" ] || fail "$1 is not there (Debian: $2)"
	echo "package-check: left out what needs $1 (Debian: $2)" >&2
	return 1
}

# files DIRECTORY: what is in it, directories that are empty with a stroke.
files() { (cd "$1" && find . \( ! -type d -o -empty \) \( -type d -printf '%P/\n' -o -printf '/%P\n' \)) | sed 's|^[^/]|/&|' | LC_ALL=C sort; }

installs() {
	mkdir "$work/root"
	make -s install PREFIX=/usr DESTDIR="$work/root"
	files "$work/root" >"$work/files"
	[ "${1:-}" != files ] || {
		mv "$work/files" packaging/files.txt
		exit 0
	}
	diff packaging/files.txt "$work/files" || fail 'another list than packaging/files.txt: see make package-files'
}

keeps_what_was_changed() {
	conf=$work/root/etc/dehydrated/conf.d/50_extauth.sh
	echo HOOK=mine >>"$conf"
	make -s install PREFIX=/usr DESTDIR="$work/root"
	make -s uninstall PREFIX=/usr DESTDIR="$work/root" 2>"$work/said"
	if ! grep -q 'was changed; it stays' "$work/said" || ! grep -q HOOK=mine "$conf"; then
		fail 'a changed file was taken away'
	fi
	rm "$conf"
}

uninstalls() {
	left=$(find "$work/root" ! -type d -o -name '*extauth*')
	[ -z "$left" ] || fail "uninstall left $left"
}

# Programs were files of their own, and may be again.
replaces_files_and_links() {
	(cd "$work/opt/bin" && ln -sf extauth-hook extauth && rm extauth-lego && : >extauth-lego)
	make -s install PREFIX="$work/opt" SYSCONFDIR="$work/opt/etc"
	[ ! -L "$work/opt/bin/extauth" ] || fail 'extauth is a link'
	[ "$(readlink "$work/opt/bin/extauth-lego")" = extauth-hook ] || fail 'extauth-lego is not a link to extauth-hook'
}

# Below a directory of their own, all that is installed finds the rest there.
follows_the_variables() {
	make -s install PREFIX="$work/opt" SYSCONFDIR="$work/opt/etc"
	"$work/opt/libexec/extauth/certbot-auth" --help >"$work/said"
	grep -q '^Usage: extauth-hook' "$work/said" || fail 'certbot-auth does not run extauth-hook'
}

# A file that dehydrated and cron read does nothing until somebody edits it.
says_nothing_alone() {
	bash -n packaging/dehydrated
	[ -z "$(sed '/^#/d; /^$/d' packaging/dehydrated)" ] || fail 'dehydrated is told something'
	sed -n 's/^[^#P].* root //p' packaging/cron >"$work/cron"
	grep -q extauth-pending "$work/cron" && sh -n "$work/cron"
}

units() {
	have systemd-analyze systemd || return 0
	unit=$work/opt/lib/systemd/system/extauth-pending
	systemd-analyze verify --man=no "$unit.service" "$unit.timer" >"$work/said" 2>&1 || :
	! grep extauth "$work/said" || fail 'systemd has something to say'
	systemd-analyze security --offline=true --threshold=40 --no-pager "$unit.service" >"$work/said" 2>&1 ||
		fail "$(tail -n 1 "$work/said")"
}

# An archive has no git beside it.
archives() {
	sh packaging/dist.sh
	commit=$(git rev-parse HEAD | cut -c 1-12)
	tar -xzf "build/extauth-$version-vendor.tar.gz" -C "$work"
	(cd "$work/extauth-$version" && GOFLAGS='-mod=vendor -buildvcs=false' make -s build LDFLAGS='-s -w')
	for program in "$work/extauth-$version"/build/*; do
		name=${program##*/}
		"$program" --version >"$work/said"
		grep -q -E "^$name $version \\(commit $commit, [0-9]{4}-[0-9]{2}-[0-9]{2}, go[^,]+, [a-z0-9]+/[a-z0-9]+\\)\$" "$work/said" ||
			fail "$(cat "$work/said")"
	done
}

# The .deb is built elsewhere, and with a cache of its own, so that all of it is
# built again: the same bytes.
debian_package() {
	if ! have dpkg-buildpackage dpkg-dev || ! have dh debhelper || ! have lintian lintian; then return 0; fi
	sh packaging/package.sh deb
	suppressed=spelling-error-in-binary # random letters
	[ -d man ] || suppressed=$suppressed,no-manual-page
	lintian --allow-root --fail-on error,warning,info -I --suppress-tags "$suppressed" build/extauth_"$version"*.changes
	dpkg-deb -x build/extauth_"$version"*.deb "$work/deb"
	for program in "$work/extauth-$version"/build/*; do cmp "$program" "$work/deb/usr/bin/${program##*/}"; done
	is_small "$work/deb"
}

# is_small DIRECTORY: an installed package takes at most 15 MB.
is_small() {
	size=$(du -s --apparent-size --block-size=1000 "$1" | cut -f 1)
	[ "$size" -le 15000 ] || fail "$size kB are installed, and 15000 are the limit"
}

installs "$@"
says_nothing_alone
keeps_what_was_changed
uninstalls
follows_the_variables
replaces_files_and_links
units
# Archives are made of a commit, and the .deb of an archive.
if git rev-parse -q --verify HEAD >/dev/null 2>&1; then
	archives
	debian_package
else
	echo 'package-check: left out the archives and the .deb: this is not a git checkout' >&2
fi
