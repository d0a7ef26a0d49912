package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestEncodeValidates: no convention passes on what is not valid.
func TestEncodeValidates(t *testing.T) {
	for _, bad := range []envmap.Event{
		{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: "x;touch PWNED\n--opt", Token: "-t", Validation: value, TXTDomain: "_acme-challenge.x"},
		{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: "a.test", Token: "-t", Validation: "$(id)", TXTDomain: "_acme-challenge.a.test"},
		{},
	} {
		for _, c := range envmap.Conventions() {
			_, err := c.Encode(bad)
			require.ErrorAs(t, err, new(*envmap.ValueError), c.Name)
			_, err = c.EncodeBatch([]envmap.Event{full(envmap.PerformChallenge), bad})
			require.ErrorAs(t, err, new(*envmap.ValueError), c.Name)
		}
	}
	_, err := lookup(t, "json").EncodeBatch(nil)
	require.ErrorAs(t, err, new(*envmap.CallError))
}

// TestDirectionThatIsMissing: it is an error, not a crash.
func TestDirectionThatIsMissing(t *testing.T) {
	unsupported := new(envmap.UnsupportedError)
	_, err := lookup(t, "winacme").Decode(envmap.Call{Args: []string{"create"}})
	require.ErrorAs(t, err, &unsupported)
	require.EqualError(t, err, "winacme: has no client that calls us")
	_, err = new(envmap.Convention).Encode(full(envmap.PerformChallenge))
	require.ErrorAs(t, err, &unsupported)
	_, err = new(envmap.Convention).EncodeBatch([]envmap.Event{full(envmap.PerformChallenge)})
	require.ErrorAs(t, err, &unsupported)
}

// TestComplete: what an importer has is a key authorization.
func TestComplete(t *testing.T) {
	for kind, want := range map[string]envmap.Event{
		envmap.DNS01:     {Domain: "www.example.org", Validation: envmap.DNSValue(keyAuth), TXTDomain: "_acme-challenge.www.example.org"},
		envmap.HTTP01:    {Domain: "www.example.org", Validation: keyAuth, URI: "http://www.example.org/.well-known/acme-challenge/" + token},
		envmap.TLSALPN01: {Domain: "www.example.org", Validation: envmap.DNSValue(keyAuth)},
	} {
		want.Cmd, want.Type, want.Token, want.KeyAuth = envmap.PerformChallenge, kind, token, keyAuth
		got, err := envmap.Event{Cmd: envmap.PerformChallenge, Type: kind, Domain: "WWW.example.org.", KeyAuth: keyAuth}.Complete("")
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = envmap.Event{Cmd: envmap.PerformChallenge, Type: kind, Domain: "www.example.org", Token: token}.Complete(thumbprint)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	domains := []string{"A.test"}
	_, err := envmap.Event{Cmd: envmap.DeployCert, Domains: domains}.Complete("")
	require.NoError(t, err)
	require.Equal(t, []string{"A.test"}, domains, "the caller's own")
	_, err = envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: "a.test", Token: "other", KeyAuth: keyAuth}.Complete("")
	require.ErrorAs(t, err, new(*envmap.ValueError))
}
