#!/bin/sh
# install.sh install|uninstall: puts what was built, and all that belongs to it,
# where the variables of the Makefile say, or removes it again. The paths
# in text files follow the variables.
set -eu
cd "$(dirname "$0")/.."

# One line for each file: what it is, from where, to where. A directory without
# files, or a pattern without a match, is none.
manifest() {
	programs
	pages
	completions
	for f in hooks/examples/*; do
		if [ -f "$f" ] && [ -x "$f" ]; then echo "script $f $LIBEXECDIR/extauth/${f##*/}"; fi
	done
	each script "$LIBEXECDIR/extauth" packaging/libexec/*
	each script "$LIBEXECDIR/extauth/acmesh" hooks/acmesh/*.sh
	each text "$UNITDIR" packaging/systemd/*
	echo "conf packaging/cron $SYSCONFDIR/cron.d/extauth"
	echo "conf packaging/dehydrated $SYSCONFDIR/dehydrated/conf.d/50_extauth.sh"
	documents
}

each() {
	kind=$1 directory=$2
	shift 2
	for f; do
		if [ -f "$f" ]; then echo "$kind $f $directory/${f##*/}"; fi
	done
}

# Most programs are links to one of two.
programs() {
	for d in cmd/*/; do
		name=$(basename "$d")
		if [ -L "$BUILDDIR/$name" ]; then
			echo "link $(readlink "$BUILDDIR/$name") $BINDIR/$name"
		else
			echo "program $BUILDDIR/$name $BINDIR/$name"
		fi
	done
}

pages() {
	for section in 1 5 7 8; do each text "$MANDIR/man$section" man/*."$section"; done
}

completions() {
	each text "$BASHCOMPDIR" completions/bash/*
	shared completions/bash extauth '' "$BASHCOMPDIR"
	each text "$ZSHCOMPDIR" completions/zsh/_*
	each text "$FISHCOMPDIR" completions/fish/*.fish
	shared completions/fish extauth.fish .fish "$FISHCOMPDIR"
}

# shared SOURCE FILE SUFFIX DIRECTORY: bash and fish look for completions by the
# program's name. A program without a file of its own is served by FILE.
shared() {
	[ -f "$1/$2" ] || return 0
	for d in cmd/*/; do
		name=$(basename "$d")$3
		[ -f "$1/$name" ] || echo "link $2 $4/$name"
	done
}

documents() {
	each text "$DOCDIR" README.md CHANGELOG.md SECURITY.md
	each text "$DOCDIR/docs" docs/*.md docs/*.svg
	each text "$DOCDIR/docs/clients" docs/clients/*.md
	echo "text hooks/acmesh/README.md $DOCDIR/acmesh.md"
	echo "text hooks/examples/README.md $DOCDIR/examples/README.md"
	each text "$DOCDIR/examples" packaging/examples/*
	(cd hooks/examples && find . -mindepth 2 -type f ! -name '*_test.go' ! -name '*.pyc' ! -path '*/testdata/*' | sort) |
		while read -r f; do
			kind=text
			if [ -x "hooks/examples/$f" ]; then kind=script; fi
			echo "$kind hooks/examples/${f#./} $DOCDIR/examples/${f#./}"
		done
}

# put KIND SOURCE TARGET
put() {
	mkdir -p "$(dirname "$3")"
	case $1 in
	program) copy 755 "$3" <"$2" ;;
	script) relocate "$2" | copy 755 "$3" ;;
	text) relocate "$2" | copy 644 "$3" ;;
	conf) [ -e "$3" ] || relocate "$2" | copy 644 "$3" ;; # what its owner changed stays
	link) ln -sf "$2" "$3.new" && mv -f "$3.new" "$3" ;;
	esac
}

# A program that runs, and a script that is read, stay what they are.
copy() {
	rm -f "$2.new"
	cat >"$2.new"
	chmod "$1" "$2.new"
	mv -f "$2.new" "$2"
}

relocate() {
	sed -e "s|/usr/bin/extauth-|$BINDIR/extauth-|g" -e "s|/usr/libexec/extauth|$LIBEXECDIR/extauth|g" \
		-e "s|/usr/share/doc/extauth|$DOCDIR|g" "$1"
}

# take KIND SOURCE TARGET
take() {
	if [ "$1" = conf ] && [ -e "$3" ] && ! relocate "$2" | cmp -s - "$3"; then
		echo "$3 was changed; it stays" >&2
	else
		rm -f "$3"
	fi
}

umask 022
case ${1:-} in
install)
	manifest | while read -r kind source target; do put "$kind" "$source" "$DESTDIR$target"; done
	mkdir -p "$DESTDIR$SYSCONFDIR/extauth"
	;;
uninstall)
	manifest | while read -r kind source target; do take "$kind" "$source" "$DESTDIR$target"; done
	for own in "$LIBEXECDIR/extauth" "$DOCDIR" "$SYSCONFDIR/extauth"; do
		find "$DESTDIR$own" -depth -type d -empty -exec rmdir {} \; 2>/dev/null || :
	done
	;;
*)
	echo 'install.sh: usage: install.sh install|uninstall' >&2
	exit 64
	;;
esac
