package envmap

import (
	"encoding/base64"
	"slices"
)

// uacme is the hook program of uacme: five arguments, and no phase but that of
// a single challenge. uacme offers every type that the CA has, one after
// another, until a hook takes one by ending with 0; any other status declines.
func uacme() *Convention {
	return &Convention{
		Name:   "uacme",
		Doc:    "uacme's hook program: method, type, identifier, token and value as arguments",
		Ref:    "uacme 1.0 to 1.7.6: uacme.c (hook_run, authorize, main), uacme.sh, nsupdate.sh",
		Traces: "uacme-1.7.4",
		Owns:   uacmeOwns,
		From: From{
			Decode:   decodeUacme,
			Declines: 1,
			Synopsis: "begin|done|failed TYPE IDENT TOKEN AUTH",
			Strict:   true,
		},
		To: To{
			Encode: encodeUacme,
		},
	}
}

// uacmeOwns came with 1.7.6 (hook_run, main); the first five repeat the
// arguments. UACME_CHALLENGE_PATH is not one of them: it is a setting of the hook
// uacme.sh.
var uacmeOwns = []string{"UACME_METHOD", "UACME_TYPE", "UACME_IDENT", "UACME_TOKEN", "UACME_AUTH", "UACME_CONFDIR", "UACME_VERBOSE"}

// uacmeOperands returns the names of the arguments after the method.
func uacmeOperands() []string { return []string{"TYPE", "IDENT", "TOKEN", "AUTH"} }

// decodeUacme reads the arguments; the variables, if there are any, repeat them.
func decodeUacme(call Call) ([]Event, error) {
	if len(call.Args) == 0 {
		return nil, &CallError{Reason: "need a method; uacme gives it as the first argument"}
	}
	e, known := uacmeMethod(call.Args[0])
	if !known {
		return nil, &OperationError{call.Args[0]}
	}
	if err := checkUacme(call.Args); err != nil {
		return nil, err
	}
	e.Type, e.Domain, e.Token, e.Validation = call.Args[1], call.Args[2], call.Args[3], call.Args[4]
	e.Client, e.ClientEnv = "uacme", ownOf(uacmeOwns, call.Env)
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, map[string]string{"domain": "IDENT", "token": "TOKEN", "validation": "AUTH", "key_auth": "AUTH"})
	}
	return []Event{e}, nil
}

// uacmeMethod returns the event that a method names. The method of a clean-up
// says how the validation ended (uacme.c: authorize).
func uacmeMethod(method string) (Event, bool) {
	switch method {
	case "begin":
		return Event{Cmd: PerformChallenge}, true
	case "done":
		return Event{Cmd: Cleanup, Status: "valid"}, true
	case "failed":
		return Event{Cmd: Cleanup, Status: "invalid", Undone: true}, true
	}
	return Event{}, false
}

// checkUacme refuses a call that does not have its four operands. An unknown type
// is to be declined.
func checkUacme(args []string) error {
	operands := uacmeOperands()
	if len(args) != 1+len(operands) {
		return &CallError{args[0], "got " + count(len(args)-1, "argument") + ", need TYPE IDENT TOKEN AUTH"}
	}
	for i, name := range operands {
		if args[1+i] == "" {
			return &ValueError{Name: name, Reason: "is empty"}
		}
	}
	if !uacmeTypes(args[1]) {
		return &OperationError{args[0] + " " + args[1]}
	}
	return nil
}

// uacmeTypes reports whether uacme can make a type's value (uacme.c: authorize).
func uacmeTypes(challengeType string) bool {
	return slices.Contains([]string{HTTP01, DNS01, TLSALPN01}, challengeType)
}

func encodeUacme(e Event) (Call, error) {
	if !e.IsChallenge() {
		return Call{}, &UnsupportedError{Convention: "uacme", Cmd: e.Cmd}
	}
	if !uacmeTypes(e.Type) {
		return Call{}, &UnsupportedError{"uacme", e.Cmd, e.Type}
	}
	env := map[string]string{}
	token := e.Token
	if token == "" && e.Type == DNS01 { // no dns-01 hook has a use for it
		token, env["EXTAUTH_TOKEN_SYNTHETIC"] = e.Validation, "1"
	}
	args := []string{methodOf(&e), e.Type, e.recordOwner(), token, uacmeValue(&e)}
	for i, name := range []string{"cmd", "type", "domain", "token", "validation"} {
		if args[i] == "" {
			return Call{}, &MissingError{"uacme", name}
		}
	}
	setUacme(env, &e, args)
	return Call{Args: args, Env: env}, nil
}

// methodOf returns the method. That of a clean-up says how the challenge ended, if
// that is known.
func methodOf(e *Event) string {
	switch {
	case e.Cmd == PerformChallenge:
		return "begin"
	case e.Undone || e.Status == "invalid":
		return "failed"
	}
	return "done"
}

// uacmeValue returns a value in the form that uacme uses: for tls-alpn-01 the
// digest as for dns-01, not as hex.
func uacmeValue(e *Event) string {
	if e.Type != TLSALPN01 {
		return e.Validation
	}
	sum, ok := digest(e.Validation)
	if !ok {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// setUacme sets the variables: as they came if the event came from uacme,
// otherwise those that repeat the arguments. Those that came may be of an earlier
// call.
func setUacme(env map[string]string, e *Event, args []string) {
	for name, value := range e.ClientEnv {
		if e.Client == "uacme" {
			env[name] = value
		}
	}
	for i, name := range uacmeOwns[:len(args)] {
		if _, came := e.ClientEnv[name]; came || e.Client != "uacme" {
			env[name] = args[i]
		}
	}
}
