package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func FuzzDecodeUacme(f *testing.F) { fuzzCalls(f, "uacme") }

func uacmeCall(args ...string) envmap.Call {
	return envmap.Call{Args: args, Env: map[string]string{}}
}

// TestUacmeTellsHowItEnded: done and failed are one event with two outcomes.
func TestUacmeTellsHowItEnded(t *testing.T) {
	for method, failed := range map[string]bool{"done": false, "failed": true} {
		events, err := lookup(t, "uacme").Decode(uacmeCall(method, "dns-01", "a.test", token, value))
		require.NoError(t, err)
		require.Equal(t, envmap.Cleanup, events[0].Cmd)
		require.Equal(t, failed, events[0].Undone)
		require.Equal(t, map[bool]string{false: "valid", true: "invalid"}[failed], events[0].Status)
	}
}

// TestUacmeHandlerIsToldTheOutcome: of a clean-up nobody knows anything bad of
// the challenge was done.
func TestUacmeHandlerIsToldTheOutcome(t *testing.T) {
	e := full(envmap.Cleanup)
	for method, set := range map[string]func(e *envmap.Event){
		"done":   func(e *envmap.Event) { e.Status = "pending" },
		"failed": func(e *envmap.Event) { e.Status = "invalid" },
	} {
		set(&e)
		require.Equal(t, method, encoded(t, "uacme", e).Args[0])
	}
	e.Status, e.Undone = "", true
	require.Equal(t, "failed", encoded(t, "uacme", e).Args[0])
}

func encoded(t *testing.T, convention string, e envmap.Event) envmap.Call {
	call, err := lookup(t, convention).Encode(e)
	require.NoError(t, err)
	return call
}

// TestUacmeDeclines what is not known, which is not an error.
func TestUacmeDeclines(t *testing.T) {
	for _, args := range [][]string{
		{"begin", "dns-account-01", "a.test", token, keyAuth}, {"begin", "dns-persist-01", "a.test", token, keyAuth},
		{"begin", "tls-sni-01", "a.test", token, keyAuth}, {"begin", "x", "a.test", token, keyAuth},
		{"renew", "dns-01", "a.test", token, value}, {"renew"},
	} {
		_, err := lookup(t, "uacme").Decode(uacmeCall(args...))
		require.ErrorAs(t, err, new(*envmap.OperationError), "%q", args)
	}
}

func TestUacmeCountsItsArguments(t *testing.T) {
	for _, args := range [][]string{
		{}, {"begin"}, {"begin", "dns-01", "a.test", token}, {"done", "dns-01", "a.test", token, value, ""},
	} {
		_, err := lookup(t, "uacme").Decode(uacmeCall(args...))
		require.ErrorAs(t, err, new(*envmap.CallError), "%q", args)
	}
}

func TestUacmeRefusesByName(t *testing.T) {
	for name, args := range map[string][]string{
		"TYPE":  {"begin", "", "a.test", token, value},
		"IDENT": {"begin", "dns-01", "a..test", token, value},
		"TOKEN": {"begin", "dns-01", "a.test", "../x", value},
		"AUTH":  {"begin", "http-01", "a.test", token, value},
	} {
		_, err := lookup(t, "uacme").Decode(uacmeCall(args...))
		refused := new(envmap.ValueError)
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, name, refused.Name)
	}
	for i, name := range []string{"TYPE", "IDENT", "TOKEN", "AUTH"} {
		args := []string{"begin", "dns-01", "a.test", token, value}
		args[1+i] = ""
		_, err := lookup(t, "uacme").Decode(uacmeCall(args...))
		require.EqualError(t, err, name+" is empty")
	}
}

// TestUacmeOfAnAddress: identifiers of IP addresses are bare.
func TestUacmeOfAnAddress(t *testing.T) {
	events, err := lookup(t, "uacme").Decode(uacmeCall("begin", "http-01", "2001:db8::1", token, keyAuth))
	require.NoError(t, err)
	require.Equal(t, "http://[2001:db8::1]/.well-known/acme-challenge/"+token, events[0].URI)
	require.Equal(t, "2001:db8::1", encoded(t, "uacme", events[0]).Args[2])
}

// TestUacmeALPN: the digest that dehydrated gives as hex.
func TestUacmeALPN(t *testing.T) {
	e := envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.TLSALPN01, Domain: "a.test", Token: token, Validation: envmap.ALPNHex(value)}
	require.Equal(t, []string{"begin", "tls-alpn-01", "a.test", token, value}, encoded(t, "uacme", e).Args)
	e.Token = ""
	_, err := lookup(t, "uacme").Encode(e)
	require.EqualError(t, err, "uacme: event has no token")
}

// TestUacmeVariables repeat the arguments, also where those that came are of
// the call that is now undone.
func TestUacmeVariables(t *testing.T) {
	call := uacmeCall("begin", "dns-01", "a.test", token, value)
	call.Env = map[string]string{"UACME_METHOD": "begin", "UACME_CONFDIR": "/etc/ssl/uacme", "UACME_CHALLENGE_PATH": "/srv"}
	events, err := lookup(t, "uacme").Decode(call)
	require.NoError(t, err)
	undo := events[0]
	undo.Cmd, undo.Undone = envmap.Cleanup, true
	require.Equal(t, map[string]string{"UACME_METHOD": "failed", "UACME_CONFDIR": "/etc/ssl/uacme"}, encoded(t, "uacme", undo).Env)
	undo.Client, undo.Token = "certbot", ""
	require.Equal(t, map[string]string{
		"UACME_METHOD": "failed", "UACME_TYPE": "dns-01", "UACME_IDENT": "a.test",
		"UACME_TOKEN": value, "UACME_AUTH": value, "EXTAUTH_TOKEN_SYNTHETIC": "1",
	}, encoded(t, "uacme", undo).Env)
}

// TestUacmeNeedsTheIdentifier: a record whose name was substituted has none
// that a uacme hook could make it from.
func TestUacmeNeedsTheIdentifier(t *testing.T) {
	e := full(envmap.PerformChallenge)
	e.TXTDomain = "validation.example.net"
	_, err := lookup(t, "uacme").Encode(e)
	require.EqualError(t, err, "uacme: event has no domain")
}
