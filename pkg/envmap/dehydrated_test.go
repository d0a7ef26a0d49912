package envmap_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func dehydratedCall(args ...string) envmap.Call {
	return envmap.Call{Args: args, Env: map[string]string{}}
}

func TestDehydratedTypeByForm(t *testing.T) {
	for validation, want := range map[string]string{
		value: envmap.DNS01, keyAuth: envmap.HTTP01, envmap.ALPNHex(value): envmap.TLSALPN01,
	} {
		events, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_challenge", "a.test", token, validation))
		require.NoError(t, err)
		require.Equal(t, want, events[0].Type)
	}
	_, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_challenge", "a.test", token, "ca.test; accounturi=x"))
	refused := new(envmap.ValueError)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "deploy_challenge: TOKEN_VALUE", refused.Name)
}

// TestDehydratedTypeByVariable: the value must be of the type that was said.
func TestDehydratedTypeByVariable(t *testing.T) {
	call := dehydratedCall("deploy_challenge", "a.test", token, keyAuth)
	call.Env["CHALLENGETYPE"] = "dns-01"
	_, err := lookup(t, "dehydrated").Decode(call)
	require.ErrorContains(t, err, "43 base64url characters")
	call.Env["CHALLENGETYPE"] = "dns-99"
	_, err = lookup(t, "dehydrated").Decode(call)
	require.ErrorContains(t, err, "CHALLENGETYPE")
}

func TestDehydratedBatch(t *testing.T) {
	other := "A" + value[1:]
	events, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_challenge", "a.test", "t1", value, "a.test", "t2", other))
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, 1, *events[0].Remaining)
	require.Equal(t, 0, *events[1].Remaining)
	require.Equal(t, []string{"a.test", "a.test"}, events[1].Domains)
	require.Equal(t, other, events[1].Validation)
}

func TestDehydratedCountsItsArguments(t *testing.T) {
	for _, args := range [][]string{
		{}, {"deploy_challenge"}, {"deploy_challenge", "a.test"}, {"clean_challenge", "a.test", "t"},
		{"deploy_challenge", "a.test", "t", value, "b.test"}, {"clean_challenge", "a.test", "t", value, "b.test", "t", value, "c"},
		{"deploy_cert", "a.test", "/k", "/c", "/f"}, {"sync_cert", "/k"}, {"generate_csr", "a.test", "/d"}, {"request_failure", "1", "b"},
	} {
		_, err := lookup(t, "dehydrated").Decode(dehydratedCall(args...))
		wrong := new(envmap.CallError)
		require.ErrorAs(t, err, &wrong, "%q", args)
	}
}

func TestDehydratedUnknownOperation(t *testing.T) {
	_, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_moon", "x"))
	unknown := new(envmap.OperationError)
	require.ErrorAs(t, err, &unknown)
}

// TestDehydratedStandInForTheToken: certbot tells no dns-01 token, and an
// empty argument would vanish in hooks that count.
func TestDehydratedStandInForTheToken(t *testing.T) {
	call, err := lookup(t, "dehydrated").Encode(challenge(envmap.DNS01, "a.test", value))
	require.NoError(t, err)
	require.Equal(t, []string{"deploy_challenge", "a.test", value, value}, call.Args)
	require.Equal(t, "1", call.Env["EXTAUTH_TOKEN_SYNTHETIC"])

	_, err = lookup(t, "dehydrated").Encode(challenge(envmap.TLSALPN01, "a.test", value))
	missing := new(envmap.MissingError)
	require.ErrorAs(t, err, &missing, "only a dns-01 hook has no use for it")
}

func TestDehydratedSpellsAddresses(t *testing.T) {
	events, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_cert", "ip:2001:db8::1", "/k", "/c", "/f", "/h", "1"))
	require.NoError(t, err)
	require.Equal(t, "2001:db8::1", events[0].Domain)
	events[0].Client = "other"
	call, err := lookup(t, "dehydrated").Encode(events[0])
	require.NoError(t, err)
	require.Equal(t, "ip:2001:db8::1", call.Args[1])
}

// TestDehydratedOldCertificates: before 0.2 there was no timestamp.
func TestDehydratedOldCertificates(t *testing.T) {
	events, err := lookup(t, "dehydrated").Decode(dehydratedCall("deploy_cert", "a.test", "/k", "/c", "/f", "/h"))
	require.NoError(t, err)
	require.Empty(t, events[0].Timestamp)
	_, err = lookup(t, "dehydrated").Encode(events[0])
	require.True(t, errors.As(err, new(*envmap.MissingError)))
}

func TestDehydratedExitWithAnEmptyText(t *testing.T) {
	for _, args := range [][]string{{"exit_hook"}, {"exit_hook", ""}, {"exit_hook", "a\nb"}} {
		events, err := lookup(t, "dehydrated").Decode(dehydratedCall(args...))
		require.NoError(t, err)
		require.Equal(t, len(args) > 1, events[0].Failed)
		call, err := lookup(t, "dehydrated").Encode(events[0])
		require.NoError(t, err)
		require.Equal(t, args, call.Args)
		line, err := lookup(t, "json").Encode(events[0])
		require.NoError(t, err)
		again, err := decodeLine(t, string(line.Stdin), "")
		require.NoError(t, err)
		require.Equal(t, events[0].Failed, again.Failed, "%s", line.Stdin)
	}
}
