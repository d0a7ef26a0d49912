package envmap

import (
	"path"
	"strconv"
	"strings"
)

// certbot is what certbot's manual plugin and its pre, deploy and post hooks
// get: everything in variables, and what the hook is called for only on the
// command line that its user wrote. Decode expects that word (auth, cleanup,
// deploy, pre or post) as the only argument: certbot never takes a variable
// back, so that those of an earlier certificate are still set beside those of this one.
func certbot() *Convention {
	return &Convention{
		Name:   "certbot",
		Doc:    "certbot's manual auth and cleanup hooks, its deploy, pre and post hooks",
		Ref:    "certbot 0.10 to 5.6: _internal/plugins/manual.py (_perform_achall_with_script, cleanup), _internal/hooks.py",
		Traces: "certbot-2.1.0",
		Owns:   certbotOwns,
		From: From{
			Decode: decodeCertbot,
			Strict: true,
		},
		To: To{
			Encode:   encodeCertbot,
			Replays:  true,
			Operands: map[Cmd]string{PerformChallenge: "auth", Cleanup: "cleanup", DeployCert: "deploy", Startup: "pre", Exit: "post"},
		},
	}
}

var certbotOwns = []string{
	"CERTBOT_*",    // manual.py
	renewedLineage, // hooks.py: deploy_hook
	renewedDomains, // hooks.py: deploy_hook, post_hook
	failedDomains,  // hooks.py: post_hook, since 2.7
}

// The variables of certbot's manual plugin. IDENTIFIER and ALL_IDENTIFIERS
// came with 5.3 and hold what DOMAIN and ALL_DOMAINS do; the tls-sni-01 ones
// went with 0.33.
const (
	certbotDomain         = "CERTBOT_DOMAIN"
	certbotIdentifier     = "CERTBOT_IDENTIFIER"
	certbotValidation     = "CERTBOT_VALIDATION"
	certbotToken          = "CERTBOT_TOKEN"
	certbotRemaining      = "CERTBOT_REMAINING_CHALLENGES"
	certbotAllDomains     = "CERTBOT_ALL_DOMAINS"
	certbotAllIdentifiers = "CERTBOT_ALL_IDENTIFIERS"
	certbotAuthOutput     = "CERTBOT_AUTH_OUTPUT"
	certbotSNIDomain      = "CERTBOT_SNI_DOMAIN"
	certbotCertPath       = "CERTBOT_CERT_PATH"
	certbotKeyPath        = "CERTBOT_KEY_PATH"
	renewedLineage        = "RENEWED_LINEAGE"
	renewedDomains        = "RENEWED_DOMAINS"
	failedDomains         = "FAILED_DOMAINS"
)

// lineage maps the files of a certbot lineage's directory
// (certbot: _internal/storage.py, ALL_FOUR).
func lineage(e *Event) [4]lineageFile {
	return [...]lineageFile{
		{"cert.pem", &e.CertPath}, {"privkey.pem", &e.KeyPath}, {"chain.pem", &e.ChainPath}, {"fullchain.pem", &e.FullchainPath},
	}
}

// lineageFile is a file's name in its directory, and the field for its path.
type lineageFile struct {
	name string
	path *string
}

func decodeCertbot(call Call) ([]Event, error) {
	if len(call.Args) != 1 {
		return nil, &CallError{Reason: "need one of auth, cleanup, deploy, pre or post"}
	}
	events := []Event{{Client: "certbot"}}
	e := &events[0]
	if err := e.readCertbot(call); err != nil {
		return nil, err
	}
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, certbotNames(e))
	}
	return events, nil
}

// readCertbot sets the event that the operand names, and what the variables
// say about it.
func (e *Event) readCertbot(call Call) error {
	switch call.Args[0] {
	case "auth":
		e.Cmd = PerformChallenge
		return e.readCertbotChallenge(call)
	case "cleanup":
		e.Cmd = Cleanup
		return e.readCertbotChallenge(call)
	case "deploy":
		e.Cmd = DeployCert
		return e.readCertbotDeploy(call)
	case "pre":
		e.Cmd = Startup
		return nil
	case "post":
		e.readCertbotPost(call)
		return nil
	}
	return &CallError{Reason: "unknown operand " + quoted(call.Args[0]) + " (want auth, cleanup, deploy, pre or post)"}
}

// certbotNames returns the variable that each value came in.
func certbotNames(e *Event) map[string]string {
	names := map[string]string{
		"domain": certbotDomain, "token": certbotToken, "validation": certbotValidation, "key_auth": certbotValidation,
		"remaining": certbotRemaining, "domains": certbotAllDomains, "z_domain": certbotSNIDomain,
		"cert_path": certbotCertPath, "key_path": certbotKeyPath, "failed_domains": failedDomains,
	}
	if _, sni := e.ClientEnv[certbotSNIDomain]; sni {
		names["validation"] = certbotSNIDomain
	}
	if !e.IsChallenge() {
		for _, name := range []string{"cert_path", "key_path", "chain_path", "fullchain_path"} {
			names[name] = renewedLineage
		}
		names["domain"], names["domains"] = renewedDomains, renewedDomains
	}
	return names
}

func (e *Event) readCertbotChallenge(call Call) error {
	if err := checkCertbotChallenge(call); err != nil {
		return err
	}
	e.Domain = first(call.Env, certbotIdentifier, certbotDomain)
	e.Validation, e.Token = call.Env[certbotValidation], call.Env[certbotToken]
	e.ZDomain, e.CertPath, e.KeyPath = call.Env[certbotSNIDomain], call.Env[certbotCertPath], call.Env[certbotKeyPath]
	if e.ZDomain != "" {
		e.Type, e.Validation = TLSSNI01, e.ZDomain
	} else if e.CertPath, e.KeyPath = "", ""; e.Token != "" {
		e.Type = HTTP01
	}
	stale := []string{renewedLineage, renewedDomains, failedDomains}
	if e.Cmd == PerformChallenge {
		stale = append(stale, certbotAuthOutput)
	} else if output, found := call.Env[certbotAuthOutput]; found {
		e.AuthOutput = &output
	}
	if e.Type != TLSSNI01 {
		stale = append(stale, certbotCertPath, certbotKeyPath)
	}
	e.ClientEnv = ownOf(certbotOwns, call.Env, stale...)
	return setCertbotOrder(e, call.Env)
}

// checkCertbotChallenge refuses a challenge that certbot does not send.
func checkCertbotChallenge(call Call) error {
	domain, hasDomain := call.Env[certbotDomain]
	id, hasID := call.Env[certbotIdentifier]
	if !hasDomain && !hasID {
		return &CallError{call.Args[0], certbotDomain + " is not set; certbot sets it when it runs its manual hooks"}
	}
	if hasDomain && hasID && domain != id {
		return &CallError{call.Args[0], certbotIdentifier + " " + quoted(id) + " and " + certbotDomain + " " + quoted(domain) + " differ"}
	}
	_, sni := call.Env[certbotSNIDomain]
	value := certbotValidation
	if _, found := call.Env[certbotValidation]; sni && found {
		return &CallError{call.Args[0], certbotValidation + " and " + certbotSNIDomain + " are both set"}
	} else if sni {
		value = certbotSNIDomain
	}
	if call.Env[value] == "" {
		return missing(call.Env, value)
	}
	for _, name := range []string{certbotDomain, certbotIdentifier, certbotToken, certbotRemaining, certbotAllDomains, certbotAllIdentifiers} {
		if value, found := call.Env[name]; found && value == "" {
			return missing(call.Env, name)
		}
	}
	return nil
}

// missing returns the error for a variable that is empty or not set.
func missing(env map[string]string, name string) error {
	if _, found := env[name]; found {
		return &ValueError{Name: name, Reason: "is empty"}
	}
	return &ValueError{Name: name, Reason: "is not set"}
}

// setCertbotOrder reads what certbot says about the other challenges (since
// 1.4). The list has a name twice if a wildcard and its base are both in it.
func setCertbotOrder(e *Event, env map[string]string) error {
	all := first(env, certbotAllIdentifiers, certbotAllDomains)
	if domains, found := env[certbotAllDomains]; found && domains != all {
		return &ValueError{Name: certbotAllDomains, Value: domains, Reason: "differs from " + certbotAllIdentifiers}
	}
	if all != "" {
		e.Domains = strings.Split(all, ",")
	}
	remaining, found := env[certbotRemaining]
	if !found {
		return nil
	}
	n, err := strconv.Atoi(remaining)
	if err != nil {
		return &ValueError{Name: certbotRemaining, Value: remaining, Reason: "is not a whole number"}
	}
	e.Remaining, e.Order = &n, all
	return nil
}

func (e *Event) readCertbotDeploy(call Call) error {
	dir, found := call.Env[renewedLineage]
	if _, other := call.Env[renewedDomains]; !found && !other {
		return &CallError{"deploy", renewedLineage + " is not set; certbot sets it when it runs its deploy hooks"}
	}
	if dir == "" {
		return missing(call.Env, renewedLineage)
	}
	for _, file := range lineage(e) {
		*file.path = strings.TrimSuffix(dir, "/") + "/" + file.name
	}
	if e.Domains = strings.Fields(call.Env[renewedDomains]); len(e.Domains) == 0 {
		return missing(call.Env, renewedDomains)
	}
	e.Domain = e.Domains[0]
	e.ClientEnv = map[string]string{renewedLineage: dir, renewedDomains: call.Env[renewedDomains]}
	return nil
}

// readCertbotPost reads the names since 2.7; before, RENEWED_DOMAINS is left
// from the last deploy hook.
func (e *Event) readCertbotPost(call Call) {
	e.Cmd = Exit
	e.Domains = strings.Fields(call.Env[renewedDomains])
	e.FailedDomains = strings.Fields(call.Env[failedDomains])
	e.ClientEnv = ownOf(certbotOwns, call.Env, certbotAuthOutput)
}

// first returns the first variable that is set.
func first(env map[string]string, names ...string) string {
	for _, name := range names {
		if value, found := env[name]; found {
			return value
		}
	}
	return ""
}

func encodeCertbot(e Event) (Call, error) {
	env, err := certbotVariables(&e)
	return Call{Env: env}, err
}

func certbotVariables(e *Event) (map[string]string, error) {
	switch e.Cmd {
	case PerformChallenge:
		return encodeCertbotChallenge(e)
	case Cleanup:
		return encodeCertbotCleanup(e)
	case DeployCert:
		return encodeCertbotDeploy(e)
	case Startup:
		return map[string]string{}, nil
	case Exit:
		return encodeCertbotPost(e)
	}
	return nil, &UnsupportedError{Convention: "certbot", Cmd: e.Cmd}
}

func encodeCertbotChallenge(e *Event) (map[string]string, error) {
	if e.Client == "certbot" && len(e.ClientEnv) > 0 {
		return clone(e.ClientEnv), nil
	}
	domain := e.recordOwner()
	env := map[string]string{certbotDomain: domain, certbotIdentifier: domain}
	switch e.Type {
	case HTTP01:
		env[certbotValidation], env[certbotToken] = e.Validation, e.Token
	case DNS01:
		env[certbotValidation] = e.Validation
	case TLSSNI01:
		env[certbotSNIDomain], env[certbotCertPath], env[certbotKeyPath] = e.ZDomain, e.CertPath, e.KeyPath
	default:
		return nil, &UnsupportedError{"certbot", e.Cmd, e.Type}
	}
	for name, value := range env {
		if value == "" {
			return nil, &MissingError{"certbot", name}
		}
	}
	encodeCertbotOrder(e, env)
	return env, nil
}

// encodeCertbotOrder describes the other challenges; a challenge without any is
// an order of its own.
func encodeCertbotOrder(e *Event, env map[string]string) {
	all, remaining := e.Domain, 0
	if e.Remaining != nil && len(e.Domains) > 0 {
		all, remaining = strings.Join(e.Domains, ","), *e.Remaining
	}
	env[certbotAllDomains], env[certbotAllIdentifiers] = all, all
	env[certbotRemaining] = strconv.Itoa(remaining)
}

func encodeCertbotCleanup(e *Event) (map[string]string, error) {
	if e.AuthOutput == nil {
		return nil, &MissingError{"certbot", "output of its auth hook (" + certbotAuthOutput + ")"}
	}
	env, err := encodeCertbotChallenge(e)
	if err == nil {
		// manual.py: out.strip()
		env[certbotAuthOutput] = strings.TrimSpace(*e.AuthOutput)
	}
	return env, err
}

// encodeCertbotDeploy needs the four files under certbot's names in one
// directory, which is how dehydrated keeps them too.
func encodeCertbotDeploy(e *Event) (map[string]string, error) {
	dir := path.Dir(e.CertPath)
	for _, file := range lineage(e) {
		if *file.path != dir+"/"+file.name {
			return nil, &MissingError{"certbot", "directory with cert.pem, privkey.pem, chain.pem and fullchain.pem"}
		}
	}
	names := e.Domains
	if len(names) == 0 && e.Domain != "" {
		names = []string{e.Domain}
	}
	if len(names) == 0 {
		return nil, &MissingError{"certbot", "domain"}
	}
	return map[string]string{renewedLineage: dir, renewedDomains: strings.Join(names, " ")}, nil
}

func encodeCertbotPost(e *Event) (map[string]string, error) {
	if e.Client == "certbot" {
		return clone(e.ClientEnv), nil
	}
	env := map[string]string{}
	if e.Domains != nil || e.FailedDomains != nil {
		env[renewedDomains], env[failedDomains] = strings.Join(e.Domains, " "), strings.Join(e.FailedDomains, " ")
	}
	return env, nil
}

func clone(env map[string]string) map[string]string {
	copied := make(map[string]string, len(env)+1)
	for name, value := range env {
		copied[name] = value
	}
	return copied
}
