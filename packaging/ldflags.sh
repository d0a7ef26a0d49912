#!/bin/sh
# Prints the linker's flags. A toolchain that is newer than go.mod's would have
# the programs read at every start how that Go behaved: they behave as the
# toolchain's own do. The others tell the programs which version they are. The
# first line of VERSION is the version; the second one is the commit and its
# date if git made an archive of it. In a checkout, git is asked.
set -eu
cd "$(dirname "$0")/.."

{ read -r version && read -r commit date; } <VERSION
case $commit in
[!0-9a-f]*)
	commit='' date=''
	if [ -e .git ] && date=$(git log -1 --format=%cs 2>/dev/null); then
		commit=$(git describe --always --dirty --abbrev=12 --exclude='*')
	fi
	;;
*) commit=$(printf %.12s "$commit") ;;
esac

package=github.com/extauth/extauth/internal/cli
printf '%s' "-X runtime.godebugDefault= -X $package.Version=$version"
[ -z "$commit" ] || printf ' %s' "-X $package.Commit=$commit" "-X $package.Date=$date"
printf '\n'
