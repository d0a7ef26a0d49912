package envmap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func challenge(challengeType, domain, validation string) envmap.Event {
	e := envmap.Event{Cmd: envmap.PerformChallenge, Type: challengeType, Domain: domain, Validation: validation}
	if challengeType == envmap.HTTP01 {
		e.Token = envmap.TokenOf(validation)
	}
	return e
}

func TestValidValues(t *testing.T) {
	hex := strings.Repeat("aB", 32)
	sni := strings.Repeat("0", 32) + "." + strings.Repeat("f", 32) + ".acme.invalid"
	for _, e := range []envmap.Event{
		challenge(envmap.DNS01, "example.org", value),
		challenge(envmap.DNS01, "_dmarc.xn--bcher-kva.example", "-"+value[1:]),
		challenge(envmap.DNSAccount01, "example.org", value),
		challenge(envmap.HTTP01, "example.org", keyAuth),
		challenge(envmap.HTTP01, "192.0.2.1", keyAuth),
		challenge(envmap.HTTP01, "2001:db8::1", keyAuth),
		challenge(envmap.HTTP01, "example.org", "-rf."+thumbprint),
		challenge(envmap.HTTP01, "example.org", strings.Repeat("t", 256)+"."+thumbprint),
		challenge(envmap.TLSALPN01, "4.3.2.1.in-addr.arpa", hex),
		challenge(envmap.TLSALPN01, "192.0.2.1", envmap.ALPNHex(value)),
		challenge(envmap.TLSALPN01, "example.org", value),
		challenge(envmap.TLSSNI01, "example.org", sni),
		challenge(envmap.DNSPersist01, "example.org", "ca.example; accounturi=https://ca.example/1"),
		challenge(envmap.DNS01, strings.Repeat("a", 63)+"."+strings.Repeat("b.", 94)+"b", value),
		{Cmd: envmap.DeployCert, Domain: "*.example.org", CertPath: "/etc/l e/cert.pem", Timestamp: "1477582237", CertTimestamp: "1477582245.9930167"},
		{Cmd: envmap.Exit, Failed: true, Error: "two\nlines\tand UTF-8: \u00fc"},
	} {
		require.NoError(t, e.Validate(), "%+v", e)
	}
}

// TestRefusedValues: each rule of the grammar, and that the error names what
// was refused.
func TestRefusedValues(t *testing.T) {
	for _, test := range []struct {
		name string
		e    envmap.Event
	}{
		{"cmd", envmap.Event{Cmd: "dance"}},
		{"type", challenge("dns-02", "example.org", value)},
		{"type", challenge("", "example.org", value)},
		{"validation", challenge(envmap.DNS01, "example.org", "")},
		{"validation", challenge(envmap.DNS01, "example.org", value+"A")},
		{"validation", challenge(envmap.DNS01, "example.org", value[1:])},
		{"validation", challenge(envmap.DNS01, "example.org", value[:42]+"+")},
		{"validation", challenge(envmap.DNS01, "example.org", value[:42]+"\n")},
		{"validation", challenge(envmap.DNS01, "example.org", keyAuth)},
		{"validation", challenge(envmap.DNSAccount01, "example.org", keyAuth)},
		{"validation", challenge(envmap.HTTP01, "example.org", value)},
		{"validation", challenge(envmap.HTTP01, "example.org", token+"."+thumbprint+"A")},
		{"validation", challenge(envmap.TLSALPN01, "example.org", strings.Repeat("a", 63))},
		{"validation", challenge(envmap.TLSALPN01, "example.org", strings.Repeat("g", 64))},
		{"validation", challenge(envmap.TLSSNI01, "example.org", "a.b.acme.invalid")},
		{"validation", challenge(envmap.DNSPersist01, "example.org", "caf\u00e9")},
		{"token", with(challenge(envmap.DNS01, "example.org", value), func(e *envmap.Event) { e.Token = "../../etc/passwd" })},
		{"token", with(challenge(envmap.DNS01, "example.org", value), func(e *envmap.Event) { e.Token = strings.Repeat("t", 257) })},
		{"key_auth", with(challenge(envmap.DNS01, "example.org", value), func(e *envmap.Event) { e.KeyAuth = "a.b" })},
		{"txt_domain", with(challenge(envmap.DNS01, "example.org", value), func(e *envmap.Event) { e.TXTDomain = "a b" })},
		{"domain", challenge(envmap.DNS01, "", value)},
		{"domain", challenge(envmap.DNS01, "192.0.2.1", value)},
		{"domain", challenge(envmap.DNS01, "*.example.org", value)},
		{"domain", challenge(envmap.DNS01, "a..b", value)},
		{"domain", challenge(envmap.DNS01, "a.b.", value)},
		{"domain", challenge(envmap.DNS01, "Example.org", value)},
		{"domain", challenge(envmap.DNS01, "-a.example.org", value)},
		{"domain", challenge(envmap.DNS01, "b\u00fccher.example", value)},
		{"domain", challenge(envmap.DNS01, "ex\u0430mple.org", value)},
		{"domain", challenge(envmap.DNS01, "a\u3002b", value)},
		{"domain", challenge(envmap.DNS01, "$(touch pwn).org", value)},
		{"domain", challenge(envmap.DNS01, "fe80::1%eth0", value)},
		{"domain", challenge(envmap.DNS01, strings.Repeat("a", 64)+".org", value)},
		{"domain", challenge(envmap.DNS01, strings.Repeat("a.", 127)+"a", value)},
		{"domain", envmap.Event{Cmd: envmap.DeployCert, Domain: "*"}},
		{"domain", envmap.Event{Cmd: envmap.DeployCert, Domain: "a.*.org"}},
		{"domains", envmap.Event{Cmd: envmap.DeployCert, Domains: []string{"a.org", ""}}},
		{"cert_path", envmap.Event{Cmd: envmap.DeployCert, CertPath: "cert.pem"}},
		{"key_path", envmap.Event{Cmd: envmap.DeployCert, KeyPath: "/a\x1b[2J"}},
		{"timestamp", envmap.Event{Cmd: envmap.DeployCert, Timestamp: "1e9"}},
		{"error", envmap.Event{Cmd: envmap.Exit, Error: "\x1b[2J"}},
		{"error", envmap.Event{Cmd: envmap.Exit, Error: "\xff"}},
		{"body", envmap.Event{Cmd: envmap.RequestFailure, Body: strings.Repeat("x", 1<<16+1)}},
	} {
		err := test.e.Validate()
		refused := new(envmap.ValueError)
		require.ErrorAs(t, err, &refused, "%+v", test.e)
		require.Equal(t, test.name, refused.Name, "%v", err)
		require.NotRegexp(t, `[\x00-\x1f\x7f-\x9f]`, err.Error(), "shown as it came")
		require.Less(t, len(err.Error()), 400)
	}
}

func with(e envmap.Event, change func(*envmap.Event)) envmap.Event {
	change(&e)
	return e
}

func TestRemainingIsAPlaceInTheOrder(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 1: true, 2: false, -1: false} {
		e := challenge(envmap.DNS01, "a.test", value)
		e.Remaining, e.Domains = &n, []string{"a.test", "a.test"}
		require.Equal(t, ok, e.Validate() == nil, n)
	}
}
