package envmap

import "strings"

// acmesh is acme.sh's dnsapi, in both directions. A handler is the name of one
// of its plugins, such as dns_cf, whose functions dns_cf_add and dns_cf_rm are
// called in a shell that has read an installed acme.sh. As a client, acme.sh
// calls extauth-acmesh by the functions of hooks/acmesh.
func acmesh() *Convention {
	return &Convention{
		Name:   "acmesh",
		Doc:    "acme.sh's dnsapi plugins (dns_cf and the others), and acme.sh itself",
		Ref:    "acme.sh d60c75b4 (3.1.4-dev): acme.sh (issue, _clearupdns, _findHook, _initpath, _deploy, main)",
		Traces: "acme.sh-HEAD-d60c75b4",
		Owns:   acmeshOwns,
		From: From{
			Decode:   decodeAcmesh,
			Forgets:  true, // the key authorization
			Synopsis: "add|rm FULLDOMAIN VALUE [KEYAUTH] | deploy DOMAIN KEY CERT CA FULLCHAIN [PFX]",
			Strict:   true,
		},
		To: To{
			Encode: encodeAcmesh,
			Script: acmeshScript,
		},
	}
}

var acmeshOwns = []string{
	"_SCRIPT_HOME", // __initHome
	"DOMAIN_PATH",  // _initpath
	"Le_*",         // issue, installcert
}

// acmeshScript is called with PLUGIN add|rm FULLDOMAIN VALUE. It reads acme.sh with
// ":" as its command, as acme.sh runs words without a dash as a command (main);
// then _initpath, the plugin and its function. What the plugin saves goes to a
// configuration of our own, never to that of the acme.sh that is installed.
// acme.sh breaks under set -e and set -u, and some plugins ask on standard
// input. Plugins expect that no other plugin runs, as acme.sh calls one after the other.
const acmeshScript = `set +eu
umask 077
exec </dev/null >&2
extauth_fail() { printf 'acmesh: %s\n' "$1" >&2; exit 78; }
[ $# -eq 4 ] || extauth_fail 'takes the name of a plugin, such as dns_cf, and no further arguments'
extauth_plugin=$1 extauth_op=$2 extauth_name=$3 extauth_value=$4
case $extauth_plugin in
dns_*[!abcdefghijklmnopqrstuvwxyz0123456789_]*) extauth_fail 'the name of the plugin has other characters than a-z, 0-9 and _' ;;
dns_?*) ;;
*) extauth_fail 'the name of a plugin begins with dns_' ;;
esac

extauth_work=${LE_WORKING_DIR:-${HOME-}/.acme.sh}
extauth_main=
[ -z "${ACME_SH-}" ] || [ -r "$ACME_SH" ] || extauth_fail "\$ACME_SH: $ACME_SH cannot be read"
for extauth_try in "${ACME_SH-}" "$extauth_work/acme.sh" /usr/share/acme.sh/acme.sh /opt/acme.sh/acme.sh "$(command -v acme.sh)"; do
	if [ -f "$extauth_try" ] && [ -r "$extauth_try" ]; then
		extauth_main=$(readlink -f -- "$extauth_try")
		break
	fi
done
[ -n "$extauth_main" ] || extauth_fail "there is no acme.sh; say where it is by \$ACME_SH"
extauth_home=$(dirname -- "$extauth_main")

extauth_domain=${extauth_name#_acme-challenge.}
extauth_file=
for extauth_dir in "$extauth_home/dnsapi" "$extauth_work/$extauth_domain" "$extauth_work" "$extauth_work/dnsapi"; do
	for extauth_try in "$extauth_dir/$extauth_plugin" "$extauth_dir/$extauth_plugin.sh"; do
		[ -z "$extauth_file" ] && [ -f "$extauth_try" ] && extauth_file=$extauth_try
	done
done
[ -n "$extauth_file" ] || extauth_fail "no plugin $extauth_plugin in $extauth_home/dnsapi, $extauth_work or $extauth_work/dnsapi"

extauth_conf=${EXTAUTH_ACMESH_HOME-}
if [ -z "$extauth_conf" ] && [ -n "${EXTAUTH_STATE_DIR-}" ]; then
	extauth_conf=$EXTAUTH_STATE_DIR/acmesh
elif [ -z "$extauth_conf" ] && [ "$(id -u)" = 0 ]; then
	extauth_conf=/var/lib/extauth/acmesh
elif [ -z "$extauth_conf" ]; then
	extauth_conf=${XDG_STATE_HOME:-${HOME-}/.local/state}/extauth/acmesh
fi
case $extauth_conf in
/*) ;;
*) extauth_conf=$PWD/$extauth_conf ;;
esac
if ! mkdir -p -- "$extauth_conf" || ! [ -O "$extauth_conf" ] || ! chmod 700 -- "$extauth_conf"; then
	extauth_fail "$extauth_conf is not ours to keep what plugins save; name another directory by \$EXTAUTH_ACMESH_HOME"
fi
if command -v flock >/dev/null; then
	exec 9>"$extauth_conf/.lock"
	flock 9
fi

unset ACCOUNT_CONF_PATH ACCOUNT_KEY_PATH ACCOUNT_JSON_PATH CA_HOME CA_CONF CERT_HOME HTTP_HEADER LE_TEMP_DIR LOG_FILE \
	DOMAIN_PATH DOMAIN_BACKUP_PATH DOMAIN_CONF DOMAIN_SSL_CONF
export LE_WORKING_DIR="$extauth_work" LE_CONFIG_HOME="$extauth_conf" _SCRIPT_HOME="$extauth_home"
set -- :
. "$extauth_main"
command -v _initpath >/dev/null || extauth_fail "$extauth_main is not acme.sh"
_initpath "$extauth_domain"
[ -z "${DOMAIN_PATH-}" ] || mkdir -p -- "$DOMAIN_PATH"
. "$extauth_file"
command -v "${extauth_plugin}_$extauth_op" >/dev/null || extauth_fail "$extauth_file has no function ${extauth_plugin}_$extauth_op"
"${extauth_plugin}_$extauth_op" "$extauth_name" "$extauth_value" 9>&-
`

func encodeAcmesh(e Event) (Call, error) {
	call, err := encodeRecord("acmesh", "add", "rm", e)
	if err == nil && e.Client == "acmesh" {
		call.Env = clone(e.ClientEnv)
	}
	return call, err
}

// encodeRecord makes the call of a handler that knows only TXT records: the
// operation, further words, the record's name without final dot, its value.
func encodeRecord(convention, perform, cleanup string, e Event, further ...string) (Call, error) {
	if !e.IsChallenge() {
		return Call{}, &UnsupportedError{Convention: convention, Cmd: e.Cmd}
	}
	if e.Type != DNS01 && e.Type != DNSAccount01 {
		return Call{}, &UnsupportedError{convention, e.Cmd, e.Type}
	}
	if e.TXTDomain == "" {
		return Call{}, &MissingError{convention, "txt_domain"}
	}
	if e.Validation == "" {
		return Call{}, &MissingError{convention, "validation"}
	}
	operation := perform
	if e.Cmd == Cleanup {
		operation = cleanup
	}
	args := append([]string{operation}, further...)
	return Call{Args: append(args, e.TXTDomain, e.Validation), Env: map[string]string{}}, nil
}

// encodeNamedRecord is encodeRecord for a handler that also gets the identifier.
func encodeNamedRecord(convention, perform, cleanup string, e Event) (Call, error) {
	call, err := encodeRecord(convention, perform, cleanup, e, e.Domain)
	if err == nil && e.Domain == "" {
		return Call{}, &MissingError{convention, "domain"}
	}
	return call, err
}

func decodeAcmesh(call Call) ([]Event, error) {
	if len(call.Args) == 0 {
		return nil, &CallError{Reason: "need add, rm or deploy, which the functions in hooks/acmesh give"}
	}
	decode := map[string]func(Call) (Event, error){
		"add": decodeAcmeshRecord, "rm": decodeAcmeshRecord, "deploy": decodeAcmeshDeploy,
	}[call.Args[0]]
	if decode == nil {
		return nil, &OperationError{call.Args[0]}
	}
	e, err := decode(call)
	if err != nil {
		return nil, err
	}
	e.Client, e.ClientEnv = "acmesh", ownOf(acmeshOwns, call.Env)
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, acmeshNames(e.Cmd))
	}
	return []Event{e}, nil
}

// acmeshNames returns the operand that each value came in.
func acmeshNames(cmd Cmd) map[string]string {
	if cmd == DeployCert {
		return map[string]string{"domain": "DOMAIN", "key_path": "KEY", "cert_path": "CERT", "chain_path": "CA", "fullchain_path": "FULLCHAIN"}
	}
	return map[string]string{"domain": "FULLDOMAIN", "txt_domain": "FULLDOMAIN", "validation": "VALUE", "key_auth": "KEYAUTH", "token": "KEYAUTH"}
}

// decodeAcmeshRecord reads the operands of NAME_add and NAME_rm (issue,
// _clearupdns), and the key authorization, which only dns_extauth_add knows.
// FULLDOMAIN is _acme-challenge.NAME; under --challenge-alias NAME is the alias,
// under --domain-alias it is the alias itself, and the identifier is unknown.
func decodeAcmeshRecord(call Call) (Event, error) {
	operands := call.Args[1:]
	if len(operands) < 2 || len(operands) > 3 {
		return Event{}, &CallError{call.Args[0], "got " + count(len(operands), "argument") + ", need FULLDOMAIN VALUE [KEYAUTH]"}
	}
	e := Event{Cmd: PerformChallenge, Type: DNS01, TXTDomain: identifier(operands[0]), Validation: operands[1]}
	if call.Args[0] == "rm" {
		e.Cmd = Cleanup
	}
	if len(operands) == 3 {
		e.KeyAuth = operands[2]
	}
	switch {
	case e.TXTDomain == "":
		return e, &ValueError{Name: "FULLDOMAIN", Reason: "is empty"}
	case e.Validation == "":
		return e, &ValueError{Name: "VALUE", Reason: "is empty"}
	}
	if name, ok := strings.CutPrefix(e.TXTDomain, "_acme-challenge."); ok {
		e.Domain = name
	}
	return e, nil
}

// decodeAcmeshDeploy reads the operands of NAME_deploy (_deploy). PFX is a path
// even if there is no such file.
func decodeAcmeshDeploy(call Call) (Event, error) {
	e := Event{Cmd: DeployCert}
	places := []*string{&e.Domain, &e.KeyPath, &e.CertPath, &e.ChainPath, &e.FullchainPath}
	operands := call.Args[1:]
	if len(operands) < len(places) || len(operands) > len(places)+1 {
		return e, &CallError{"deploy", "got " + count(len(operands), "argument") + ", need DOMAIN KEY CERT CA FULLCHAIN [PFX]"}
	}
	for i, place := range places {
		if *place = operands[i]; *place == "" {
			return e, &ValueError{Name: "deploy: " + []string{"DOMAIN", "KEY", "CERT", "CA", "FULLCHAIN"}[i], Reason: "is empty"}
		}
	}
	return e, nil
}
