package envmap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestHandlerVariables: a documented event makes the variables that the plugin
// made of it.
func TestHandlerVariables(t *testing.T) {
	line := `{"cmd": "perform_challenge", "type": "dns-01", "domain": "bristol3.pki.enigmabridge.com", "token": "` + token +
		`", "validation": "` + value + `", "txt_domain": "_acme-challenge.bristol3.pki.enigmabridge.com", "key_auth": "` + keyAuth + `"}`
	e, err := decodeLine(t, line, "")
	require.NoError(t, err)
	call, err := lookup(t, "handler").Encode(e)
	require.NoError(t, err)
	require.Equal(t, []string{"perform"}, call.Args)
	want := map[string]string{"cbot_json": line}
	for name, value := range map[string]string{
		"cmd": "perform_challenge", "type": "dns-01", "domain": "bristol3.pki.enigmabridge.com", "token": token,
		"validation": value, "txt_domain": "_acme-challenge.bristol3.pki.enigmabridge.com", "key_auth": keyAuth,
	} {
		want[name], want["cbot_"+name] = value, value
	}
	require.Equal(t, want, call.Env)
}

// TestHandlerCleanup: null is None, and status is what the plugin always said.
func TestHandlerCleanup(t *testing.T) {
	e := challenge(envmap.DNS01, "a.test", value)
	e.Cmd = envmap.Cleanup
	call, err := lookup(t, "handler").Encode(e)
	require.NoError(t, err)
	require.Equal(t, []string{"cleanup"}, call.Args)
	for name, want := range map[string]string{"status": "pending", "validated": "None", "error": "None", "token": "", "key_auth": ""} {
		require.Contains(t, call.Env, name, "a script under set -u needs it")
		require.Equal(t, want, call.Env[name], name)
		require.Equal(t, want, call.Env["cbot_"+name], name)
	}
	require.Equal(t, `{"cmd": "cleanup", "type": "dns-01", "status": "pending", "domain": "a.test", "validation": "`+value+
		`", "validated": null, "error": null}`, call.Env["cbot_json"])
	require.Empty(t, e.Status, "the event itself is not changed")
}

// TestHandlerCertificates: only argv[1] marks an unchanged certificate, the
// time has both names, and fractions are rounded up.
func TestHandlerCertificates(t *testing.T) {
	e := full(envmap.UnchangedCert)
	e.Timestamp, e.CertTimestamp = "1477582237", "1477582245.9930167"
	call, err := lookup(t, "handler").Encode(e)
	require.NoError(t, err)
	require.Equal(t, []string{"unchanged_cert"}, call.Args)
	for name, want := range map[string]string{
		"cmd": "deploy_cert", "timestamp": "1477582237", "port": "1477582237", "cert_timestamp": "1477582246", "cert_path": "/c/cert.pem",
	} {
		require.Equal(t, want, call.Env["cbot_"+name], name)
	}
	events, err := lookup(t, "handler").Decode(call)
	require.NoError(t, err)
	require.Equal(t, envmap.UnchangedCert, events[0].Cmd)
}

func TestHandlerPhases(t *testing.T) {
	order := []envmap.Event{challenge(envmap.DNS01, "a.test", value), challenge(envmap.DNS01, "b.test", value)}
	call, err := lookup(t, "handler").Encode(envmap.Event{Cmd: envmap.PostPerform, Challenges: order})
	require.NoError(t, err)
	require.Equal(t, []string{"post-perform"}, call.Args)
	require.Empty(t, call.Env, "phases have no variables")
	require.Equal(t, 2, strings.Count(string(call.Stdin), "\n"), "the whole order, a line each")
	require.Contains(t, string(call.Stdin), `"domain": "b.test"`)
}

func TestHandlerNotImplemented(t *testing.T) {
	declined := lookup(t, "handler").To.Declined
	require.True(t, declined(1, []byte(" NotImplemented\n")))
	require.False(t, declined(0, []byte("NotImplemented")))
	require.False(t, declined(1, []byte("NotImplemented, sorry")))
}

// TestHandlerWithoutJSON reads the single variables, bare or prefixed.
func TestHandlerWithoutJSON(t *testing.T) {
	call := envmap.Call{Args: []string{"cleanup"}, Env: map[string]string{
		"type": "dns-01", "cbot_domain": "a.test", "domain": "other.test", "cbot_validation": value, "cbot_token": "", "cbot_error": "None", "cbot_status": "pending",
	}}
	events, err := lookup(t, "handler").Decode(call)
	require.NoError(t, err)
	require.Equal(t, "a.test", events[0].Domain, "the prefixed one is the surer")
	require.Empty(t, events[0].Error)

	call.Env["cbot_validation"] = "x"
	_, err = lookup(t, "handler").Decode(call)
	require.ErrorContains(t, err, "cbot_validation")
	delete(call.Env, "cbot_validation")
	call.Env["cbot_json"] = `{"cmd": "deploy_cert"}`
	_, err = lookup(t, "handler").Decode(call)
	require.ErrorContains(t, err, "cbot_json is about deploy_cert")
	_, err = lookup(t, "handler").Decode(envmap.Call{Args: []string{"dance"}})
	require.ErrorAs(t, err, new(*envmap.OperationError))
}
