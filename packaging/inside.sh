#!/bin/sh
# inside.sh OLD NEW: what packaging/test.sh runs in a system of its own. It
# installs the package OLD, leaves a challenge behind, upgrades to NEW, issues
# certificates as the documents in the package say, and removes and purges it.
set -eu
cd "$(dirname "$0")"
old=$1 new=$2
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
examples=/usr/share/doc/extauth/examples

step() { printf -- '- %s\n' "$1"; }

fail() {
	printf 'package-test: %s\n' "$1" >&2
	exit 1
}

# said WORDS COMMAND [ARG]...: the command ends well, and says WORDS.
said() {
	words=$1
	shift
	"$@" >said 2>&1 || { cat said >&2 && fail "$* failed"; }
	grep -q -F -e "$words" said || { cat said >&2 && fail "$* did not say $words"; }
}

# recipe WORDS [FILE]: the indented paragraph that has these words, of the page on
# handlers, or of another document.
recipe() {
	zcat -f "/usr/share/doc/extauth/${2:-examples/README.md}"* | awk -v words="$1" '
		/^    / { block = block substr($0, 5) "\n"; next }
		index(block, words) { printf "%s", block; found = 1; exit }
		{ block = "" }
		END { if (!found) exit 1 }' || fail "no recipe has $1"
}

# await COMMAND [ARG]...: at most half a minute.
await() {
	for _ in $(seq 150); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.2
	done
	fail "$* never worked"
}

# A name server for example.org, a web server and a CA that asks them.
start_laboratory() {
	mkdir -p /etc/extauth /var/www/html /run/named
	printf 'nameserver 127.0.0.1\n' >/etc/resolv.conf
	printf '127.0.0.1 localhost\n' >/etc/hosts
	tsig-keygen example.org >/etc/extauth/example.org.key
	chmod 600 /etc/extauth/example.org.key
	cat >/etc/bind/named.conf <<-END
		options { directory "/var/cache/bind"; listen-on { 127.0.0.1; }; recursion no; dnssec-validation no; };
		controls { };
		include "/etc/extauth/example.org.key";
		zone "example.org" {
			type primary; file "example.org.zone";
			update-policy { grant example.org zonesub TXT; };
		};
	END
	cat >/var/cache/bind/example.org.zone <<-END
		\$TTL 1
		@   SOA ns1 hostmaster 1 60 60 3600 1
		    NS  ns1
		    A   127.0.0.1
		ns1 A   127.0.0.1
		*   A   127.0.0.1
	END
	named -4 -g >named.log 2>&1 &
	python3 -m http.server 80 --bind 127.0.0.1 --directory /var/www/html >www.log 2>&1 &
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=localhost' \
		-addext 'subjectAltName=DNS:localhost' -keyout ca.key -out ca.crt 2>/dev/null
	cp ca.crt /usr/local/share/ca-certificates/ca.crt
	update-ca-certificates >/dev/null 2>&1
	cat >pebble.json <<-END
		{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
		 "certificate": "ca.crt", "privateKey": "ca.key", "httpPort": 80, "tlsPort": 443}}
	END
	PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0 \
		pebble -config pebble.json -dnsserver 127.0.0.1:53 >pebble.log 2>&1 &
	await dig +short +timeout=1 @127.0.0.1 ns1.example.org
	await curl -sf https://localhost:14000/dir
	await curl -sf http://127.0.0.1/
}

configure_clients() {
	cat >>/etc/letsencrypt/cli.ini <<-END
		server = https://localhost:14000/dir
		non-interactive = true
		agree-tos = true
		register-unsafely-without-email = true
	END
	echo 'CA=https://localhost:14000/dir' >/etc/dehydrated/conf.d/10_ca.sh
	cp "$examples/chain" /etc/extauth/chain
	recipe '# /etc/extauth/webroot.env' >/etc/extauth/webroot.env
	recipe '# /etc/extauth/nsupdate.env' >/etc/extauth/nsupdate.env
	chmod 600 /etc/extauth/*.env
}

# issued CERTIFICATE NAME: it is there and has the name, and nothing is left.
issued() {
	openssl x509 -in "$1" -noout -checkhost "$2" | grep -q 'does match' || fail "$1 is not for $2"
	nothing_left
}

nothing_left() {
	[ -z "$(extauth-pending list)" ] || fail 'something is pending'
	[ -z "$(dig +short @127.0.0.1 TXT _acme-challenge.example.org)" ] || fail 'a TXT record is left'
	[ -z "$(find /var/www/html -type f)" ] || fail 'a file is left below the web root'
}

# A client that was killed leaves this behind.
leave_behind() {
	CHALLENGETYPE=http-01 extauth-dehydrated deploy_challenge example.org "$1" "$1.$(printf %043d 0)"
	[ -f "/var/www/html/.well-known/acme-challenge/$1" ] || fail 'the challenge was not performed'
}

step 'upgrade with a challenge that is pending'
said 'Setting up' dpkg -i "$old"
start_laboratory
configure_clients
leave_behind left-by-the-old-one
said 'Unpacking extauth' dpkg -i "$new"
said example.org extauth-pending list
said 'cleaned' extauth-pending clean
nothing_left

step 'what is installed'
dpkg -V extauth
said "(commit " extauth-hook --version
said "$(cat VERSION) (" extauth-hook --version
[ ! -e /etc/systemd/system/timers.target.wants/extauth-pending.timer ] ||
	[ -e "$(readlink -f /etc/systemd/system/timers.target.wants/extauth-pending.timer)" ] || fail 'the timer is not a unit'
for page in man/*.[1578]; do
	if [ -f "$page" ]; then
		name=${page##*/}
		said NAME man "${name##*.}" "${name%.*}"
	fi
done
[ ! -d man ] || said NAME man extauth

step 'certbot, one handler on the command line: dns-01, http-01'
recipe 'nsupdate.env --to handler auth' >pasted
said 'Successfully received' sh pasted
issued /etc/letsencrypt/live/example.org/cert.pem www.example.org
said 'Deleted' certbot delete --cert-name example.org
recipe 'webroot.env --to handler auth' >pasted
said 'Successfully received' sh pasted
issued /etc/letsencrypt/live/example.org/cert.pem example.org

step 'certbot, by paths and /etc/extauth/chain'
said 'Successfully received' certbot certonly --manual --preferred-challenges dns -d www.example.org \
	--manual-auth-hook /usr/libexec/extauth/certbot-auth --manual-cleanup-hook /usr/libexec/extauth/certbot-cleanup
issued /etc/letsencrypt/live/www.example.org/cert.pem www.example.org

step 'dehydrated, by its conf.d'
sed -i 's/^#\([A-Z]\)/\1/' /etc/dehydrated/conf.d/50_extauth.sh
said 'Done' dehydrated --register --accept-terms
said 'Done' dehydrated --cron --domain 'example.org *.example.org'
issued /var/lib/dehydrated/certs/example.org/cert.pem www.example.org

step 'dehydrated, by a chain file that is its hook'
recipe '#!/usr/bin/extauth-dehydrated -c' >/etc/dehydrated/hook.chain
chmod 755 /etc/dehydrated/hook.chain
recipe 'HOOK=/etc/dehydrated/hook.chain' >/etc/dehydrated/conf.d/60_recipe.sh
said 'Done' dehydrated --cron --domain www.example.org
issued /var/lib/dehydrated/certs/www.example.org/cert.pem www.example.org

# Hooks as people have them: of dehydrated, and of certbot.
old_hooks() {
	cat >/etc/dehydrated/hook.sh <<-'END'
		#!/bin/sh
		case $1 in
		deploy_challenge) update=add ;;
		clean_challenge) update=delete ;;
		*) exit 0 ;;
		esac
		printf 'server 127.0.0.1\nupdate %s _acme-challenge.%s 60 TXT "%s"\nsend\n' "$update" "$2" "$4" |
			nsupdate -k /etc/extauth/example.org.key
	END
	cat >/etc/letsencrypt/auth.sh <<-'END'
		#!/bin/sh
		exec /etc/dehydrated/hook.sh deploy_challenge "$CERTBOT_DOMAIN" - "$CERTBOT_VALIDATION"
	END
	cat >/etc/letsencrypt/cleanup.sh <<-'END'
		#!/bin/sh
		exec /etc/dehydrated/hook.sh clean_challenge "$CERTBOT_DOMAIN" - "$CERTBOT_VALIDATION"
	END
	cat >/etc/letsencrypt/deploy.sh <<-'END'
		#!/bin/sh
		echo "$* $RENEWED_DOMAINS" >>/etc/letsencrypt/deployed
	END
	chmod 755 /etc/dehydrated/hook.sh /etc/letsencrypt/*.sh
}

step 'the recipes of the README: certbot with a hook for dehydrated, and the other way round'
old_hooks
said 'Deleted' certbot delete --cert-name example.org
recipe "--manual-auth-hook    'extauth-hook --to dehydrated auth" README.md >pasted
said 'Successfully received' sh pasted
issued /etc/letsencrypt/live/example.org/cert.pem www.example.org
recipe '#!/usr/bin/extauth-dehydrated -c' README.md >/etc/dehydrated/hook.chain
said 'Done' dehydrated --cron --domain mail.example.org
issued /var/lib/dehydrated/certs/mail.example.org/cert.pem mail.example.org
grep -q -x -e '-q mail.example.org' /etc/letsencrypt/deployed || fail 'the deploy hook was not run'

step 'removal says what is pending, purge runs no handler'
leave_behind left-at-removal
said example.org dpkg -r extauth
[ -n "$(ls /var/lib/extauth)" ] || fail 'removal took the journal away'
[ -e /etc/dehydrated/conf.d/50_extauth.sh ] || fail 'removal took configuration away'
dpkg -P extauth >/dev/null 2>&1
[ ! -e /var/lib/extauth ] || fail 'purge left the journal'
[ -f /var/www/html/.well-known/acme-challenge/left-at-removal ] || fail 'purge ran a handler'
left=$(find / -xdev \( -path /proc -o -path "$PWD" -o -path /etc/extauth -o -path /var/cache/man \) -prune -o -name '*extauth*' -print)
[ -z "$left" ] || fail "purge left $left"
