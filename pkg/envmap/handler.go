package envmap

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
)

// handler is the classic handler of certbot-external-auth (handler mode): the
// phase as the only argument, each member of the JSON line as a variable, bare
// and with the prefix cbot_, and the whole line in cbot_json. A handler that
// does not know a phase prints NotImplemented and ends with a status other
// than 0.
func handler() *Convention {
	return &Convention{
		Name:   "handler",
		Doc:    "a certbot-external-auth handler: the phase as an argument, the rest in variables",
		Ref:    "certbot-external-auth 0.0.6 to 0.1.2: certbot_external_auth/plugin.py (_call_handler, _get_json_env), handler-example.sh",
		Traces: "certbot-external-auth-0.0.6",
		Owns:   handlerOwns,
		From: From{
			Decode: decodeHandler,
			Strict: true,
		},
		To: To{
			Encode:   encodeHandler,
			Declined: handlerDeclined,
			Brackets: true,
		},
	}
}

// handlerPhases returns the events that a handler knows; argv[1] is their phase.
func handlerPhases() []Cmd {
	return []Cmd{PrePerform, PerformChallenge, PostPerform, PreCleanup, Cleanup, PostCleanup, DeployCert, UnchangedCert}
}

// handlerMembers returns the members that become variables: all that the plugin
// wrote except "command".
func handlerMembers(cmd Cmd) []string {
	switch cmd {
	case PerformChallenge:
		return []string{"type", "domain", "token", "z_domain", "validation", "txt_domain", "uri",
			"cert_path", "key_path", "port", "key_auth", "cert_pem", "key_pem"}
	case Cleanup:
		return []string{"type", "status", "domain", "token", "validation", "txt_domain", "key_auth", "validated", "error"}
	case DeployCert, UnchangedCert:
		return []string{"domain", "cert_path", "key_path", "chain_path", "fullchain_path", "timestamp", "cert_timestamp"}
	}
	return nil
}

// handlerOwns are cmd and those members, bare and with their prefix.
var handlerOwns = []string{
	"cbot_*", "cmd", "type", "domain", "token", "z_domain", "validation", "txt_domain", "uri",
	"cert_path", "key_path", "port", "key_auth", "cert_pem", "key_pem", "status", "validated", "error",
	"chain_path", "fullchain_path", "timestamp", "cert_timestamp",
}

// handlerDeclined applies the plugin's rule: a status other than 0 and only
// NotImplemented on standard output.
func handlerDeclined(status int, stdout []byte) bool {
	return status != 0 && string(bytes.TrimSpace(stdout)) == "NotImplemented"
}

func encodeHandler(e Event) (Call, error) {
	if !slices.Contains(handlerPhases(), e.Cmd) {
		return Call{}, &UnsupportedError{Convention: "handler", Cmd: e.Cmd}
	}
	call := Call{Args: []string{e.Phase()}, Env: map[string]string{}}
	for _, c := range e.Challenges {
		call.Stdin = append(call.Stdin, jsonLine(c)...)
	}
	if len(handlerMembers(e.Cmd)) == 0 {
		return call, nil // pre- and post- phases have no variables
	}
	asPlugin(&e)
	set := func(name, value string) { call.Env[name], call.Env["cbot_"+name] = value, value }
	set("cmd", string(e.Cmd))
	for _, name := range handlerMembers(e.Cmd) {
		if value, found := handlerValue(&e, name); found {
			set(name, value)
		}
	}
	if e.Timestamp != "" {
		set("port", call.Env["timestamp"]) // the name that the released plugin gave it (FIELD_TIMESTAMP)
	}
	call.Env["cbot_json"] = string(bytes.TrimSuffix(jsonLine(e), []byte("\n")))
	return call, nil
}

// asPlugin sets what the plugin always sent: the stale status of a clean-up,
// and deploy_cert as the event of an unchanged certificate.
func asPlugin(e *Event) {
	if e.Cmd == UnchangedCert {
		e.Cmd = DeployCert
	}
	if e.Cmd != Cleanup {
		return
	}
	if e.Status == "" && !e.null("status") {
		e.Status = "pending"
	}
	for _, name := range []string{"validated", "error"} {
		if *e.text(name) == "" && !e.null(name) {
			e.Nulls = append(append([]string{}, e.Nulls...), name)
		}
	}
}

// handlerValue returns a member's text as the plugin's Python made it: null is
// None, a number with a fraction is rounded up. The token and the key
// authorization, which some clients do not have for dns-01, are empty then, so
// that scripts under set -u work.
func handlerValue(e *Event, name string) (string, bool) {
	value := *e.text(name)
	switch {
	case e.null(name):
		return "None", true
	case name == "token" || name == "key_auth":
		return value, true
	case name == "timestamp" || name == "cert_timestamp":
		return ceiled(value), value != ""
	}
	return value, value != ""
}

func ceiled(number string) string {
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !strings.Contains(number, ".") {
		return number
	}
	return strconv.FormatFloat(math.Ceil(f), 'f', 0, 64)
}

func decodeHandler(c Call) ([]Event, error) {
	if len(c.Args) != 1 {
		return nil, &CallError{Reason: "need a phase as the only argument"}
	}
	e := Event{Client: "handler"}
	for _, cmd := range handlerPhases() {
		if (Event{Cmd: cmd}).Phase() == c.Args[0] {
			e.Cmd = cmd
		}
	}
	if e.Cmd == "" {
		return nil, &OperationError{c.Args[0]}
	}
	if line, found := c.Env["cbot_json"]; found && len(handlerMembers(e.Cmd)) > 0 {
		return decodeHandlerJSON(e, c, line)
	}
	for _, name := range handlerMembers(e.Cmd) {
		if err := setVariable(&e, name, c.Env); err != nil {
			return nil, err
		}
	}
	if err := e.finish(c.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, prefixed(e.Cmd))
	}
	return []Event{e}, nil
}

// decodeHandlerJSON reads everything from the line except the event, which
// argv[1] names: the plugin also wrote deploy_cert for unchanged certificates.
func decodeHandlerJSON(e Event, c Call, line string) ([]Event, error) {
	events, err := decodeJSON(Call{Stdin: []byte(line), Env: c.Env})
	if err != nil {
		return nil, &ValueError{Name: "cbot_json", Reason: "is not valid: " + err.Error()}
	}
	cmd := events[0].Cmd
	if cmd != e.Cmd && !(cmd == DeployCert && e.Cmd == UnchangedCert) {
		return nil, &CallError{c.Args[0], "cbot_json is about " + string(cmd)}
	}
	events[0].Cmd, events[0].Client = e.Cmd, e.Client
	return events, nil
}

func setVariable(e *Event, name string, env map[string]string) error {
	value, found := env["cbot_"+name]
	if !found {
		value, found = env[name]
	}
	switch {
	case !found || value == "" && (name == "token" || name == "key_auth" || e.mayBeEmpty(name)):
		return nil
	case value == "":
		return &ValueError{Name: "cbot_" + name, Reason: "is empty"}
	case value == "None":
		e.Nulls = append(e.Nulls, name)
		return nil
	}
	*e.text(name) = value
	return nil
}

func prefixed(cmd Cmd) map[string]string {
	names := map[string]string{}
	for _, name := range handlerMembers(cmd) {
		names[name] = "cbot_" + name
	}
	return names
}
