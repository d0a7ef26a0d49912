//go:build linux

package examples_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// testLexicon is Debian's lexicon with its provider for PowerDNS. It fetches
// the public suffix list; with a proxy that does not exist it uses its own
// copy.
func testLexicon(t *testing.T, p *powerDNS) {
	needPrograms(t, "lexicon:lexicon")
	p.addZone(t, "example.org", "Native")
	p.addZone(t, "dyn.example.org", "Native")
	env := []string{
		"LEXICON_POWERDNS_PDNS_SERVER=" + p.url(), "LEXICON_POWERDNS_AUTH_TOKEN='" + pdnsKey + "'", "LEXICON_TTL=60",
		"HTTPS_PROXY=http://127.0.0.1:1",
	}
	s := newSite(t, p.programs, []string{"lexicon env=dns.env lexicon powerdns"}, env)
	name := "_acme-challenge.www.example.org"
	requireLexicon(t, s, "auth", "www.example.org", value)
	requireLexicon(t, s, "auth", "www.example.org", wildcardValue)
	p.requireTXT(t, name, value, wildcardValue)
	requireLexicon(t, s, "cleanup", "www.example.org", value)
	p.requireTXT(t, name, wildcardValue)

	chain := "lexicon zone=dyn.example.org env=dns.env lexicon --delegated=dyn.example.org powerdns"
	s = newSite(t, p.programs, []string{chain}, env)
	requireLexicon(t, s, "auth", "www.dyn.example.org", value)
	p.requireTXT(t, "_acme-challenge.www.dyn.example.org", value)
	requireLexicon(t, s, "cleanup", "www.dyn.example.org", value)
	p.requireTXT(t, "_acme-challenge.www.dyn.example.org")
	require.Empty(t, s.journal(t))
}

// requireLexicon runs a hook of certbot. What lexicon logs is on standard error,
// and its answer, which is the auth output, on standard output.
func requireLexicon(t *testing.T, s *site, operand, domain, value string) {
	t.Helper()
	got := s.certbot(t, operand, domain, value, "")
	require.Zero(t, got.status, "%s", got.stderr)
}
