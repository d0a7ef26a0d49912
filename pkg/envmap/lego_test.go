package envmap_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func FuzzDecodeLego(f *testing.F) { fuzzCalls(f, "lego") }

func legoCall(args ...string) envmap.Call { return envmap.Call{Args: args} }

func decodeLego(t *testing.T, call envmap.Call) envmap.Event {
	events, err := lookup(t, "lego").Decode(call)
	require.NoError(t, err, "%v", call)
	require.Len(t, events, 1)
	return events[0]
}

// TestLegoNames: the identifier is what follows _acme-challenge; with a CNAME
// it is not known.
func TestLegoNames(t *testing.T) {
	for _, test := range []struct{ fqdn, domain, txt string }{
		{"_acme-challenge.example.org.", "example.org", "_acme-challenge.example.org"},
		{"_acme-challenge.Example.ORG.", "example.org", "_acme-challenge.example.org"},
		{"_acme-challenge.xn--mnchen-3ya.example.", "xn--mnchen-3ya.example", "_acme-challenge.xn--mnchen-3ya.example"},
		{"example-org.acme.example.net.", "", "example-org.acme.example.net"},
		{"a._acme-challenge.example.org.", "", "a._acme-challenge.example.org"},
	} {
		e := decodeLego(t, legoCall("present", test.fqdn, value))
		require.Equal(t, envmap.DNS01, e.Type)
		require.Equal(t, test.domain, e.Domain, test.fqdn)
		require.Equal(t, test.txt, e.TXTDomain, test.fqdn)
		require.Empty(t, e.KeyAuth)
	}
}

// TestLegoTTL: up to 1.2 lego gave a TTL too; no handler needs it.
func TestLegoTTL(t *testing.T) {
	old := decodeLego(t, legoCall("cleanup", "_acme-challenge.example.org.", value, "120"))
	require.Equal(t, decodeLego(t, legoCall("cleanup", "_acme-challenge.example.org.", value)), old)
}

// TestLegoRaw: the value follows from the key authorization. What begins with a
// dash is not an option.
func TestLegoRaw(t *testing.T) {
	dashed := "-" + token
	for _, token := range []string{token, dashed} {
		keyAuth := token + "." + thumbprint
		e := decodeLego(t, legoCall("present", "--", "example.org", token, keyAuth))
		require.Equal(t, envmap.DNSValue(keyAuth), e.Validation)
		require.Equal(t, "_acme-challenge.example.org", e.TXTDomain)
		require.Equal(t, token, e.Token)
	}
}

// TestLegoRefuses names what is refused as lego's documentation does.
func TestLegoRefuses(t *testing.T) {
	const fqdn = "_acme-challenge.example.org."
	for _, test := range []struct {
		name string
		call envmap.Call
	}{
		{"FQDN", legoCall("present", "", value)},
		{"FQDN", legoCall("present", ".", value)},
		{"FQDN", legoCall("present", "_acme-challenge.example.org..", value)},
		{"FQDN", legoCall("present", "_acme-challenge.a b.", value)},
		{"FQDN", legoCall("present", "_acme-challenge.*.example.org.", value)},
		{"FQDN", legoCall("present", "_acme-challenge.192.0.2.1.", value)},
		{"FQDN", legoCall("present", "$(touch pwned).", value)},
		{"VALUE", legoCall("present", fqdn, "")},
		{"VALUE", legoCall("present", fqdn, "short")},
		{"VALUE", legoCall("cleanup", fqdn, keyAuth)},
		{"TTL", legoCall("present", fqdn, value, "soon")},
		{"TTL", legoCall("present", fqdn, value, "")},
		{"DOMAIN", legoCall("present", "--", "", token, keyAuth)},
		{"DOMAIN", legoCall("present", "--", "*.example.org", token, keyAuth)},
		{"DOMAIN", legoCall("present", "--", "192.0.2.1", token, keyAuth)},
		{"TOKEN", legoCall("present", "--", "example.org", "", keyAuth)},
		{"TOKEN", legoCall("present", "--", "example.org", "other", keyAuth)},
		{"KEYAUTH", legoCall("present", "--", "example.org", token, "")},
		{"KEYAUTH", legoCall("present", "--", "example.org", token, token+".short")},
	} {
		refused := new(envmap.ValueError)
		_, err := lookup(t, "lego").Decode(test.call)
		require.ErrorAs(t, err, &refused, "%v", test.call)
		require.Equal(t, test.name, refused.Name, "%v: %v", test.call, err)
	}
}

// TestLegoMissingThumbprint: an empty key authorization is refused, and not
// made of the thumbprint that somebody set for another client.
func TestLegoMissingThumbprint(t *testing.T) {
	call := legoCall("present", "--", "example.org", token, "")
	call.Env = map[string]string{"EXTAUTH_THUMBPRINT": thumbprint}
	_, err := lookup(t, "lego").Decode(call)
	require.ErrorAs(t, err, new(*envmap.ValueError))
}

func TestLegoCallsThatNoLegoMakes(t *testing.T) {
	for _, call := range []envmap.Call{
		legoCall(), legoCall("present"), legoCall("present", "--"), legoCall("present", "a.", value, "120", "x"),
		legoCall("cleanup", "--", "example.org", token), legoCall("cleanup", "--", "example.org", token, keyAuth, "x"),
		legoCall("run"), legoCall("deploy"), legoCall("run", "deploy"), legoCall("post", "x"), legoCall("timeout"),
	} {
		_, err := lookup(t, "lego").Decode(call)
		require.ErrorAs(t, err, new(*envmap.CallError), "%v", call)
	}
}

func legoHook(word string, variables ...string) envmap.Call { return certbotCall(word, variables...) }

// TestLegoHooks5: the hooks of 5.x have all names, and a prefix of their own.
func TestLegoHooks5(t *testing.T) {
	call := legoHook("deploy", "LEGO_HOOK_CERT_NAME", "main", "LEGO_HOOK_CERT_DOMAINS", "example.org,*.example.org",
		"LEGO_HOOK_CERT_PATH", "/l/main.crt", "LEGO_HOOK_CERT_KEY_PATH", "/l/main.key", "LEGO_HOOK_ISSUER_CERT_PATH", "/l/main.issuer.crt")
	e := decodeLego(t, call)
	require.Equal(t, envmap.DeployCert, e.Cmd)
	require.Equal(t, "example.org", e.Domain)
	require.Equal(t, []string{"example.org", "*.example.org"}, e.Domains)
	require.Equal(t, []string{"/l/main.crt", "/l/main.key", "/l/main.issuer.crt", "/l/main.crt"},
		[]string{e.FullchainPath, e.KeyPath, e.ChainPath, e.CertPath})
	again, err := lookup(t, "lego").Encode(e)
	require.NoError(t, err)
	require.Equal(t, envmap.Call{Env: call.Env}, again, "lego's own hook gets what lego said")

	require.Equal(t, envmap.Startup, decodeLego(t, legoHook("pre")).Cmd)
	post := decodeLego(t, legoHook("post", "LEGO_HOOK_CERT_DOMAINS", "example.org,*.example.org"))
	require.Equal(t, envmap.Exit, post.Cmd)
	require.Equal(t, e.Domains, post.Domains)
}

// TestLegoIssuer: 5.x and 4.17 name the issuer's file; before, it is beside the
// bundle.
func TestLegoIssuer(t *testing.T) {
	four := []string{"LEGO_CERT_DOMAIN", "*.example.org", "LEGO_CERT_PATH", "/l/_.example.org.crt", "LEGO_CERT_KEY_PATH", "/l/_.example.org.key"}
	require.Equal(t, "/l/_.example.org.issuer.crt", decodeLego(t, legoHook("renew", four...)).ChainPath)
	require.Equal(t, "/l/other", decodeLego(t, legoHook("run", append(four, "LEGO_ISSUER_CERT_PATH", "/l/other")...)).ChainPath)
	five := []string{"LEGO_HOOK_CERT_DOMAINS", "example.org", "LEGO_HOOK_CERT_PATH", "/l/a.crt", "LEGO_HOOK_CERT_KEY_PATH", "/l/a.key"}
	require.Empty(t, decodeLego(t, legoHook("deploy", five...)).ChainPath)
}

// TestLegoRelativePaths: they are below lego's working directory, which only
// $PWD tells; without it they are refused.
func TestLegoRelativePaths(t *testing.T) {
	call := legoHook("run", "LEGO_CERT_DOMAIN", "example.org", "LEGO_CERT_PATH", ".lego/certificates/example.org.crt",
		"LEGO_CERT_KEY_PATH", "../keys/example.org.key", "PWD", "/srv")
	e := decodeLego(t, call)
	require.Equal(t, "/srv/.lego/certificates/example.org.crt", e.FullchainPath)
	require.Equal(t, "/srv/../keys/example.org.key", e.KeyPath)
	require.Equal(t, "/srv/.lego/certificates/example.org.issuer.crt", e.ChainPath)
	require.Equal(t, ".lego/certificates/example.org.crt", e.ClientEnv["LEGO_CERT_PATH"])
	for _, dir := range []string{"", "srv", "."} {
		call.Env["PWD"] = dir
		refused := new(envmap.ValueError)
		_, err := lookup(t, "lego").Decode(call)
		require.ErrorAs(t, err, &refused, dir)
		require.Equal(t, "LEGO_CERT_PATH", refused.Name)
	}
}

func TestLegoHookNamesTheVariable(t *testing.T) {
	whole := map[string]string{
		"LEGO_CERT_DOMAIN": "example.org", "LEGO_CERT_PATH": "/l/a.crt", "LEGO_CERT_KEY_PATH": "/l/a.key", "LEGO_ISSUER_CERT_PATH": "/l/i.crt",
	}
	for name := range whole {
		for _, bad := range []string{"", "a\nb"} {
			call := legoHook("run")
			for n, v := range whole {
				call.Env[n] = v
			}
			call.Env[name] = bad
			refused := new(envmap.ValueError)
			_, err := lookup(t, "lego").Decode(call)
			require.ErrorAs(t, err, &refused, name)
			require.Equal(t, name, refused.Name)
		}
	}
	_, err := lookup(t, "lego").Decode(legoHook("post", "LEGO_HOOK_CERT_DOMAINS", "a..b"))
	require.ErrorContains(t, err, "LEGO_HOOK_CERT_DOMAINS")
}

// TestLegoModes: a handler gets the form that its line asks for; without a line
// it is the default one, but lego's own where lego is the client.
func TestLegoModes(t *testing.T) {
	plain := challenge(envmap.DNS01, "example.org", value)
	plain.TXTDomain = "_acme-challenge.example.org"
	known := plain
	known.Token, known.KeyAuth = token, keyAuth
	raw := decodeLego(t, legoCall("present", "--", "example.org", token, keyAuth))
	inDefault := []string{"present", "_acme-challenge.example.org.", value}
	inRaw := []string{"present", "--", "example.org", token, keyAuth}
	for _, test := range []struct {
		mode string
		e    envmap.Event
		want []string
	}{
		{"", plain, inDefault}, {"", known, inDefault}, {"", raw, inRaw},
		{"default", plain, inDefault}, {"default", known, inDefault}, {"default", raw, inDefault},
		{"raw", plain, nil}, {"raw", known, inRaw}, {"raw", raw, inRaw},
	} {
		got, err := legoEncode(t, test.mode, test.e)
		require.Equal(t, test.want == nil, errors.As(err, new(*envmap.MissingError)), "%s: %v", test.mode, err)
		require.Equal(t, test.want, got.Args)
	}
	_, err := lookup(t, "lego").To.With(map[string]string{"mode": "RAW"})
	require.EqualError(t, err, `mode=: "RAW" is neither default nor raw`)
}

func legoEncode(t *testing.T, mode string, e envmap.Event) (envmap.Call, error) {
	c, err := lookup(t, "lego").To.With(map[string]string{"mode": mode})
	require.NoError(t, err)
	return c.Encode(e)
}

// TestLegoSubstitutedName: with a CNAME default mode has all that it needs; RAW
// tells the name from which the handler makes the record's, or is refused.
func TestLegoSubstitutedName(t *testing.T) {
	e := challenge(envmap.DNS01, "example.org", value)
	e.Token, e.KeyAuth, e.TXTDomain = token, keyAuth, "_acme-challenge.example.net"
	got, err := legoEncode(t, "raw", e)
	require.NoError(t, err)
	require.Equal(t, []string{"present", "--", "example.net", token, keyAuth}, got.Args)
	e.TXTDomain = "example-org.acme.example.net"
	_, err = legoEncode(t, "raw", e)
	require.ErrorAs(t, err, new(*envmap.MissingError))
	got, err = legoEncode(t, "", e)
	require.NoError(t, err)
	require.Equal(t, []string{"present", "example-org.acme.example.net.", value}, got.Args)
}

func TestLegoIsForDNS01(t *testing.T) {
	for _, e := range []envmap.Event{
		challenge(envmap.HTTP01, "example.org", keyAuth), challenge(envmap.TLSALPN01, "example.org", value),
		challenge(envmap.DNSPersist01, "example.org", "ca.example; accounturi=https://ca.example/1"),
	} {
		for _, mode := range []string{"", "raw"} {
			_, err := legoEncode(t, mode, e)
			require.ErrorAs(t, err, new(*envmap.UnsupportedError), e.Type)
		}
	}
}

// TestLegoHookOfAnotherClient: a hook script of 4.x finds what it reads, and so
// does one of 5.x.
func TestLegoHookOfAnotherClient(t *testing.T) {
	e := full(envmap.DeployCert)
	e.Domains = []string{"example.org", "*.example.org"}
	call, err := lookup(t, "lego").Encode(e)
	require.NoError(t, err)
	require.Empty(t, call.Args)
	require.Equal(t, map[string]string{
		"LEGO_CERT_DOMAIN": "example.org", "LEGO_HOOK_CERT_DOMAINS": "example.org,*.example.org",
		"LEGO_CERT_PATH": "/c/fullchain.pem", "LEGO_HOOK_CERT_PATH": "/c/fullchain.pem",
		"LEGO_CERT_KEY_PATH": "/c/privkey.pem", "LEGO_HOOK_CERT_KEY_PATH": "/c/privkey.pem",
		"LEGO_ISSUER_CERT_PATH": "/c/chain.pem", "LEGO_HOOK_ISSUER_CERT_PATH": "/c/chain.pem",
	}, call.Env)
	for _, take := range []func(*envmap.Event){
		func(e *envmap.Event) { e.FullchainPath = "" }, func(e *envmap.Event) { e.KeyPath = "" },
		func(e *envmap.Event) { e.Domain, e.Domains = "", nil },
	} {
		less := e
		take(&less)
		_, err := lookup(t, "lego").Encode(less)
		require.ErrorAs(t, err, new(*envmap.MissingError))
	}
}
