package check

import (
	"fmt"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// thumbprint is that of no account.
const thumbprint = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

// challenge makes one that nobody had before, for a name below the domain. All
// its values follow from its token, which neither begins with a dash nor does
// what is made of it.
func (s *suite) challenge(label string) envmap.Event {
	return s.dashed(label, "extauth-check-", false)
}

// dashed is a challenge whose token begins with a prefix; the value that is
// published by DNS begins with a dash, or does not.
func (s *suite) dashed(label, prefix string, dash bool) envmap.Event {
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
	s.asClient(&e)
	return e
}

// asClient adds what the convention's own client says besides: dehydrated
// exports its configuration.
func (s *suite) asClient(e *envmap.Event) {
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

// cleanupOf is the event that takes a challenge away; printed is what the hook
// printed when it was performed.
func cleanupOf(e envmap.Event, printed []byte) envmap.Event {
	e.Cmd, e.Status = envmap.Cleanup, "valid"
	output := string(printed)
	e.AuthOutput = &output
	return e
}

// others are the events of the convention that are about no single challenge.
// text is what a CA or a server says, dir is where certificates are.
func (s *suite) others(text, dir string) []envmap.Event {
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
		s.asClient(&e)
		delete(e.ClientEnv, "CHALLENGETYPE")
		if s.called(e) {
			all = append(all, e)
		}
	}
	return all
}

// called tells whether the convention's client calls this hook for an event: a
// command that is for challenges alone is not called for another.
func (s *suite) called(e envmap.Event) bool {
	c := s.handler.Resolved()
	whole := s.handler.Commands != nil || c.To.Operands == nil && c.Name != "lego"
	_, err := c.Encode(e)
	return err == nil && whole && s.handler.CommandFor(e.Cmd) != nil
}
