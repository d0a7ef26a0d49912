package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func FuzzDecodeModMD(f *testing.F) { fuzzCalls(f, "mod_md") }

func modMDVersion(t *testing.T, version string) *envmap.Convention {
	c, err := lookup(t, "mod_md").To.With(map[string]string{"version": version})
	require.NoError(t, err)
	return c
}

// TestModMDVersions: the versions differ in a teardown, as client and as
// handler.
func TestModMDVersions(t *testing.T) {
	setup, both, one := []string{"setup", "example.org", value}, []string{"teardown", "example.org", value}, []string{"teardown", "example.org"}
	for version, teardown := range map[string][]string{"1": one, "2": both, "": both} {
		c := modMDVersion(t, version)
		for cmd, want := range map[envmap.Cmd][]string{envmap.PerformChallenge: setup, envmap.Cleanup: teardown} {
			call, err := c.Encode(full(cmd))
			require.NoError(t, err)
			require.Equal(t, want, call.Args)
			events, err := c.Decode(call)
			require.NoError(t, err)
			require.Equal(t, cmd, events[0].Cmd)
			require.Equal(t, len(want) == 2, events[0].Partial)
		}
	}
	_, err := lookup(t, "mod_md").To.With(map[string]string{"version": "3"})
	require.Error(t, err)
}

// TestModMDTeardownOfADomain: what only names a domain is told as it came.
func TestModMDTeardownOfADomain(t *testing.T) {
	call := envmap.Call{Args: []string{"teardown", "Example.org"}, Env: map[string]string{}}
	events, err := lookup(t, "mod_md").Decode(call)
	require.NoError(t, err)
	require.True(t, events[0].Partial)
	require.Empty(t, events[0].Validation)
	again, err := lookup(t, "mod_md").Encode(events[0])
	require.NoError(t, err)
	require.Equal(t, []string{"teardown", "example.org"}, again.Args)
	_, err = lookup(t, "certbot").Encode(events[0])
	require.ErrorAs(t, err, new(*envmap.MissingError))
}

func TestModMDMessages(t *testing.T) {
	for _, reason := range []string{
		"renewing", "challenge-setup:dns-01:a.example.org", "renewed", "installed", "expiring", "errored", "ocsp-renewed", "ocsp-errored",
	} {
		for _, args := range [][]string{{reason, "example.org"}, {reason, "example.org", "later"}} {
			events, err := lookup(t, "mod_md").Decode(envmap.Call{Args: args})
			require.NoError(t, err)
			require.Empty(t, events)
		}
	}
}

// TestModMDInstalled: where the store is known, so are the files.
func TestModMDInstalled(t *testing.T) {
	call := envmap.Call{Args: []string{"installed", "example.org"}, Env: map[string]string{"EXTAUTH_MD_STORE": "/md/"}}
	events, err := lookup(t, "mod_md").Decode(call)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, envmap.DeployCert, events[0].Cmd)
	require.Equal(t, "/md/domains/example.org/privkey.pem", events[0].KeyPath)
	require.Equal(t, "/md/domains/example.org/pubcert.pem", events[0].FullchainPath)
	call.Args[0] = "renewed" // and staged; the server still uses the one before
	events, err = lookup(t, "mod_md").Decode(call)
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestModMDCalls(t *testing.T) {
	for _, args := range [][]string{
		{}, {"setup"}, {"setup", "example.org"}, {"setup", "example.org", value, "more"},
		{"teardown"}, {"teardown", "example.org", value, "more"}, {"renewed"}, {"Setup", "example.org", value}, {"example.org"},
	} {
		_, err := lookup(t, "mod_md").Decode(envmap.Call{Args: args})
		require.ErrorAs(t, err, new(*envmap.CallError), "%q", args)
	}
}

func TestModMDValues(t *testing.T) {
	store := map[string]string{"EXTAUTH_MD_STORE": "/md"}
	for name, calls := range map[string][]envmap.Call{
		"DOMAIN":           {{Args: []string{"setup", "", value}}, {Args: []string{"teardown", "*.example.org"}}, {Args: []string{"setup", "192.0.2.1", value}}},
		"VALUE":            {{Args: []string{"setup", "example.org", ""}}, {Args: []string{"teardown", "example.org", keyAuth}}},
		"MDNAME":           {{Args: []string{"installed", ""}, Env: store}, {Args: []string{"installed", ".."}, Env: store}, {Args: []string{"installed", "a/b"}, Env: store}},
		"EXTAUTH_MD_STORE": {{Args: []string{"installed", "example.org"}, Env: map[string]string{"EXTAUTH_MD_STORE": "md"}}},
	} {
		for _, call := range calls {
			_, err := lookup(t, "mod_md").Decode(call)
			v := new(envmap.ValueError)
			require.ErrorAs(t, err, &v, "%q", call.Args)
			require.Equal(t, name, v.Name, "%q", call.Args)
		}
	}
}
