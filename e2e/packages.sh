#!/bin/sh
# Installs what the tests with real clients need, where that is possible: as
# root on Debian or Ubuntu. Elsewhere it says what is missing; the tests that
# need it then say so too.
set -eu

# program:package
needed='acmetool:acmetool ansible-playbook:ansible-core apache2:apache2-bin certbot:certbot dehydrated:dehydrated pebble:pebble named:bind9 nsupdate:bind9-dnsutils dig:bind9-dnsutils
	tsig-keygen:bind9-utils nginx:nginx-light shellcheck:shellcheck openssl:openssl curl:curl unshare:util-linux
	ip:iproute2 lego:lego mount:mount gcc:gcc uacme:uacme jq:jq mawk:mawk valgrind:valgrind /usr/bin/python3:python3
	/usr/share/dehydrated-hook-ddns-tsig/dehydrated-hook-ddns-tsig.py:dehydrated-hook-ddns-tsig
	/usr/share/doc/dehydrated/examples/hook.sh:dehydrated /usr/lib/python3/dist-packages/dns/__init__.py:python3-dnspython
	/usr/include/stdlib.h:libc6-dev'

missing=
for pair in $needed; do
	program=${pair%%:*} package=${pair##*:}
	case $program in
	/*) [ -e "$program" ] && continue ;;
	*) PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null && continue ;;
	esac
	case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	# Images often leave documentation out; an example hook of dehydrated's is in it.
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends --reinstall \
		-o DPkg::Options::=--path-include='/usr/share/doc/dehydrated/*' $missing >/dev/null
else
	echo "e2e: some tests need these Debian packages:$missing" >&2
fi
