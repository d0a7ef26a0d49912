package envmap_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// textEvents has an event of each kind that a person can be told of, as a
// client's line of JSON; the name is the golden file's.
var textEvents = []struct{ name, line string }{
	{"dns-01", `{"cmd": "perform_challenge", "type": "dns-01", "domain": "example.org", "validation": "` + value + `"}`},
	{"dns-01-final-dot", `{"cmd": "perform_challenge", "type": "dns-01", "domain": "Example.ORG.", "validation": "` + value + `", "txt_domain": "_acme-challenge.example.org."}`},
	{"dns-01-other-name", `{"cmd": "perform_challenge", "type": "dns-01", "domain": "example.org", "validation": "` + value + `", "txt_domain": "d420c923.auth.example.net"}`},
	{"dns-01-cleanup", `{"cmd": "cleanup", "type": "dns-01", "domain": "example.org", "validation": "` + value + `"}`},
	{"dns-account-01", `{"cmd": "perform_challenge", "type": "dns-account-01", "domain": "example.org", "validation": "` + value + `", "txt_domain": "_ujmmovf2vn55tgye._acme-challenge.example.org"}`},
	{"dns-persist-01", `{"cmd": "perform_challenge", "type": "dns-persist-01", "domain": "example.org", "validation": "ca.example; accounturi=https://ca.example/acme/acct/1; policy=wildcard"}`},
	{"http-01", `{"cmd": "perform_challenge", "type": "http-01", "domain": "example.org", "token": "` + token + `", "validation": "` + keyAuth + `"}`},
	{"http-01-ipv4", `{"cmd": "perform_challenge", "type": "http-01", "domain": "192.0.2.1", "token": "` + token + `", "validation": "` + keyAuth + `"}`},
	{"http-01-ipv6", `{"cmd": "perform_challenge", "type": "http-01", "domain": "2001:DB8::1", "token": "` + token + `", "validation": "` + keyAuth + `"}`},
	{"http-01-cleanup", `{"cmd": "cleanup", "type": "http-01", "domain": "example.org", "token": "` + token + `", "validation": "` + keyAuth + `"}`},
	{"tls-alpn-01", `{"cmd": "perform_challenge", "type": "tls-alpn-01", "domain": "example.org", "validation": "` + value + `"}`},
	{"tls-alpn-01-hex", `{"cmd": "perform_challenge", "type": "tls-alpn-01", "domain": "example.org", "validation": "` + strings.Repeat("aB", 32) + `"}`},
	{"tls-alpn-01-ipv6", `{"cmd": "perform_challenge", "type": "tls-alpn-01", "domain": "2001:db8::1", "validation": "` + value + `"}`},
	{"tls-sni-01", `{"cmd": "perform_challenge", "type": "tls-sni-01", "domain": "example.org", "key_auth": "` + keyAuth + `"}`},
}

func decoded(t testing.TB, line string) envmap.Event {
	events, err := lookup(t, "json").Decode(envmap.Call{Stdin: []byte(line)})
	require.NoError(t, err, line)
	return events[0]
}

// TestTextOfEachType: what a person is told, in the words of the RFCs.
func TestTextOfEachType(t *testing.T) {
	for _, test := range textEvents {
		t.Run(test.name, func(t *testing.T) {
			call, err := lookup(t, "text").Encode(decoded(t, test.line))
			require.NoError(t, err)
			require.Empty(t, call.Args)
			require.Empty(t, call.Env)
			golden(t, filepath.Join("testdata", "golden", "text", test.name+".txt"), string(call.Stdin))
		})
	}
}

// TestTextOfAnOrder: one text has every challenge, in the order that they came
// in; it is what each by itself would have been.
func TestTextOfAnOrder(t *testing.T) {
	c := lookup(t, "text")
	var order []envmap.Event
	single := ""
	for _, test := range textEvents {
		if strings.HasSuffix(test.name, "-cleanup") {
			continue
		}
		order = append(order, decoded(t, test.line))
		call, err := c.Encode(order[len(order)-1])
		require.NoError(t, err)
		single += string(call.Stdin)
	}
	all, err := c.EncodeBatch(order)
	require.NoError(t, err)
	require.Equal(t, single, string(all.Stdin))
	golden(t, filepath.Join("testdata", "golden", "text", "order.txt"), string(all.Stdin))
}

// TestTextNeverGuesses: what a person would have to publish and the client did
// not say is missing, by the member's name.
func TestTextNeverGuesses(t *testing.T) {
	hash := challenge(envmap.DNSAccount01, "example.org", value)
	for member, e := range map[string]envmap.Event{
		"txt_domain": hash,
		"uri":        {Cmd: envmap.PerformChallenge, Type: envmap.HTTP01, Domain: "example.org", Token: token, Validation: keyAuth},
		"validation": {Cmd: envmap.PerformChallenge, Type: envmap.TLSSNI01, Domain: "example.org"},
	} {
		require.NoError(t, e.Validate())
		_, err := lookup(t, "text").Encode(e)
		missing := new(envmap.MissingError)
		require.ErrorAs(t, err, &missing, member)
		require.Contains(t, err.Error(), member)
		_, err = lookup(t, "text").EncodeBatch([]envmap.Event{challenge(envmap.TLSALPN01, "a.test", value), e})
		require.ErrorAs(t, err, &missing, "nothing of an order is told where one is incomplete")
	}
}

// wholeValues are what the text of a challenge must have in it, to the letter.
func wholeValues(e envmap.Event) []string {
	switch e.Type {
	case envmap.HTTP01:
		return []string{e.Domain, e.URI, e.Validation}
	case envmap.TLSALPN01:
		return []string{e.Domain, envmap.ALPNHex(e.Validation)}
	case envmap.TLSSNI01:
		return []string{e.Domain, e.Validation}
	}
	return []string{e.Domain, e.TXTDomain + ".", e.Validation}
}

// FuzzEncodeText: whatever is accepted is told in printable lines, each value
// whole and at the end of its line, and no value makes another line.
func FuzzEncodeText(f *testing.F) {
	for _, test := range textEvents {
		e := decoded(f, test.line)
		f.Add(e.Cmd == envmap.Cleanup, e.Type, e.Domain, e.Token, e.Validation, e.TXTDomain, e.URI)
	}
	f.Fuzz(func(t *testing.T, cleaning bool, challengeType, domain, token, validation, txtDomain, uri string) {
		e := envmap.Event{Cmd: envmap.PerformChallenge, Type: challengeType, Domain: domain, Token: token,
			Validation: validation, TXTDomain: txtDomain, URI: uri}
		if cleaning {
			e.Cmd = envmap.Cleanup
		}
		if e.Validate() != nil {
			return
		}
		call, err := lookup(t, "text").Encode(e)
		if err != nil {
			require.ErrorAs(t, err, new(*envmap.MissingError))
			return
		}
		requireText(t, e, string(call.Stdin))
	})
}

func requireText(t *testing.T, e envmap.Event, text string) {
	lines := strings.SplitAfter(text, "\n")
	require.Empty(t, lines[len(lines)-1], "the last line is ended")
	most := 3
	if e.Type == envmap.TLSALPN01 {
		most = 4
	}
	require.LessOrEqual(t, len(lines)-1, most)
	for _, r := range text {
		require.True(t, r == '\n' || ' ' <= r && r <= '~', "%q", text)
	}
	require.Contains(t, lines[0], " "+e.Domain+" ")
	for _, v := range wholeValues(e)[1:] {
		require.Contains(t, text, " "+v+"\n")
	}
}
