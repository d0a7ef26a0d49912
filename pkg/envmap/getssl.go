package envmap

import (
	"path"
	"strings"
)

// getssl is what getssl evaluates: DNS_ADD_COMMAND and DNS_DEL_COMMAND with two
// words after them, DOMAIN and VALUE, and RELOAD_CMD with none. Only the command
// says which of them it is: Decode expects the word add, del or reload before
// getssl's own.
func getssl() *Convention {
	return &Convention{
		Name:   "getssl",
		Doc:    "getssl's DNS_ADD_COMMAND, DNS_DEL_COMMAND and RELOAD_CMD: the domain and the value as arguments",
		Ref:    "getssl 2.10 to 2.51: getssl (add_dns_rr, del_dns_rr, fulfill_challenges, reload_service)",
		Traces: "getssl-HEAD-0500a12",
		Owns:   getsslOwns,
		From: From{
			Decode:   decodeGetssl,
			Synopsis: "add|del DOMAIN VALUE | reload",
			Strict:   true,
		},
		To: To{
			Encode:   encodeGetssl,
			Operands: map[Cmd]string{PerformChallenge: "add", Cleanup: "del", DeployCert: "reload"},
		},
	}
}

var getsslOwns = []string{
	"AUTH_DNS_SERVER", "DNS_CHECK_OPTIONS", "PUBLIC_DNS_SERVER", // the defaults, at the top
	domainDir, // main part
	"EX_SANS", // write_domain_template
}

// domainDir is the directory of a certificate, which getssl exports:
// "$DOMAIN_STORAGE/$DOMAIN". DOMAIN itself is not exported.
const domainDir = "DOMAIN_DIR"

func decodeGetssl(call Call) ([]Event, error) {
	if len(call.Args) == 0 {
		return nil, &CallError{Reason: "need one of add, del or reload"}
	}
	e, err := getsslEvent(call)
	if err != nil {
		return nil, err
	}
	e.Client, e.ClientEnv = "getssl", ownOf(getsslOwns, call.Env)
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, getsslNames(e))
	}
	return []Event{e}, nil
}

func getsslEvent(call Call) (Event, error) {
	word, operands := call.Args[0], call.Args[1:]
	switch word {
	case "add":
		return getsslChallenge(PerformChallenge, word, operands)
	case "del":
		return getsslChallenge(Cleanup, word, operands)
	case "reload":
		return getsslReload(operands, call.Env)
	}
	return Event{}, &CallError{Reason: "unknown operand " + quoted(word) + " (want add, del or reload)"}
}

// getsslChallenge reads the two words of add_dns_rr and del_dns_rr. Before 2.29
// the domain came as the configuration spells it, a wildcard as such.
func getsslChallenge(cmd Cmd, word string, operands []string) (Event, error) {
	if len(operands) != 2 {
		return Event{}, &CallError{word, "got " + count(len(operands), "argument") + ", need DOMAIN VALUE"}
	}
	for i, name := range []string{"DOMAIN", "VALUE"} {
		if operands[i] == "" {
			return Event{}, &ValueError{Name: name, Reason: "is empty"}
		}
	}
	return Event{Cmd: cmd, Type: DNS01, Domain: strings.TrimPrefix(operands[0], "*."), Validation: operands[1]}, nil
}

// getsslReload reads where the certificate is. Its domain is the directory's
// name: getssl has one word for both.
func getsslReload(operands []string, env map[string]string) (Event, error) {
	if len(operands) > 0 {
		return Event{}, &CallError{"reload", "got " + count(len(operands), "argument") + ", need none"}
	}
	dir := strings.TrimSuffix(env[domainDir], "/")
	if dir == "" {
		return Event{}, missing(env, domainDir)
	}
	e := Event{Cmd: DeployCert, Domain: path.Base(dir)}
	for file, place := range getsslFiles(&e, path.Base(dir)) {
		*place = dir + "/" + file
	}
	return e, nil
}

// getsslFiles maps the files of a certificate's directory (getssl: main part,
// CERT_FILE, CA_CERT and FULL_CHAIN; cert_install).
func getsslFiles(e *Event, domain string) map[string]*string {
	return map[string]*string{
		domain + ".crt": &e.CertPath, domain + ".key": &e.KeyPath, "chain.crt": &e.ChainPath, "fullchain.crt": &e.FullchainPath,
	}
}

// getsslNames returns the operand or variable that each value came in.
func getsslNames(e Event) map[string]string {
	if e.IsChallenge() {
		return map[string]string{"domain": "DOMAIN", "validation": "VALUE"}
	}
	names := map[string]string{}
	for _, name := range []string{"domain", "cert_path", "key_path", "chain_path", "fullchain_path"} {
		names[name] = domainDir
	}
	return names
}

func encodeGetssl(e Event) (Call, error) {
	switch {
	case e.Cmd == DeployCert:
		return encodeGetsslReload(e)
	case !e.IsChallenge():
		return Call{}, &UnsupportedError{Convention: "getssl", Cmd: e.Cmd}
	case e.Type != DNS01:
		return Call{}, &UnsupportedError{"getssl", e.Cmd, e.Type}
	case e.recordOwner() == "":
		return Call{}, &MissingError{"getssl", "domain"}
	case e.Validation == "":
		return Call{}, &MissingError{"getssl", "validation"}
	}
	return Call{Args: []string{e.recordOwner(), e.Validation}, Env: getsslEnv(e)}, nil
}

// encodeGetsslReload needs the files under getssl's names in one directory.
func encodeGetsslReload(e Event) (Call, error) {
	dir := path.Dir(e.CertPath)
	for file, place := range getsslFiles(&e, path.Base(dir)) {
		if e.CertPath == "" || *place != dir+"/"+file {
			return Call{}, &MissingError{"getssl", "directory NAME with NAME.crt, NAME.key, chain.crt and fullchain.crt"}
		}
	}
	env := getsslEnv(e)
	env[domainDir] = dir
	return Call{Env: env}, nil
}

// getsslEnv returns what getssl exports, if the event came from getssl.
func getsslEnv(e Event) map[string]string {
	if e.Client == "getssl" {
		return clone(e.ClientEnv)
	}
	return map[string]string{}
}
