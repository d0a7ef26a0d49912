package check

import (
	"fmt"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// thumbprint is not that of a real account.
const thumbprint = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

// challenge returns a new challenge for a name below the domain. Neither its
// token nor its DNS value begins with a dash.
func (s *suite) challenge(label string) envmap.Event {
	return s.challengeWith(label, "extauth-check-", false)
}

// challengeWith returns a challenge whose token begins with a prefix. Its DNS
// value begins with a dash if dash is set, and only then.
func (s *suite) challengeWith(label, prefix string, dash bool) envmap.Event {
	for {
		s.challenges++
		token := fmt.Sprintf("%s%04d", prefix, s.challenges)
		if strings.HasPrefix(envmap.DNSValue(token+"."+thumbprint), "-") == dash {
			return s.challengeOf(label+"."+s.Domain, token)
		}
	}
}

func (s *suite) challengeOf(domain, token string) envmap.Event {
	e := envmap.Event{
		Cmd: envmap.PerformChallenge, Type: s.Type, Domain: domain, Token: token, KeyAuth: token + "." + thumbprint,
		TXTDomain: envmap.TXTName(s.Type, domain), Domains: []string{domain},
	}
	e.Validation = envmap.DNSValue(e.KeyAuth)
	if e.Type == envmap.HTTP01 {
		e.Validation, e.URI = e.KeyAuth, envmap.URI(domain, token)
	}
	s.addClientEnv(&e)
	return e
}

// addClientEnv adds the variables of the convention's own client: dehydrated
// exports its configuration.
func (s *suite) addClientEnv(e *envmap.Event) {
	if s.handler.Convention != "dehydrated" {
		return
	}
	base := s.scratch.path("home")
	e.Client = "dehydrated"
	e.ClientEnv = map[string]string{
		"BASEDIR": base, "CERTDIR": base + "/certs", "ALPNCERTDIR": base + "/alpn-certs", "CONFIG": base + "/config",
		"WELLKNOWN": s.scratch.path("webroot", ".well-known", "acme-challenge"), "COMMAND": "sign_domains",
		"CHALLENGETYPE": s.Type, "KEY_ALGO": "secp384r1", "PRIVATE_KEY_ROLLOVER": "no", "alias": e.Domain,
		"altnames": strings.Join(e.Domains, " "),
	}
}

// cleanupOf returns the cleanup of a challenge; printed is what the hook
// printed when it was performed.
func cleanupOf(e envmap.Event, printed []byte) envmap.Event {
	e.Cmd, e.Status = envmap.Cleanup, "valid"
	output := string(printed)
	e.AuthOutput = &output
	return e
}

// otherEvents returns the convention's events that are not about a single
// challenge. text is the message of a CA or a server, dir the directory of the
// certificates.
func (s *suite) otherEvents(text, dir string) []envmap.Event {
	var all []envmap.Event
	for _, cmd := range []envmap.Cmd{
		envmap.Startup, envmap.PrePerform, envmap.PostPerform, envmap.PreCleanup, envmap.PostCleanup,
		envmap.GenerateCSR, envmap.SyncCert, envmap.DeployCert, envmap.DeployOCSP, envmap.UnchangedCert,
		envmap.InvalidChallenge, envmap.RequestFailure, envmap.Exit,
	} {
		e := envmap.Event{
			Cmd: cmd, Domain: s.Domain, Domains: []string{s.Domain, "*." + s.Domain}, Error: text, Failed: text != "",
			CertPath: dir + "/cert.pem", KeyPath: dir + "/privkey.pem", ChainPath: dir + "/chain.pem",
			FullchainPath: dir + "/fullchain.pem", CSRPath: dir + "/request.csr", OCSPPath: dir + "/response.ocsp",
			CertDir: dir, Timestamp: "1700000000", CertTimestamp: "1700000001", Status: "503", Body: text,
			Method: "post", Headers: text,
		}
		s.addClientEnv(&e)
		delete(e.ClientEnv, "CHALLENGETYPE")
		if s.isCalledFor(e) {
			all = append(all, e)
		}
	}
	return all
}

// isCalledFor reports whether the convention's client calls this hook for an
// event: a command that is only for challenges is not called for others.
func (s *suite) isCalledFor(e envmap.Event) bool {
	c := s.handler.Resolved()
	allEvents := s.handler.Commands != nil || c.To.Operands == nil && c.Name != "lego"
	_, err := c.Encode(e)
	return err == nil && allEvents && s.handler.CommandFor(e.Cmd) != nil
}
