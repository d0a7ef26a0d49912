#!/bin/sh
# Shows the main job on calls that real clients made (testdata/traces), with
# nothing but the programs: make demo
set -eu

cd "$(dirname "$0")/.."
traces=testdata/traces
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
PATH="$PWD/build:$PATH"
export EXTAUTH_STATE_DIR="$world/state"

# recorded FILE LINE: choose a recorded call.
recorded() { call=$(sed -n "$2p" "$traces/$1"); }
# variable NAME: its value in that call.
variable() { printf '%s\n' "$call" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# arguments: the words of that call.
arguments() { printf '%s\n' "$call" | sed 's/.*"argv":\["[^"]*",\([^]]*\)\].*/\1/; s/"//g; s/,/ /g'; }

# shown COMMAND...: run it, and show what its handlers said.
shown() {
	"$@" >"$world/said" 2>&1 || { cat "$world/said"; exit 1; }
	sed 's/^extauth-[a-z]*: .*\.sh:  */    /' "$world/said"
}

# certbot COMMAND...: run a hook as certbot ran it.
certbot() (
	for name in CERTBOT_DOMAIN CERTBOT_VALIDATION CERTBOT_TOKEN CERTBOT_REMAINING_CHALLENGES CERTBOT_ALL_DOMAINS; do
		value=$(variable "$name")
		if [ -n "$value" ]; then export "$name=$value"; fi
	done
	"$@"
)

echo "1. certbot calls a hook that was written for dehydrated."
recorded certbot-2.1.0/dns-01-issue.jsonl 2
echo "   certbot says: CERTBOT_DOMAIN=$(variable CERTBOT_DOMAIN) CERTBOT_VALIDATION=$(variable CERTBOT_VALIDATION)"
certbot extauth-hook --to dehydrated auth -- demo/dehydrated-hook.sh
echo "    it is supervised, and the journal has what is to be cleaned up:"
extauth-pending list | sed 's/^/    /'
certbot extauth-hook --to dehydrated cleanup -- demo/dehydrated-hook.sh

echo
echo "2. dehydrated calls hooks that were written for certbot."
recorded dehydrated-0.7.0/dns-01-chain-no.jsonl 5
cat >"$world/hook.chain" <<CHAIN
#!$PWD/build/extauth-dehydrated -c
certbot auth=$PWD/demo/certbot-auth.sh cleanup=$PWD/demo/certbot-cleanup.sh
CHAIN
chmod +x "$world/hook.chain"
for operation in deploy_challenge clean_challenge; do
	# shellcheck disable=SC2046 # dehydrated's words have no spaces
	set -- $(arguments)
	shift
	echo "   dehydrated says: $operation $*"
	shown env CHALLENGETYPE=dns-01 "$world/hook.chain" "$operation" "$@"
done

echo
echo "3. The same call as JSON lines, from one program to the next."
CHALLENGETYPE=dns-01 extauth-dehydrated --to json deploy_challenge "$@" >"$world/lines"
cat "$world/lines"
shown extauth-json --to certbot run -- demo/certbot-auth.sh <"$world/lines"

echo
echo "4. A shipped handler: hooks/examples/webroot, called by certbot."
recorded certbot-2.1.0/http-01-issue.jsonl 1
mkdir "$world/www"
WEBROOT="$world/www" certbot extauth-hook --to handler auth -- hooks/examples/webroot
(cd "$world/www" && find . -type f | sed 's/^/    it wrote: /')
WEBROOT="$world/www" certbot extauth-hook --to handler cleanup -- hooks/examples/webroot
echo "    after the clean-up there are $(find "$world/www" -type f | wc -l) files"

echo
echo "5. What would be run, without running it."
certbot extauth-hook --dry-run --to dehydrated auth -- demo/dehydrated-hook.sh | sed 's/^/    /'

echo
echo "6. JSON mode: a client's hooks write lines and wait for answers; the other end has a handler."
cat >"$world/client" <<'CLIENT'
#!/bin/sh
extauth-hook auth && extauth-hook cleanup
CLIENT
chmod +x "$world/client"
mkfifo "$world/answers"
# shellcheck disable=SC2094 # it is a pipe
certbot extauth-json exec -- "$world/client" <"$world/answers" | tee "$world/lines" |
	WEBROOT="$world/www" extauth-json --ack --to handler run -- hooks/examples/webroot >"$world/answers"
cut -c 1-150 "$world/lines" | sed 's/^/    /'
