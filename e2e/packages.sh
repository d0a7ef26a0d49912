#!/bin/sh
# Installs what the tests with real clients need, where that is possible: as
# root on Debian or Ubuntu. Elsewhere it says what is missing; the tests that
# need it then say so too.
set -eu

# program:package
needed='
/usr/bin/python3:python3
/usr/include/stdlib.h:libc6-dev
/usr/lib/python3/dist-packages/dns/__init__.py:python3-dnspython
/usr/sbin/pdns_server:pdns-server
/usr/share/bash-completion/bash_completion:bash-completion
/usr/share/dehydrated-hook-ddns-tsig/dehydrated-hook-ddns-tsig.py:dehydrated-hook-ddns-tsig
/usr/share/doc/dehydrated/examples/hook.sh:dehydrated
/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql:pdns-backend-sqlite3
acmetool:acmetool
ansible-playbook:ansible-core
apache2:apache2-bin
bash:bash
certbot:certbot
curl:curl
dehydrated:dehydrated
dh:debhelper
dig:bind9-dnsutils
dpkg-buildpackage:dpkg-dev
fish:fish
gcc:gcc
haproxy:haproxy
ip:iproute2
jq:jq
lego:lego
lexicon:lexicon
lintian:lintian
mandoc:mandoc
mawk:mawk
mount:mount
msmtp:msmtp
named:bind9
nginx:nginx-light
nsupdate:bind9-dnsutils
openssl:openssl
pebble:pebble
shellcheck:shellcheck
socat:socat
sqlite3:sqlite3
ssh:openssh-client
sshd:openssh-server
systemd-analyze:systemd
tsig-keygen:bind9-utils
uacme:uacme
unshare:util-linux
valgrind:valgrind
zsh:zsh
'

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

# quietly keeps Debian from starting the servers that are installed: no test
# needs the machine's own.
quietly() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	"$@"
}

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	# Images often leave documentation out; an example hook of dehydrated's is in it.
	# shellcheck disable=SC2086 # a list of words
	quietly env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends --reinstall \
		-o DPkg::Options::=--path-include='/usr/share/doc/dehydrated/*' $missing >/dev/null
else
	echo "e2e: some tests need these Debian packages:$missing" >&2
fi
