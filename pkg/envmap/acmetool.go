package envmap

import (
	"path"
	"strings"
)

// acmetool is a program in acmetool's hooks directory. It is called for every
// event that acmetool has, and exits with 42 if one is not for it.
func acmetool() *Convention {
	return &Convention{
		Name:   "acmetool",
		Doc:    "acmetool's hooks directory: event, host and values as arguments, key authorization on standard input",
		Ref:    "acmetool 0.0.33 to 0.2.2: hooks/hooks.go (runParts, ChallengeHTTPStart, challengeDNS, NotifyLiveUpdated), _doc/SCHEMA.md",
		Traces: "acmetool-0.2.2",
		Owns:   acmetoolOwns,
		From: From{
			Decode:     decodeAcmetool,
			Declines:   acmetoolUnsupported,
			ReadsStdin: true,
			Synopsis:   "EVENT [HOST TARGETFILE TOKEN|VALUE]",
			Strict:     true,
		},
		To: To{
			Encode:   encodeAcmetool,
			Declined: func(status int, _ []byte) bool { return status == acmetoolUnsupported },
		},
	}
}

const (
	acmetoolUnsupported = 42 // hooks.go: logFailedExecution

	acmeStateDir = "ACME_STATE_DIR" // hooks.go: runParts
	liveUpdated  = "live-updated"   // hooks.go: NotifyLiveUpdated

	// acmetoolTarget keeps in Event.ClientEnv the operand TARGETFILE, which is
	// a file of acmetool's own. It is not a variable of any handler.
	acmetoolTarget = "TARGETFILE"
)

var acmetoolOwns = []string{acmeStateDir}

// acmetoolEvent is one of acmetool's events about a challenge. operand is the
// member that the last argument holds.
type acmetoolEvent struct {
	name    string
	cmd     Cmd
	kind    string
	operand string
}

// acmetoolEvents are those about types that there still are: acmetool's
// challenge-tls-sni-start and -stop are left to other hooks.
func acmetoolEvents() []acmetoolEvent {
	return []acmetoolEvent{
		{"challenge-http-start", PerformChallenge, HTTP01, "token"},
		{"challenge-http-stop", Cleanup, HTTP01, "token"},
		{"challenge-dns-start", PerformChallenge, DNS01, "validation"},
		{"challenge-dns-stop", Cleanup, DNS01, "validation"},
	}
}

func decodeAcmetool(call Call) ([]Event, error) {
	if len(call.Args) == 0 {
		return nil, &CallError{Reason: "need an event; acmetool gives it as the first argument"}
	}
	if call.Args[0] == liveUpdated {
		return decodeLiveUpdated(call)
	}
	for _, known := range acmetoolEvents() {
		if known.name == call.Args[0] {
			e, err := known.decode(call)
			if err != nil {
				return nil, err
			}
			return []Event{e}, nil
		}
	}
	return nil, &OperationError{call.Args[0]}
}

func (a acmetoolEvent) decode(call Call) (Event, error) {
	if err := a.check(call.Args[1:]); err != nil {
		return Event{}, err
	}
	e := Event{Cmd: a.cmd, Type: a.kind, Domain: call.Args[1], Client: "acmetool", ClientEnv: acmetoolEnv(call)}
	*e.text(a.operand) = call.Args[3]
	names := map[string]string{"domain": "HOST", "token": "TOKEN", "validation": "VALUE"}
	if a.kind == HTTP01 {
		e.Validation = string(call.Stdin)
		names["validation"], names["key_auth"] = "standard input", "standard input"
	}
	err := e.finish(call.Env["EXTAUTH_THUMBPRINT"])
	return e, renamed(err, names)
}

// check looks at the operands before they become an event. TARGETFILE may be
// empty. The value of a dns-01 challenge is followed by a word that marks a
// wildcard, or is empty; the documentation does not mention it.
func (a acmetoolEvent) check(operands []string) error {
	names, most := []string{"HOST", "TARGETFILE", strings.ToUpper(a.operand)}, 3
	if a.kind == DNS01 {
		names[2], most = "VALUE", 4
	}
	if len(operands) < len(names) || len(operands) > most {
		return &CallError{a.name, "got " + count(len(operands), "argument") + ", need " + strings.Join(names, " ")}
	}
	for i, name := range names {
		if operands[i] == "" && name != acmetoolTarget {
			return &ValueError{Name: name, Reason: "is empty"}
		}
	}
	if target := operands[1]; len(target) > maxPath || !isText(target, "") {
		return &ValueError{Name: acmetoolTarget, Value: target, Reason: "has control characters or is not UTF-8"}
	}
	return nil
}

// acmetoolEnv returns what belongs to a challenge of acmetool's besides its values.
func acmetoolEnv(call Call) map[string]string {
	env := map[string]string{acmetoolTarget: call.Args[2]}
	if dir, found := call.Env[acmeStateDir]; found {
		env[acmeStateDir] = dir
	}
	return env
}

// decodeLiveUpdated makes an event for each host whose certificate is new: the
// list on standard input has one a line (NotifyLiveUpdated), and the files are
// where _doc/SCHEMA.md says.
func decodeLiveUpdated(call Call) ([]Event, error) {
	if len(call.Args) != 1 {
		return nil, &CallError{liveUpdated, "got " + count(len(call.Args)-1, "argument") + ", need none"}
	}
	state := call.Env[acmeStateDir]
	if state == "" {
		return nil, missing(call.Env, acmeStateDir)
	}
	hosts, whole := strings.CutSuffix(string(call.Stdin), "\n")
	if !whole {
		return nil, &CallError{liveUpdated, "standard input does not end with a line of the host list"}
	}
	var events []Event
	for _, host := range strings.Split(hosts, "\n") {
		e, err := liveCertificate(state, host)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// liveCertificate returns the event for the certificate that acmetool has for a host.
func liveCertificate(state, host string) (Event, error) {
	if host == "" {
		return Event{}, &ValueError{Name: "HOST", Reason: "is empty"}
	}
	e := Event{Cmd: DeployCert, Domain: host, Client: "acmetool"}
	for file, place := range live(&e) {
		*place = path.Join(state, "live", host, file)
	}
	names := map[string]string{"domain": "HOST"}
	for _, name := range []string{"cert_path", "key_path", "chain_path", "fullchain_path"} {
		names[name] = acmeStateDir
	}
	err := e.finish("")
	return e, renamed(err, names)
}

// live maps the files of a certificate's directory (_doc/SCHEMA.md).
func live(e *Event) map[string]*string {
	return map[string]*string{"cert": &e.CertPath, "privkey": &e.KeyPath, "chain": &e.ChainPath, "fullchain": &e.FullchainPath}
}

func encodeAcmetool(e Event) (Call, error) {
	if e.Cmd == DeployCert {
		return encodeLiveUpdated(e)
	}
	for _, known := range acmetoolEvents() {
		if known.cmd == e.Cmd && known.kind == e.Type {
			return known.encode(e)
		}
	}
	if e.IsChallenge() {
		return Call{}, &UnsupportedError{"acmetool", e.Cmd, e.Type}
	}
	return Call{}, &UnsupportedError{Convention: "acmetool", Cmd: e.Cmd}
}

// encode makes the call about a challenge. There is a target file only if
// acmetool itself calls.
func (a acmetoolEvent) encode(e Event) (Call, error) {
	host, value := e.recordOwner(), *e.text(a.operand)
	if host == "" {
		return Call{}, &MissingError{"acmetool", "domain"}
	}
	if value == "" {
		return Call{}, &MissingError{"acmetool", a.operand}
	}
	call := Call{Args: []string{a.name, host, "", value}, Env: map[string]string{}}
	if e.Client == "acmetool" {
		call.Env = clone(e.ClientEnv)
		call.Args[2] = call.Env[acmetoolTarget]
		delete(call.Env, acmetoolTarget)
	}
	if a.kind == HTTP01 {
		call.Stdin = []byte(e.Validation)
		return call, nil
	}
	call.Args = append(call.Args, "") // the word about wildcards, see check
	return call, nil
}

// encodeLiveUpdated needs the files where acmetool's hooks look for them; there
// is no call for a certificate that is kept elsewhere.
func encodeLiveUpdated(e Event) (Call, error) {
	host := path.Base(path.Dir(e.CertPath))
	state := path.Dir(path.Dir(path.Dir(e.CertPath)))
	for file, place := range live(&e) {
		if e.CertPath == "" || host != e.Domain || *place != path.Join(state, "live", host, file) {
			return Call{}, &UnsupportedError{Convention: "acmetool", Cmd: e.Cmd}
		}
	}
	return Call{Args: []string{liveUpdated}, Env: map[string]string{acmeStateDir: state}, Stdin: []byte(host + "\n")}, nil
}
