package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func FuzzDecodeGetssl(f *testing.F) { fuzzCalls(f, "getssl") }

// TestGetsslSpellings: before 2.29 the domain was the configuration's word.
func TestGetsslSpellings(t *testing.T) {
	for _, domain := range []string{"example.org", "*.example.org", "*.Example.ORG", "EXAMPLE.org."} {
		for word, cmd := range map[string]envmap.Cmd{"add": envmap.PerformChallenge, "del": envmap.Cleanup} {
			events, err := lookup(t, "getssl").Decode(envmap.Call{Args: []string{word, domain, value}})
			require.NoError(t, err, domain)
			require.Len(t, events, 1)
			e := events[0]
			require.Equal(t, cmd, e.Cmd)
			require.Equal(t, envmap.DNS01, e.Type)
			require.Equal(t, "example.org", e.Domain)
			require.Equal(t, value, e.Validation)
			require.Equal(t, "_acme-challenge.example.org", e.TXTDomain)
		}
	}
}

func TestGetsslCalls(t *testing.T) {
	for _, args := range [][]string{
		{}, {"add"}, {"add", "example.org"}, {"del", "example.org", value, "more"},
		{"example.org", value}, {"reload", "nginx"}, {"ADD", "example.org", value},
	} {
		_, err := lookup(t, "getssl").Decode(envmap.Call{Args: args})
		require.ErrorAs(t, err, new(*envmap.CallError), "%q", args)
	}
}

func TestGetsslValues(t *testing.T) {
	for _, refused := range []struct {
		args []string
		dir  string
		name string
	}{
		{[]string{"add", "", value}, "", "DOMAIN"},
		{[]string{"add", "*.*.example.org", value}, "", "DOMAIN"},
		{[]string{"add", "192.0.2.1", value}, "", "DOMAIN"},
		{[]string{"del", "example.org", ""}, "", "VALUE"},
		{[]string{"del", "example.org", keyAuth}, "", "VALUE"},
		{[]string{"reload"}, "", "DOMAIN_DIR"},
		{[]string{"reload"}, "/", "DOMAIN_DIR"},
		{[]string{"reload"}, "getssl/example.org", "DOMAIN_DIR"},
		{[]string{"reload"}, "/getssl/..", "DOMAIN_DIR"},
		{[]string{"reload"}, "/getssl/\x1b/example.org", "DOMAIN_DIR"},
	} {
		_, err := lookup(t, "getssl").Decode(envmap.Call{Args: refused.args, Env: map[string]string{"DOMAIN_DIR": refused.dir}})
		v := new(envmap.ValueError)
		require.ErrorAs(t, err, &v, "%q %s", refused.args, refused.dir)
		require.Equal(t, refused.name, v.Name, "%q %s", refused.args, refused.dir)
	}
}

// TestGetsslReload: only files under getssl's names can be told.
func TestGetsslReload(t *testing.T) {
	call := envmap.Call{Args: []string{"reload"}, Env: map[string]string{"DOMAIN_DIR": "/g/Example.org/"}}
	events, err := lookup(t, "getssl").Decode(call)
	require.NoError(t, err)
	e := events[0]
	require.Equal(t, "example.org", e.Domain)
	require.Equal(t, "/g/Example.org/Example.org.key", e.KeyPath)
	e.Client, e.ClientEnv = "", nil
	again, err := lookup(t, "getssl").Encode(e)
	require.NoError(t, err)
	require.Empty(t, again.Args)
	require.Equal(t, map[string]string{"DOMAIN_DIR": "/g/Example.org"}, again.Env)

	_, err = lookup(t, "getssl").Encode(full(envmap.DeployCert)) // certbot's names
	require.ErrorAs(t, err, new(*envmap.MissingError))
	_, err = lookup(t, "getssl").Encode(envmap.Event{Cmd: envmap.DeployCert})
	require.ErrorAs(t, err, new(*envmap.MissingError))
}

// TestGetsslSubstitutedName: a getssl script makes the record's name itself.
func TestGetsslSubstitutedName(t *testing.T) {
	e := full(envmap.PerformChallenge)
	e.TXTDomain = "_acme-challenge.alias.test"
	call, err := lookup(t, "getssl").Encode(e)
	require.NoError(t, err)
	require.Equal(t, []string{"alias.test", value}, call.Args)
	e.TXTDomain = "alias.test"
	_, err = lookup(t, "getssl").Encode(e)
	require.ErrorAs(t, err, new(*envmap.MissingError))
	e.Type, e.Token, e.Validation = envmap.HTTP01, token, keyAuth
	_, err = lookup(t, "getssl").Encode(e)
	require.ErrorAs(t, err, new(*envmap.UnsupportedError))
}
