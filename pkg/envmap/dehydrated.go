package envmap

import (
	"errors"
	"strings"
)

// dehydrated is the HOOK of dehydrated (and letsencrypt.sh before it): the
// operation and its operands as arguments, the challenge type in a variable.
// With HOOK_CHAIN=yes one call has a DOMAIN TOKEN VALUE triplet for each
// challenge of an order.
func dehydrated() *Convention {
	return &Convention{
		Name:   "dehydrated",
		Doc:    "dehydrated's HOOK: the operation and its operands as arguments",
		Ref:    "dehydrated 0.1 to 0.7.3: dehydrated (sign_csr, sign_domain, command_sign_domains, http_request, _exiterr), docs/examples/hook.sh",
		Traces: "dehydrated-0.7.0",
		Owns:   dehydratedOwns,
		From: From{
			Decode:   decodeDehydrated,
			Abandons: true,
		},
		To: To{
			Encode: encodeDehydrated,
			Batch:  batchDehydrated,
		},
	}
}

var dehydratedOwns = []string{
	"WELLKNOWN", "BASEDIR", "CERTDIR", "ALPNCERTDIR", "CONFIG", "COMMAND", // init_system, load_config
	"CHALLENGETYPE", "KEY_ALGO", "PRIVATE_KEY_ROLLOVER", "alias", "altnames", // command_sign_domains
}

// operation is a row of dehydrated's operations: its operands are named by
// the members of the event. Operands after the first `least` came with later
// versions. named is true if altnames is the certificate's; otherwise it may be
// left from the certificate before.
type operation struct {
	name     string
	cmd      Cmd
	operands []string
	least    int
	named    bool
}

// operations lists the calls that dehydrated makes.
var operations = [...]operation{
	{"deploy_challenge", PerformChallenge, []string{"domain", "token", "validation"}, 3, true},
	{"clean_challenge", Cleanup, []string{"domain", "token", "validation"}, 3, true},
	{"startup_hook", Startup, nil, 0, false},
	{"exit_hook", Exit, []string{"error"}, 0, false},
	{"generate_csr", GenerateCSR, []string{"domain", "cert_dir", "domains"}, 3, false},
	{"sync_cert", SyncCert, []string{"key_path", "cert_path", "fullchain_path", "chain_path", "csr_path"}, 5, true},
	{"deploy_cert", DeployCert, []string{"domain", "key_path", "cert_path", "fullchain_path", "chain_path", "timestamp"}, 5, true},
	{"unchanged_cert", UnchangedCert, []string{"domain", "key_path", "cert_path", "fullchain_path", "chain_path"}, 5, false},
	{"deploy_ocsp", DeployOCSP, []string{"domain", "ocsp_path", "timestamp"}, 3, true},
	{"invalid_challenge", InvalidChallenge, []string{"domain", "error"}, 2, true},
	{"request_failure", RequestFailure, []string{"status", "body", "method", "headers"}, 3, false},
}

func decodeDehydrated(call Call) ([]Event, error) {
	if len(call.Args) == 0 {
		return nil, &CallError{Reason: "need an operation; dehydrated gives it as the first argument"}
	}
	for i := range operations {
		op := &operations[i]
		if op.name != call.Args[0] {
			continue
		}
		events, err := op.decode(call)
		for i := range events {
			events[i].ClientEnv = ownOf(dehydratedOwns, call.Env)
		}
		return events, err
	}
	return nil, &OperationError{call.Args[0]}
}

func (op *operation) decode(call Call) ([]Event, error) {
	operands := call.Args[1:]
	if op.cmd == PerformChallenge || op.cmd == Cleanup {
		return op.decodeChallenges(call, operands)
	}
	if len(operands) < op.least {
		return nil, &CallError{op.name, "got " + count(len(operands), "argument") + ", need " + strings.Join(op.operands, " ")}
	}
	e := Event{Cmd: op.cmd, Client: "dehydrated"}
	for i, name := range op.operands {
		if i == len(operands) {
			break
		}
		if err := op.set(&e, name, operands[i]); err != nil {
			return nil, op.renamed(err)
		}
	}
	if op.named && e.Domains == nil {
		e.Domains = certificateNames(call.Env["altnames"])
	}
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, op.renamed(err)
	}
	return []Event{e}, nil
}

// set stores an operand. Names of certificates are spelled as in domains.txt:
// an IP address with the prefix ip: (since 0.7.1).
func (op *operation) set(e *Event, name, value string) error {
	switch {
	case name == "domains":
		if e.Domains = certificateNames(value); len(e.Domains) == 0 {
			return &ValueError{Name: name, Reason: "is empty"}
		}
		return nil
	case name == "domain":
		value = strings.TrimPrefix(value, "ip:")
	case name == "error" && op.cmd == Exit:
		e.Failed = true
	}
	if value == "" && !e.mayBeEmpty(name) {
		return &ValueError{Name: name, Reason: "is empty"}
	}
	*e.text(name) = value
	return nil
}

// renamed names an operand as dehydrated's documentation does.
func (op *operation) renamed(err error) error {
	if err == nil {
		return nil
	}
	names := map[string]string{
		"domain": "DOMAIN", "token": "TOKEN_FILENAME", "validation": "TOKEN_VALUE", "key_auth": "TOKEN_VALUE",
		"type": "CHALLENGETYPE", "key_path": "KEYFILE", "cert_path": "CERTFILE", "fullchain_path": "FULLCHAINFILE",
		"chain_path": "CHAINFILE", "csr_path": "REQUESTFILE", "ocsp_path": "OCSPFILE", "timestamp": "TIMESTAMP",
		"cert_dir": "CERTDIR", "domains": "ALTNAMES", "error": "RESPONSE", "status": "STATUSCODE",
		"body": "REASON", "method": "REQTYPE", "headers": "HEADERS",
	}
	err = renamed(err, names)
	if v := new(ValueError); errors.As(err, &v) {
		v.Name = op.name + ": " + v.Name
	}
	return err
}

func certificateNames(words string) []string {
	names := strings.Fields(words)
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "ip:")
	}
	return names
}

func (op *operation) decodeChallenges(call Call, operands []string) ([]Event, error) {
	if len(operands) == 0 || len(operands)%3 != 0 {
		return nil, &CallError{op.name, "got " + count(len(operands), "argument") + ", need a multiple of 3 (DOMAIN TOKEN_FILENAME TOKEN_VALUE)"}
	}
	var events []Event
	for ; len(operands) > 0; operands = operands[3:] {
		e, err := op.decodeChallenge(call, operands)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	setBatch(events)
	return events, nil
}

func (op *operation) decodeChallenge(call Call, triplet []string) (Event, error) {
	e := Event{Cmd: op.cmd, Client: "dehydrated", Type: call.Env["CHALLENGETYPE"]}
	for i, name := range op.operands {
		if err := op.set(&e, name, triplet[i]); err != nil {
			return e, op.renamed(err)
		}
	}
	names := certificateNames(call.Env["altnames"])
	if err := validateList("altnames", identifiers(names)); err != nil {
		return e, err // the variable goes to hooks as it came
	}
	if len(names) > 1 {
		e.Order = call.Env["BASEDIR"] + " " + strings.Join(names, " ")
	}
	order := e.Order
	err := e.finish(call.Env["EXTAUTH_THUMBPRINT"])
	if refused := new(ValueError); errors.As(err, &refused) {
		refused.Order = order
	}
	return e, op.renamed(err)
}

// maxListed bounds how many identifiers are repeated with each challenge of an
// order: as many as fit into one variable, however long they are (128 KiB,
// execve(2)). With more, each challenge would cost as much as all of them.
const maxListed = 500

// setBatch adds the others to each of several challenges that came in one call:
// they are a whole order.
func setBatch(events []Event) {
	if len(events) < 2 {
		return
	}
	domains := make([]string, len(events))
	for i, e := range events {
		domains[i] = e.Domain
	}
	for i := range events {
		if events[i].Order = ""; len(events) > maxListed {
			continue
		}
		remaining := len(events) - 1 - i
		events[i].Remaining, events[i].Domains = &remaining, domains
	}
}

func encodeDehydrated(e Event) (Call, error) {
	for i := range operations {
		if operations[i].cmd == e.Cmd {
			return operations[i].encode(&e)
		}
	}
	return Call{}, &UnsupportedError{Convention: "dehydrated", Cmd: e.Cmd}
}

// batchDehydrated makes the call that dehydrated makes under HOOK_CHAIN=yes: the
// operation once, with three operands for each challenge. They are of one type,
// which a variable holds.
func batchDehydrated(order []Event) (Call, error) {
	var all Call
	for i, e := range order {
		call, err := encodeDehydrated(e)
		if err != nil {
			return Call{}, err
		}
		if i == 0 {
			all = call
			continue
		}
		all.Args = append(all.Args, call.Args[1:]...)
		if call.Env["EXTAUTH_TOKEN_SYNTHETIC"] != "" {
			all.Env["EXTAUTH_TOKEN_SYNTHETIC"] = call.Env["EXTAUTH_TOKEN_SYNTHETIC"]
		}
	}
	return all, sameType(order)
}

func sameType(order []Event) error {
	for _, e := range order {
		if e.Type != order[0].Type {
			return &UnsupportedError{"dehydrated", e.Cmd, order[0].Type + " and " + e.Type + " together"}
		}
	}
	return nil
}

func (op *operation) encode(e *Event) (Call, error) {
	call := Call{Args: []string{op.name}, Env: dehydratedEnv(e)}
	for i, name := range op.operands {
		word, err := op.operand(e, name, call.Env)
		if err != nil {
			return Call{}, err
		}
		if word == "" && i >= op.least && !(name == "error" && e.Failed) {
			break
		}
		call.Args = append(call.Args, word)
	}
	return call, nil
}

// operand returns an argument's text. A dns-01 hook does not use the token, but
// an empty word would vanish in hooks that count arguments: the validation
// replaces it, and a variable says so.
func (op *operation) operand(e *Event, name string, env map[string]string) (string, error) {
	if name == "domains" {
		return csrNames(e.Domains), nil
	}
	word := *e.text(name)
	if name == "domain" && e.IsChallenge() {
		word = e.recordOwner()
	}
	switch {
	case name == "token" && word == "" && e.Type == DNS01:
		env["EXTAUTH_TOKEN_SYNTHETIC"] = "1"
		return e.Validation, nil
	case name == "validation" && e.Type == TLSALPN01:
		return ALPNHex(word), nil
	case name == "domain" && !e.IsChallenge():
		return listedName(word), nil
	case name == "timestamp":
		word, _, _ = strings.Cut(word, ".") // whole seconds, as date +%s prints
	}
	if word == "" && !e.mayBeEmpty(name) {
		return "", &MissingError{"dehydrated", name}
	}
	return word, nil
}

// csrNames returns generate_csr's last operand: "${domain} ${morenames}", which
// ends in a space for a single name.
func csrNames(domains []string) string {
	names := make([]string, len(domains))
	for i, d := range domains {
		names[i] = listedName(d)
	}
	if len(names) < 2 {
		names = append(names, "")
	}
	return strings.Join(names, " ")
}

// listedName returns a certificate's name as domains.txt has it.
func listedName(name string) string {
	if isAddress(name) {
		return "ip:" + name
	}
	return name
}

// dehydratedEnv returns what dehydrated exports: as it came if the event came
// from dehydrated, otherwise as far as it is known.
func dehydratedEnv(e *Event) map[string]string {
	if e.Client == "dehydrated" {
		return clone(e.ClientEnv)
	}
	env := map[string]string{}
	if e.Type != "" {
		env["CHALLENGETYPE"] = e.Type
	}
	if len(e.Domains) > 0 {
		env["altnames"] = strings.Join(e.Domains, " ")
	}
	return env
}
