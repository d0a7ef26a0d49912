package envmap

import (
	"fmt"
	"strconv"
	"strings"
)

// lego is the program of lego's DNS provider exec (EXEC_PATH), and lego's hooks.
// The provider gives what is to be published (default mode), or after a -- the
// key authorization that it follows from (EXEC_MODE=RAW). The hooks get everything
// in variables and no operand; Decode expects the word run, renew, deploy, pre or
// post, which lego's user writes after the program's name.
func lego() *Convention { return legoIn("") }

// legoIn returns lego with a chain line's mode: default, raw, or "" for default,
// and for the client's own mode if the client is lego too.
func legoIn(mode string) *Convention {
	return &Convention{
		Name:   "lego",
		Doc:    "lego's DNS provider exec, default and RAW mode, and its run, renew, pre, deploy and post hooks",
		Ref:    "lego 0.5 to 5.3: providers/dns/exec/exec.go (Present, CleanUp), 4.x cmd/hook.go (addPathToMetadata), 5.x cmd/internal/hook/metadata.go",
		Traces: "lego-4.9.1",
		Owns:   legoOwns,
		From: From{
			Decode: decodeLego,
			Synopsis: "present|cleanup FQDN VALUE" +
				"\n       extauth-lego [OPTION]... present|cleanup -- DOMAIN TOKEN KEYAUTH" +
				"\n       extauth-lego [OPTION]... run|renew|pre|deploy|post",
			Strict: true,
		},
		To: To{
			Encode:   func(e Event) (Call, error) { return encodeLego(e, mode) },
			Settings: []string{"mode"},
			With:     legoWith,
		},
	}
}

var legoOwns = []string{
	"LEGO_HOOK_*",                                                                    // 5.x: cmd/internal/hook/metadata.go
	"LEGO_ACCOUNT_EMAIL", "LEGO_CERT_DOMAIN", "LEGO_CERT_PATH", "LEGO_CERT_KEY_PATH", // 3.6 to 4.x: cmd/hook.go
	"LEGO_CERT_PEM_PATH", "LEGO_CERT_PFX_PATH", "LEGO_ISSUER_CERT_PATH", // since 4.7, 4.17
}

func legoWith(settings map[string]string) (*Convention, error) {
	mode := settings["mode"]
	if mode != "" && mode != "default" && mode != "raw" {
		return nil, fmt.Errorf("mode=: %q is neither default nor raw", mode)
	}
	return legoIn(mode), nil
}

// legoCertificate names the variables that describe a certificate to a hook.
type legoCertificate struct{ names, bundle, key, issuer string }

// legoHook4 returns those of 4.x: of the certificate's names they have only the first.
func legoHook4() legoCertificate {
	return legoCertificate{"LEGO_CERT_DOMAIN", "LEGO_CERT_PATH", "LEGO_CERT_KEY_PATH", "LEGO_ISSUER_CERT_PATH"}
}

// legoHook5 returns those of 5.x, with all names and a comma between any two.
func legoHook5() legoCertificate {
	return legoCertificate{"LEGO_HOOK_CERT_DOMAINS", "LEGO_HOOK_CERT_PATH", "LEGO_HOOK_CERT_KEY_PATH", "LEGO_HOOK_ISSUER_CERT_PATH"}
}

func decodeLego(call Call) ([]Event, error) {
	if len(call.Args) == 0 {
		return nil, &CallError{Reason: "need present or cleanup, which lego gives, or the word for a hook: run, renew, pre, deploy or post"}
	}
	e := Event{Cmd: legoCmd(call.Args[0]), Client: "lego"}
	if e.Cmd == "" {
		return nil, &CallError{Reason: "unknown operand " + quoted(call.Args[0]) + " (want present, cleanup, run, renew, pre, deploy or post)"}
	}
	if err := e.readLego(call); err != nil {
		return nil, err
	}
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, legoNames(call.Args))
	}
	return []Event{e}, nil
}

func (e *Event) readLego(call Call) error {
	if e.IsChallenge() {
		return e.readLegoChallenge(call)
	}
	return e.readLegoHook(call)
}

// legoCmd returns the event that a word names, or "".
func legoCmd(word string) Cmd {
	switch word {
	case "present":
		return PerformChallenge
	case "cleanup":
		return Cleanup
	case "run", "renew", "deploy":
		return DeployCert
	case "pre":
		return Startup
	case "post":
		return Exit
	}
	return ""
}

// legoNames returns where each value of a call came from: operands are named as
// in lego's documentation.
func legoNames(args []string) map[string]string {
	challenge := args[0] == "present" || args[0] == "cleanup"
	switch {
	case challenge && args[1] == "--":
		return map[string]string{"domain": "DOMAIN", "txt_domain": "DOMAIN", "token": "TOKEN", "key_auth": "KEYAUTH"}
	case challenge:
		return map[string]string{"domain": "FQDN", "txt_domain": "FQDN", "validation": "VALUE"}
	}
	v := legoHook(args[0])
	return map[string]string{
		"domain": v.names, "domains": v.names, "key_path": v.key, "chain_path": v.issuer,
		"cert_path": v.bundle, "fullchain_path": v.bundle,
	}
}

// readLegoChallenge reads either form of the provider's operands. Up to 1.2 a
// TTL follows the value.
func (e *Event) readLegoChallenge(call Call) error {
	operands := call.Args[1:]
	form := []string{"FQDN", "VALUE", "TTL"}
	raw := len(operands) > 0 && operands[0] == "--"
	if raw {
		form, operands = []string{"DOMAIN", "TOKEN", "KEYAUTH"}, operands[1:]
	}
	if len(operands) > 3 || raw && len(operands) < 3 || len(operands) < 2 {
		return &CallError{call.Args[0], "got " + count(len(call.Args)-1, "argument") + ", need FQDN VALUE or -- DOMAIN TOKEN KEYAUTH"}
	}
	for i, operand := range operands {
		if operand == "" {
			return &ValueError{Name: form[i], Reason: "is empty"}
		}
	}
	e.Type = DNS01
	if raw {
		e.Domain, e.Token, e.KeyAuth = operands[0], operands[1], operands[2]
		return nil
	}
	return e.readLegoDefault(operands)
}

// readLegoDefault sets what default mode has. The name is where the record is to
// be after CNAMEs: the identifier is known only if it still begins with
// _acme-challenge.
func (e *Event) readLegoDefault(operands []string) error {
	e.TXTDomain, e.Validation = operands[0], operands[1]
	if domain, found := strings.CutPrefix(identifier(e.TXTDomain), "_acme-challenge."); found {
		e.Domain = domain
	}
	if len(operands) == 3 {
		if _, err := strconv.ParseUint(operands[2], 10, 32); err != nil {
			return &ValueError{Name: "TTL", Value: operands[2], Reason: "is not a number of seconds"}
		}
	}
	return nil
}

func (e *Event) readLegoHook(call Call) error {
	if len(call.Args) > 1 {
		return &CallError{call.Args[0], "got " + count(len(call.Args)-1, "argument") + ", need none: lego gives its hooks variables"}
	}
	v := legoHook(call.Args[0])
	e.ClientEnv = ownOf(legoOwns, call.Env)
	if e.Cmd == DeployCert {
		return v.read(e, call)
	}
	if domains := call.Env[v.names]; domains != "" {
		e.Domains = strings.Split(domains, ",")
	}
	return nil
}

// legoHook returns the variables of the hook that a word names.
func legoHook(word string) legoCertificate {
	if word == "run" || word == "renew" {
		return legoHook4()
	}
	return legoHook5()
}

// read sets what lego says about a new certificate. Its file also has the
// issuer's, unless lego's user asked for no bundle.
func (v legoCertificate) read(e *Event, call Call) error {
	if _, found := call.Env[v.bundle]; !found {
		return &CallError{call.Args[0], v.bundle + " is not set; lego sets it when it runs this hook"}
	}
	for _, name := range []string{v.names, v.bundle, v.key} {
		if call.Env[name] == "" {
			return missing(call.Env, name)
		}
	}
	e.Domain = call.Env[v.names]
	if v == legoHook5() {
		e.Domains = strings.Split(e.Domain, ",")
		e.Domain = e.Domains[0]
	}
	e.FullchainPath, e.KeyPath = legoPath(call.Env, v.bundle), legoPath(call.Env, v.key)
	e.CertPath = e.FullchainPath
	return v.readIssuer(e, call.Env)
}

// readIssuer sets the path of the issuer's certificate. Before 4.17 lego did
// not pass it; the file is beside the bundle (lego: cmd/certs_storage.go, SaveResource).
func (v legoCertificate) readIssuer(e *Event, env map[string]string) error {
	issuer, found := env[v.issuer]
	switch base, isBundle := strings.CutSuffix(e.FullchainPath, ".crt"); {
	case found && issuer == "":
		return missing(env, v.issuer)
	case found:
		e.ChainPath = legoPath(env, v.issuer)
	case isBundle && v == legoHook4():
		e.ChainPath = base + ".issuer.crt"
	}
	return nil
}

// legoPath returns a path that may be relative to lego's working directory, as it
// is if lego's own --path is.
func legoPath(env map[string]string, name string) string {
	path, dir := env[name], env["PWD"]
	if strings.HasPrefix(path, "/") || !strings.HasPrefix(dir, "/") {
		return path
	}
	return strings.TrimSuffix(dir, "/") + "/" + path
}

func encodeLego(e Event, mode string) (Call, error) {
	switch e.Cmd {
	case PerformChallenge, Cleanup:
		words, err := legoOperands(&e, mode)
		return Call{Args: words, Env: map[string]string{}}, err
	case DeployCert, Startup, Exit:
		env, err := legoVariables(&e)
		return Call{Env: env}, err
	}
	return Call{}, &UnsupportedError{Convention: "lego", Cmd: e.Cmd}
}

// legoOperands returns what the provider calls its program with. Of lego's
// clients only RAW mode has a key authorization.
func legoOperands(e *Event, mode string) ([]string, error) {
	word := "present"
	if e.Cmd == Cleanup {
		word = "cleanup"
	}
	switch {
	case e.Type != DNS01:
		return nil, &UnsupportedError{"lego", e.Cmd, e.Type}
	case mode == "raw" || mode == "" && e.Client == "lego" && e.KeyAuth != "":
		return legoRaw(e, word)
	case e.TXTDomain == "":
		return nil, &MissingError{"lego", "txt_domain"}
	case e.Validation == "":
		return nil, &MissingError{"lego", "validation"}
	}
	return []string{word, e.TXTDomain + ".", e.Validation}, nil
}

// legoRaw needs the key authorization, which no value can be traced back to.
func legoRaw(e *Event, word string) ([]string, error) {
	domain := e.recordOwner()
	switch {
	case domain == "":
		return nil, &MissingError{"lego", "domain"}
	case e.KeyAuth == "":
		return nil, &MissingError{"lego", "key authorization, which mode=raw tells"}
	}
	return []string{word, "--", domain, TokenOf(e.KeyAuth), e.KeyAuth}, nil
}

// legoVariables returns those of the hooks of 4.x and 5.x, as far as the event
// has their values.
func legoVariables(e *Event) (map[string]string, error) {
	if e.Client == "lego" && len(e.ClientEnv) > 0 {
		return clone(e.ClientEnv), nil
	}
	env := map[string]string{}
	names := e.Domains
	if len(names) == 0 && e.Domain != "" {
		names = []string{e.Domain}
	}
	if len(names) > 0 {
		env[legoHook5().names] = strings.Join(names, ",")
	}
	if e.Cmd != DeployCert {
		return env, nil
	}
	for _, v := range []legoCertificate{legoHook4(), legoHook5()} {
		env[v.bundle], env[v.key] = e.FullchainPath, e.KeyPath
		if e.ChainPath != "" {
			env[v.issuer] = e.ChainPath
		}
	}
	return env, legoDeployed(e, names, env)
}

// legoDeployed adds the certificate's name, and returns an error for what the
// event lacks.
func legoDeployed(e *Event, names []string, env map[string]string) error {
	switch {
	case len(names) == 0:
		return &MissingError{"lego", "domain"}
	case e.FullchainPath == "":
		return &MissingError{"lego", "fullchain_path"}
	case e.KeyPath == "":
		return &MissingError{"lego", "key_path"}
	}
	env[legoHook4().names] = names[0]
	if e.Domain != "" {
		env[legoHook4().names] = e.Domain
	}
	return nil
}
