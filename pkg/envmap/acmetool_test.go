package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func acmetoolCall(stdin string, args ...string) envmap.Call {
	return envmap.Call{Args: args, Env: map[string]string{"ACME_STATE_DIR": "/var/lib/acme"}, Stdin: []byte(stdin)}
}

func FuzzDecodeAcmetool(f *testing.F) {
	for _, recorded := range calls(f, "acmetool") {
		for _, call := range recorded {
			args, env := textOf(call)
			f.Add(args, env, call.Stdin)
		}
	}
	f.Fuzz(func(t *testing.T, args, env string, stdin []byte) {
		call := callOf(args, env)
		call.Stdin = stdin
		events, err := lookup(t, "acmetool").Decode(call)
		requireSound(t, events, err)
	})
}

// TestAcmetoolStandardInput: what acmetool gave there, a hook of its gets
// again, and nothing where it gave nothing.
func TestAcmetoolStandardInput(t *testing.T) {
	for _, recorded := range calls(t, "acmetool") {
		for _, call := range recorded {
			events, err := lookup(t, "acmetool").Decode(call)
			require.NoError(t, err)
			stdin := ""
			for _, e := range events {
				stdin += string(encoded(t, "acmetool", e).Stdin)
			}
			require.Equal(t, string(call.Stdin), stdin)
		}
	}
}

// TestAcmetoolHasNoTargetElsewhere: the file is acmetool's own.
func TestAcmetoolHasNoTargetElsewhere(t *testing.T) {
	call := encoded(t, "acmetool", full(envmap.PerformChallenge))
	require.Equal(t, []string{"challenge-dns-start", "example.org", "", value, ""}, call.Args)
	require.Empty(t, call.Env)
	require.Empty(t, call.Stdin)
}

func TestAcmetoolDeclines(t *testing.T) {
	for _, args := range [][]string{
		{"challenge-tls-sni-start", "a.test", "", "x.acme.invalid", "y.acme.invalid"},
		{"challenge-tls-sni-stop", "a.test", "", "x.acme.invalid", "y.acme.invalid"},
		{"challenge-dns", "a.test"}, {"something-new"}, {""},
	} {
		_, err := lookup(t, "acmetool").Decode(acmetoolCall("", args...))
		require.ErrorAs(t, err, new(*envmap.OperationError), "%q", args)
	}
}

func TestAcmetoolCountsItsArguments(t *testing.T) {
	for _, args := range [][]string{
		{}, {"challenge-dns-start"}, {"challenge-dns-start", "a.test", ""}, {"challenge-dns-stop", "a.test", "", value, "", ""},
		{"challenge-http-start", "a.test", ""}, {"challenge-http-stop", "a.test", "", token, ""}, {"live-updated", "a.test"},
	} {
		_, err := lookup(t, "acmetool").Decode(acmetoolCall("a.test\n", args...))
		require.ErrorAs(t, err, new(*envmap.CallError), "%q", args)
	}
}

// TestAcmetoolTakesTheDocumentedCall, which has not the last, empty argument.
func TestAcmetoolTakesTheDocumentedCall(t *testing.T) {
	events, err := lookup(t, "acmetool").Decode(acmetoolCall("", "challenge-dns-start", "a.test", "", value))
	require.NoError(t, err)
	require.Equal(t, "_acme-challenge.a.test", events[0].TXTDomain)
}

func TestAcmetoolRefusesByName(t *testing.T) {
	for _, refused := range []struct {
		name, stdin string
		args        []string
	}{
		{"HOST", "", []string{"challenge-dns-start", "", "", value, ""}},
		{"HOST", "", []string{"challenge-dns-start", "a..test", "", value, ""}},
		{"TARGETFILE", "", []string{"challenge-dns-start", "a.test", "a\nb", value, ""}},
		{"VALUE", "", []string{"challenge-dns-start", "a.test", "", "", ""}},
		{"VALUE", "", []string{"challenge-dns-start", "a.test", "", "-", ""}},
		{"TOKEN", keyAuth, []string{"challenge-http-start", "a.test", "", ""}},
		{"standard input", "", []string{"challenge-http-start", "a.test", "", token}},
		{"standard input", keyAuth + "\n", []string{"challenge-http-start", "a.test", "", token}},
		{"standard input", "other." + thumbprint, []string{"challenge-http-start", "a.test", "", token}},
		{"HOST", "\n", []string{"live-updated"}},
		{"HOST", "a.test\n../../etc\n", []string{"live-updated"}},
	} {
		_, err := lookup(t, "acmetool").Decode(acmetoolCall(refused.stdin, refused.args...))
		got := new(envmap.ValueError)
		require.ErrorAs(t, err, &got, "%q", refused.args)
		require.Equal(t, refused.name, got.Name, "%q", refused.args)
	}
}

// TestAcmetoolStateDirectory: without it nobody knows where certificates are.
func TestAcmetoolStateDirectory(t *testing.T) {
	for _, dir := range []string{"", "state", "/a\nb"} {
		call := acmetoolCall("a.test\n", "live-updated")
		call.Env["ACME_STATE_DIR"] = dir
		_, err := lookup(t, "acmetool").Decode(call)
		require.ErrorContains(t, err, "ACME_STATE_DIR")
	}
	_, err := lookup(t, "acmetool").Decode(envmap.Call{Args: []string{"live-updated"}, Stdin: []byte("a.test\n")})
	require.EqualError(t, err, "ACME_STATE_DIR is not set")
}

// TestAcmetoolListIsWhole: each host ends its line, so that a list that was cut
// is seen.
func TestAcmetoolListIsWhole(t *testing.T) {
	for _, list := range []string{"", "a.test\nb.te"} {
		_, err := lookup(t, "acmetool").Decode(acmetoolCall(list, "live-updated"))
		require.ErrorAs(t, err, new(*envmap.CallError))
	}
}

// TestAcmetoolCertificates that are kept otherwise are none for its hooks.
func TestAcmetoolCertificates(t *testing.T) {
	_, err := lookup(t, "acmetool").Encode(full(envmap.DeployCert))
	require.ErrorAs(t, err, new(*envmap.UnsupportedError))
	events, err := lookup(t, "acmetool").Decode(acmetoolCall("a.test\nb.test\n", "live-updated"))
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, "/var/lib/acme/live/b.test/fullchain", events[1].FullchainPath)
	call := encoded(t, "acmetool", events[1])
	require.Equal(t, "b.test\n", string(call.Stdin))
	require.Equal(t, map[string]string{"ACME_STATE_DIR": "/var/lib/acme"}, call.Env)
}

func TestAcmetoolHandlerMayDecline(t *testing.T) {
	declined := lookup(t, "acmetool").To.Declined
	require.True(t, declined(42, []byte("whatever")))
	require.False(t, declined(1, nil))
}
