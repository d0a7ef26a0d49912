#!/bin/sh
# Fuzzes every target of this directory's packages for the given time each.
set -eu

cd "$(dirname "$0")/.."
# shellcheck disable=SC2013 # file names and targets have no blanks
for file in $(grep -l '^func Fuzz' pkg/*/*_test.go internal/*/*_test.go 2>/dev/null); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(f \*testing\.F).*/\1/p' "$file"); do
		echo "== $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 10x "./$(dirname "$file")"
	done
done
