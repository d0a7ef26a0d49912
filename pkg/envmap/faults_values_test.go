package envmap_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	alpnValue = "eb:ae:dd:ac:d9:90:2f:7b:d7:e9:bb:bc:61:99:60:cb:4c:0a:34:19:42:9f:2f:32:ae:31:75:95:26:94:9d:d7"
	sniValue  = "9e18429925564832b4acea536aeb30e8.c06f4638a973d2756ab3ff17b8ed68b8.acme.invalid"
)

// said is what a client says of a challenge.
type said struct{ challengeType, domain, token, validation string }

func good() said { return said{envmap.HTTP01, "example.org", token, keyAuth} }

// everyClient is the challenge as each client would tell it.
func (s said) everyClient() map[string]envmap.Call {
	line := fmt.Sprintf(`{"cmd": "perform_challenge", "type": %q, "domain": %s, "token": %s, "validation": %s}`,
		s.challengeType, jsonString(s.domain), jsonString(s.token), jsonString(s.validation))
	return map[string]envmap.Call{
		"certbot": certbotCall("auth", "CERTBOT_DOMAIN", s.domain, "CERTBOT_TOKEN", s.token, "CERTBOT_VALIDATION", s.validation),
		"dehydrated": {
			Args: []string{"deploy_challenge", s.domain, s.token, s.validation},
			Env:  map[string]string{"CHALLENGETYPE": s.challengeType},
		},
		"json": {Stdin: []byte(line), Env: map[string]string{}},
		"handler": {Args: []string{"perform"}, Env: map[string]string{
			"cbot_type": s.challengeType, "cbot_domain": s.domain, "cbot_token": s.token, "cbot_validation": s.validation,
		}},
	}
}

// jsonString writes a string as JSON and leaves bytes that are not UTF-8 as
// they are.
func jsonString(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch {
		case s[i] < ' ':
			fmt.Fprintf(&b, `\u%04x`, s[i])
		case s[i] == '"' || s[i] == '\\':
			b.WriteByte('\\')
			fallthrough
		default:
			b.WriteByte(s[i])
		}
	}
	return `"` + b.String() + `"`
}

// requireRefused: no client gets the challenge in, and what is said of it does
// nothing to a terminal or a log.
func requireRefused(t *testing.T, s said, clients ...string) {
	t.Helper()
	for client, call := range s.everyClient() {
		if len(clients) > 0 && !contains(clients, client) {
			continue
		}
		events, err := lookup(t, client).Decode(call)
		require.Error(t, err, "%s: %q", client, s)
		require.Empty(t, events)
		requirePlain(t, err.Error())
		require.Less(t, len(err.Error()), 400, "%s", client)
	}
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

// requirePlain: a message is one line of printable characters.
func requirePlain(t *testing.T, message string) {
	t.Helper()
	for _, r := range message {
		require.True(t, unicode.IsPrint(r), "%q", message)
	}
}

// eachPlace puts a hostile value into every place of a challenge.
func eachPlace(hostile func(string) string) []said {
	domain, token, validation := good(), good(), good()
	domain.domain = hostile(domain.domain)
	token.token = hostile(token.token)
	token.validation = token.token + "." + thumbprint
	validation.validation = hostile(validation.validation)
	places := []said{domain, token, validation}
	for challengeType, value := range map[string]string{
		envmap.DNS01: value, envmap.DNSAccount01: value, envmap.TLSALPN01: alpnValue, envmap.DNSPersist01: "ca.example; accounturi=x",
	} {
		places = append(places, said{challengeType, "example.org", "t", hostile(value)})
	}
	return append(places, said{envmap.TLSALPN01, "example.org", "t", hostile(value)})
}

// inserted puts text at the beginning, in the middle and at the end.
func inserted(text string) []func(string) string {
	return []func(string) string{
		func(s string) string { return text + s },
		func(s string) string { return s[:len(s)/2] + text + s[len(s)/2:] },
		func(s string) string { return s + text },
	}
}

// requireRefusedEverywhere puts text into every place of a challenge's values.
func requireRefusedEverywhere(t *testing.T, text string, clients ...string) {
	t.Helper()
	for _, hostile := range inserted(text) {
		for _, s := range eachPlace(hostile) {
			if s.challengeType == envmap.DNSPersist01 || s.challengeType == envmap.DNSAccount01 {
				requireRefused(t, s, append(clients, "json", "dehydrated", "handler")...) // certbot does not say the type
			} else {
				requireRefused(t, s, clients...)
			}
		}
	}
}

// TestLineFeedInAValue: with a line feed in it, a value could be two
// variables or two lines to whoever reads it next.
func TestLineFeedInAValue(t *testing.T) {
	requireRefusedEverywhere(t, "\n")
	requireRefusedEverywhere(t, "\nCERTBOT_DOMAIN=evil")
}

// TestControlCharacters: no carriage return, tab, escape or C1 control
// comes in (CVE-2024-52006, CVE-2024-50349), or into a message as it is.
func TestControlCharacters(t *testing.T) {
	for _, text := range []string{"\r", "\r\n", "\t", "\x1b[31m", "\x1b]0;x\a", "\x7f", "\u0085", "\u009b31m", "\b", "\v", "\x01"} {
		requireRefusedEverywhere(t, text)
	}
	for _, call := range []envmap.Call{
		{Args: []string{"auth\x1b[2J"}},
		certbotCall("auth", "CERTBOT_DOMAIN", "a\x1b[2J", "CERTBOT_IDENTIFIER", "b\r\u009b", "CERTBOT_VALIDATION", value),
		certbotCall("deploy", "RENEWED_LINEAGE", "/live/\x1b[2J", "RENEWED_DOMAINS", "a.test"),
		certbotCall("deploy", "RENEWED_LINEAGE", "/live", "RENEWED_DOMAINS", "a\x1b.test"),
	} {
		_, err := lookup(t, "certbot").Decode(call)
		require.Error(t, err)
		requirePlain(t, err.Error())
	}
	for _, args := range [][]string{
		{"deploy\x1b[2J"}, {"deploy_cert", "a.test", "/k\x1b", "/c", "/f", "/h", "1"}, {"exit_hook", "\x1b[2J"}, {"invalid_challenge", "a.test", "\u009b2J"},
		{"request_failure", "400\x1b", "", "get"}, {"generate_csr", "a.test", "/d", "a\x1b.test"},
	} {
		_, err := lookup(t, "dehydrated").Decode(dehydratedCall(args...))
		require.Error(t, err, "%q", args)
		requirePlain(t, err.Error())
	}
}

// TestNULInAMember: a NUL would end a variable or an argument early. The
// system refuses it as well, but only when a handler is started.
func TestNULInAMember(t *testing.T) {
	requireRefusedEverywhere(t, "\x00", "json")
	for _, line := range []string{
		`{"cmd": "start\u0000up"}`,
		`{"cmd": "cleanup", "type": "dns-01", "domain": "a.test", "validation": "` + value + `", "status": "x\u0000"}`,
		`{"cmd": "cleanup", "type": "dns-01", "domain": "a.test", "validation": "` + value + `", "error": "\u0000"}`,
		`{"cmd": "deploy_cert", "domain": "a.test", "cert_path": "/c\u0000.pem"}`,
		`{"cmd": "deploy_cert", "domains": ["a.test", "b\u0000.test"]}`,
		`{"cmd": "exit", "error": "a\u0000b"}`,
		`{"cmd": "exit", "failed_domains": ["\u0000"]}`,
		`{"cmd": "request_failure", "body": "\u0000"}`,
		`{"cmd": "save", "title": "a\u0000"}`,
	} {
		_, err := decodeLine(t, line, "")
		require.Error(t, err, line)
		requirePlain(t, err.Error())
	}
}

// TestValuesOfAMegabyte: no member that has a grammar takes a value that no
// variable or argument could hold; a message about one is short.
func TestValuesOfAMegabyte(t *testing.T) {
	for _, fill := range []string{"a", ":", "\u00fc"} {
		huge := strings.Repeat(fill, 1_000_000/len(fill))
		for _, s := range eachPlace(func(s string) string { return huge + s }) {
			_, err := lookup(t, "json").Decode(s.everyClient()["json"])
			require.True(t, err != nil, "a %s of %d times %q is taken", s.challengeType, len(huge)/len(fill), fill)
			require.Less(t, len(err.Error()), 600)
		}
	}
	huge := jsonString(strings.Repeat("a", 1_000_000))
	for cmd, names := range map[string][]string{
		"perform_challenge": {"type", "txt_domain", "uri", "command", "cert_path", "port", "key_auth", "cert_pem", "key_pem"},
		"cleanup":           {"status", "validated", "error"},
		"deploy_cert":       {"domain", "fullchain_path"},
		"request_failure":   {"body", "method", "headers"},
		"exit":              {"error"},
		"save":              {"title"},
		"generate_csr":      {"cert_dir"},
	} {
		for _, name := range names {
			line := fmt.Sprintf(`{"cmd": %q, %q: %s`, cmd, name, huge)
			if cmd == "perform_challenge" || cmd == "cleanup" {
				line += fmt.Sprintf(`, "domain": "a.test", "validation": %q`, value)
			}
			_, err := decodeLine(t, line+"}", "")
			require.True(t, err != nil, "%s takes %s of 1000000 bytes", cmd, name)
			require.Less(t, len(err.Error()), 600)
		}
	}
}

// TestNotUTF8: bytes that are not UTF-8 are refused, shown escaped, and
// never taken for U+FFFD.
func TestNotUTF8(t *testing.T) {
	for _, text := range []string{"\xff", "\xff\xfe", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"} {
		requireRefusedEverywhere(t, text)
		for _, call := range []envmap.Call{
			dehydratedCall("deploy_cert", "a.test", "/k", "/c"+text, "/f", "/h", "1"),
			dehydratedCall("exit_hook", text), dehydratedCall("invalid_challenge", "a.test", text),
			dehydratedCall("request_failure", "400", text, "get"), dehydratedCall("generate_csr", "a.test", "/d", "b"+text+".test"),
		} {
			_, err := lookup(t, "dehydrated").Decode(call)
			require.Error(t, err, "%q", call.Args)
			require.NotContains(t, err.Error(), "\ufffd")
		}
		_, err := decodeLine(t, `{"cmd": "startup", "x": "`+text+`"}`, "")
		require.ErrorContains(t, err, "UTF-8")
	}
}

// FuzzAcceptedValuesStay: what is accepted goes out byte for byte, but for
// the identifier's case and final dot.
func FuzzAcceptedValuesStay(f *testing.F) {
	f.Add("example.org", token, keyAuth, "/etc/certs/cert.pem", "it went wrong\n")
	f.Add("Example.ORG.", "-rf", "-rf."+thumbprint, "/l e/c$(x)`y`.pem", "$(touch pwn) \u00fc %s%n {{.}}")
	f.Add("2001:db8::1", "t", "t."+thumbprint, "/\u00fc", "-n --help")
	f.Add("ex\xffmple.org", "\xff", "t.\xff", "/\xff", "\xff")
	f.Fuzz(func(t *testing.T, domain, token, validation, path, text string) {
		for _, args := range [][]string{
			{"deploy_challenge", domain, token, validation}, {"clean_challenge", domain, token, validation},
			{"deploy_cert", "example.org", path, path, path, path, "1"}, {"exit_hook", text}, {"invalid_challenge", "example.org", text},
		} {
			events, err := lookup(t, "dehydrated").Decode(dehydratedCall(args...))
			if err != nil {
				continue
			}
			if args[1] == domain && events[0].IsChallenge() {
				args[1] = strings.TrimSuffix(strings.ToLower(strings.TrimPrefix(domain, "ip:")), ".")
			}
			events[0].Client = "another"
			again, err := lookup(t, "dehydrated").Encode(events[0])
			require.NoError(t, err)
			if events[0].Type == envmap.TLSALPN01 {
				args[3] = envmap.ALPNHex(validation)
			}
			require.Equal(t, args, again.Args)
			requireJSONKeeps(t, events[0])
		}
	})
}

// requireJSONKeeps sends an event over the wire and back.
func requireJSONKeeps(t *testing.T, e envmap.Event) {
	line, err := lookup(t, "json").Encode(e)
	require.NoError(t, err)
	back, err := decodeLine(t, string(line.Stdin), "")
	require.NoError(t, err)
	require.Equal(t, []string{e.Domain, e.Token, e.Validation, e.CertPath, e.Error},
		[]string{back.Domain, back.Token, back.Validation, back.CertPath, back.Error})
}

// TestLookAlikes: letters of other scripts, other dots, and characters that
// nobody sees make a name that reads like another. The message says what to
// write.
func TestLookAlikes(t *testing.T) {
	tables := []struct{ from, to rune }{
		{0x0391, 0x03c9}, {0x0400, 0x045f}, {0x0531, 0x0556}, // Greek, Cyrillic, Armenian
		{0xff01, 0xff5e}, {0x2100, 0x214f}, {0x1d400, 0x1d433}, // full width, letterlike, mathematical
		{0x2010, 0x2015}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2069}, // hyphens, joiners, bidi controls
		{0x3002, 0x3002}, {0xff61, 0xff61}, {0x2024, 0x2024}, {0xfeff, 0xfeff}, {0x00ad, 0x00ad}, {0x0131, 0x0131}, {0x017f, 0x017f},
	}
	names := 0
	for _, table := range tables {
		for r := table.from; r <= table.to; r++ {
			names++
			s := good()
			s.domain = "ex" + string(r) + "mple.org"
			requireRefused(t, s)
			for client, call := range s.everyClient() {
				_, err := lookup(t, client).Decode(call)
				require.ErrorContains(t, err, "A-label (xn--", "%s %U", client, r)
			}
		}
	}
	require.Greater(t, names, 200)
}

// TestMalformedNames: only the case and one final dot are brought into form.
func TestMalformedNames(t *testing.T) {
	label := strings.Repeat("a", 63)
	name := label + "." + label + "." + label + "." + strings.Repeat("a", 61)
	for said, want := range map[string]string{
		"example.org": "example.org", "EXAMPLE.Org": "example.org", "example.org.": "example.org", "_acme.a_b.org": "_acme.a_b.org",
		"xn--bcher-kva.example": "xn--bcher-kva.example", "a": "a", label + ".org": label + ".org", name: name, name + ".": name,
		"1.2.3.in-addr.arpa": "1.2.3.in-addr.arpa", "3com.example": "3com.example",
	} {
		s := good()
		s.domain = said
		for client, call := range s.everyClient() {
			events, err := lookup(t, client).Decode(call)
			require.NoError(t, err, "%s %s", client, said)
			require.Equal(t, want, events[0].Domain)
		}
	}
	for _, domain := range []string{
		label + "a.org", name + "a", name + ".a", "a..b", ".a", ".", "..", "example.org..", "a.*.org", "*.a.org", "*", "*.", "a*.org", "**.a.org",
		"-a.org", "a-.org", "a b.org", "a/b", "a:b", "a@b.org", "http://a.org", "a.org:80", "[::1]", "a,b", "a.org\x20",
	} {
		s := good()
		s.domain = domain
		requireRefused(t, s)
	}
	// A certificate's names may be wildcards, with only a star in the first
	// label.
	for domain, ok := range map[string]bool{"*.a.org": true, "*.A.org.": true, "a.*.org": false, "*": false, "*.": false, "*a.org": false, "*.*.org": false} {
		_, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_cert", domain, "/k", "/c", "/f", "/h", "1"))
		require.Equal(t, ok, err == nil, domain)
		_, err = lookup(t, "certbot").Decode(certbotCall("deploy", "RENEWED_LINEAGE", "/live", "RENEWED_DOMAINS", "b.org "+domain))
		require.Equal(t, ok, err == nil, domain)
	}
}

// TestEmptyValues: an empty value is refused by its name, not taken for one
// that was not said (CVE-2020-11008).
func TestEmptyValues(t *testing.T) {
	for i, clear := range []func(*said){
		func(s *said) { s.domain = "" }, func(s *said) { s.token = "" }, func(s *said) { s.validation = "" },
	} {
		s := good()
		clear(&s)
		requireRefused(t, s, "certbot", "dehydrated", "json")
		names := map[string][]string{
			"certbot":    {"CERTBOT_DOMAIN", "CERTBOT_TOKEN", "CERTBOT_VALIDATION"},
			"dehydrated": {"DOMAIN", "TOKEN_FILENAME", "TOKEN_VALUE"},
			"json":       {"domain", "token", "validation"},
		}
		for client, call := range s.everyClient() {
			if names[client] == nil {
				continue
			}
			for _, operation := range []string{"deploy_challenge", "clean_challenge", "auth", "cleanup"} {
				if client != "json" && contains([]string{"auth", "cleanup"}, operation) == (client == "certbot") {
					call.Args[0] = operation
				}
				_, err := lookup(t, client).Decode(call)
				require.ErrorContains(t, err, names[client][i]+" is empty")
			}
		}
	}
}

// TestEmptyNamesOfARequest: a request without a name is refused.
func TestEmptyNamesOfARequest(t *testing.T) {
	for _, names := range []string{"", " ", "\t"} {
		_, err := lookup(t, "dehydrated").Decode(dehydratedCall("generate_csr", "a.test", "/d", names))
		require.ErrorContains(t, err, "ALTNAMES is empty")
	}
}

// TestAddresses: an IP address is an identifier where the challenge type
// can be for one (RFC 8738); it has no TXT record. The name that tls-alpn-01
// asks for in its place is a name.
func TestAddresses(t *testing.T) {
	for _, domain := range []string{"192.0.2.1", "2001:db8::1", "::1", "::ffff:192.0.2.1"} {
		for challengeType, validation := range map[string]string{envmap.HTTP01: keyAuth, envmap.TLSALPN01: alpnValue} {
			for client, call := range (said{challengeType, domain, token, validation}).everyClient() {
				if client == "certbot" && challengeType != envmap.HTTP01 {
					continue
				}
				events, err := lookup(t, client).Decode(call)
				require.NoError(t, err, "%s %s %s", client, challengeType, domain)
				require.Equal(t, domain, events[0].Domain)
			}
		}
		for challengeType, validation := range map[string]string{envmap.DNS01: value, envmap.DNSAccount01: value, envmap.DNSPersist01: "ca.example"} {
			requireRefused(t, said{challengeType, domain, token, validation}, "dehydrated", "json", "handler")
		}
		_, err := lookup(t, "certbot").Decode(certbotCall("auth", "CERTBOT_DOMAIN", domain, "CERTBOT_VALIDATION", value))
		require.ErrorContains(t, err, "IP address")
	}
	for _, domain := range []string{"1.2.0.192.in-addr.arpa", "1." + strings.Repeat("0.", 31) + "ip6.arpa"} {
		events, err := lookup(t, "dehydrated").Decode((said{envmap.TLSALPN01, domain, token, alpnValue}).everyClient()["dehydrated"])
		require.NoError(t, err)
		require.Equal(t, domain, events[0].Domain)
	}
	for _, domain := range []string{"fe80::1%eth0", "[2001:db8::1]", "192.0.2.1/24", "192.0.2.1:80", "2001:db8::g", ":::"} {
		s := good()
		s.domain = domain
		requireRefused(t, s)
	}
}

// TestValueOfAnotherType: a value that is well formed for another type is
// refused, and the message says what the type wants.
func TestValueOfAnotherType(t *testing.T) {
	values := map[string]string{envmap.DNS01: value, envmap.HTTP01: keyAuth, envmap.TLSALPN01: alpnValue, envmap.TLSSNI01: sniValue}
	wants := map[string]string{
		envmap.DNS01: "43 base64url characters", envmap.DNSAccount01: "43 base64url characters", envmap.HTTP01: "TOKEN.THUMBPRINT",
		envmap.TLSALPN01: "32 bytes as hex or base64url", envmap.TLSSNI01: "acme.invalid",
	}
	for challengeType, want := range wants {
		for other, validation := range values {
			same := challengeType == other || other == envmap.DNS01 && (challengeType == envmap.DNSAccount01 || challengeType == envmap.TLSALPN01)
			for client, call := range (said{challengeType, "example.org", token, validation}).everyClient() {
				if same || client == "certbot" {
					continue
				}
				_, err := lookup(t, client).Decode(call)
				refused := new(envmap.ValueError)
				require.ErrorAs(t, err, &refused, "%s: %s for %s", client, other, challengeType)
				require.ErrorContains(t, err, want, "%s: %s for %s", client, other, challengeType)
			}
		}
	}
	// certbot names no type: with a token it is http-01.
	_, err := lookup(t, "certbot").Decode(certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_TOKEN", token, "CERTBOT_VALIDATION", value))
	require.ErrorContains(t, err, "TOKEN.THUMBPRINT")
}
