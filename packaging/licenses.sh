#!/bin/sh
# Prints the licences of the modules and of the Go library that are linked into
# the programs.
set -eu
cd "$(dirname "$0")/.."

print() {
	printf '== %s\n\n' "$1"
	cat "$2"
	printf '\n'
}

print 'Go' "$(go env GOROOT)/LICENSE"
go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{end}}{{end}}' ./cmd/... | sort -u |
	while read -r module version; do
		directory=vendor/$module
		[ -d "$directory" ] || directory=$(go list -m -f '{{.Dir}}' "$module")
		for license in "$directory"/LICEN[CS]E; do
			if [ -f "$license" ]; then print "$module $version" "$license"; fi
		done
	done
