package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func certbotCall(operand string, variables ...string) envmap.Call {
	env := map[string]string{}
	for i := 0; i < len(variables); i += 2 {
		env[variables[i]] = variables[i+1]
	}
	return envmap.Call{Args: []string{operand}, Env: env}
}

// TestCertbotNamesTheVariable: what is refused is named as certbot's user
// knows it.
func TestCertbotNamesTheVariable(t *testing.T) {
	for _, test := range []struct {
		name string
		call envmap.Call
	}{
		{"CERTBOT_DOMAIN", certbotCall("auth", "CERTBOT_DOMAIN", "", "CERTBOT_VALIDATION", value)},
		{"CERTBOT_DOMAIN", certbotCall("auth", "CERTBOT_DOMAIN", "a b", "CERTBOT_VALIDATION", value)},
		{"CERTBOT_VALIDATION", certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", "")},
		{"CERTBOT_VALIDATION", certbotCall("auth", "CERTBOT_DOMAIN", "a.test")},
		{"CERTBOT_VALIDATION", certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", "ca; accounturi=x")},
		{"CERTBOT_VALIDATION", certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", value, "CERTBOT_TOKEN", token)},
		{"CERTBOT_VALIDATION", certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", keyAuth, "CERTBOT_TOKEN", "other")},
		{"CERTBOT_SNI_DOMAIN", certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_SNI_DOMAIN", "a.acme.invalid")},
		{"CERTBOT_TOKEN", certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", keyAuth, "CERTBOT_TOKEN", "")},
		{"CERTBOT_REMAINING_CHALLENGES", certbotCall("cleanup", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", value,
			"CERTBOT_ALL_DOMAINS", "a.test", "CERTBOT_REMAINING_CHALLENGES", "abc")},
		{"CERTBOT_REMAINING_CHALLENGES", certbotCall("cleanup", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", value,
			"CERTBOT_ALL_DOMAINS", "a.test", "CERTBOT_REMAINING_CHALLENGES", "1")},
		{"CERTBOT_ALL_DOMAINS", certbotCall("cleanup", "CERTBOT_DOMAIN", "a.test", "CERTBOT_VALIDATION", value,
			"CERTBOT_ALL_DOMAINS", "a.test,;", "CERTBOT_REMAINING_CHALLENGES", "1")},
		{"RENEWED_LINEAGE", certbotCall("deploy", "RENEWED_LINEAGE", "live", "RENEWED_DOMAINS", "a.test")},
		{"RENEWED_LINEAGE", certbotCall("deploy", "RENEWED_DOMAINS", "a.test")},
		{"RENEWED_DOMAINS", certbotCall("deploy", "RENEWED_LINEAGE", "/live", "RENEWED_DOMAINS", "a..test")},
		{"RENEWED_DOMAINS", certbotCall("deploy", "RENEWED_LINEAGE", "/live")},
	} {
		_, err := lookup(t, "certbot").Decode(test.call)
		refused := new(envmap.ValueError)
		require.ErrorAs(t, err, &refused, "%v", test.call)
		require.Equal(t, test.name, refused.Name, "%v", err)
	}
}

func TestCertbotCallsThatNoCertbotMakes(t *testing.T) {
	for _, call := range []envmap.Call{
		{}, certbotCall("auth"), certbotCall("deploy"), certbotCall("renew"), {Args: []string{"auth", "auth"}},
		certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_IDENTIFIER", "b.test", "CERTBOT_VALIDATION", value),
		certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_SNI_DOMAIN", "x.acme.invalid", "CERTBOT_VALIDATION", value),
	} {
		_, err := lookup(t, "certbot").Decode(call)
		wrong := new(envmap.CallError)
		require.ErrorAs(t, err, &wrong, "%v", call)
	}
}

// TestCertbot53 has the names that came with 5.3, without and with the old
// ones.
func TestCertbot53(t *testing.T) {
	call := certbotCall("auth", "CERTBOT_IDENTIFIER", "192.0.2.7", "CERTBOT_VALIDATION", keyAuth, "CERTBOT_TOKEN", token,
		"CERTBOT_ALL_IDENTIFIERS", "192.0.2.7,2001:db8::1", "CERTBOT_REMAINING_CHALLENGES", "1")
	events, err := lookup(t, "certbot").Decode(call)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.7", events[0].Domain)
	require.Equal(t, []string{"192.0.2.7", "2001:db8::1"}, events[0].Domains)

	events[0].Client = "other"
	again, err := lookup(t, "certbot").Encode(events[0])
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"CERTBOT_DOMAIN": "192.0.2.7", "CERTBOT_IDENTIFIER": "192.0.2.7", "CERTBOT_VALIDATION": keyAuth, "CERTBOT_TOKEN": token,
		"CERTBOT_ALL_DOMAINS": "192.0.2.7,2001:db8::1", "CERTBOT_ALL_IDENTIFIERS": "192.0.2.7,2001:db8::1",
		"CERTBOT_REMAINING_CHALLENGES": "1",
	}, again.Env)
}

// TestCertbotTLSSNI has the variables of certbot 0.16 to 0.32.
func TestCertbotTLSSNI(t *testing.T) {
	call := certbotCall("auth", "CERTBOT_DOMAIN", "a.test", "CERTBOT_SNI_DOMAIN", envmap.SNIName(keyAuth),
		"CERTBOT_CERT_PATH", "/var/c.crt", "CERTBOT_KEY_PATH", "/var/c.pem")
	events, err := lookup(t, "certbot").Decode(call)
	require.NoError(t, err)
	require.Equal(t, envmap.TLSSNI01, events[0].Type)
	require.Equal(t, "/var/c.crt", events[0].CertPath)
	events[0].Client = "other"
	again, err := lookup(t, "certbot").Encode(events[0])
	require.NoError(t, err)
	for name, value := range call.Env {
		require.Equal(t, value, again.Env[name])
	}
	require.NotContains(t, again.Env, "CERTBOT_VALIDATION")
}

// TestCertbotCleanupNeedsTheOutput: a clean-up script may need what its auth
// script printed, and only memory has it.
func TestCertbotCleanupNeedsTheOutput(t *testing.T) {
	e := challenge(envmap.DNS01, "a.test", value)
	e.Cmd = envmap.Cleanup
	_, err := lookup(t, "certbot").Encode(e)
	missing := new(envmap.MissingError)
	require.ErrorAs(t, err, &missing)
	output := "\n two words \nand a line\n\n"
	e.AuthOutput = &output
	call, err := lookup(t, "certbot").Encode(e)
	require.NoError(t, err)
	require.Equal(t, "two words \nand a line", call.Env["CERTBOT_AUTH_OUTPUT"], "stripped as certbot does")
}

// TestCertbotDeployNeedsALineage: RENEWED_LINEAGE is a directory with four
// files of certain names.
func TestCertbotDeployNeedsALineage(t *testing.T) {
	e := full(envmap.DeployCert)
	call, err := lookup(t, "certbot").Encode(e)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"RENEWED_LINEAGE": "/c", "RENEWED_DOMAINS": "example.org"}, call.Env)
	e.KeyPath = "/private/key.pem"
	_, err = lookup(t, "certbot").Encode(e)
	missing := new(envmap.MissingError)
	require.ErrorAs(t, err, &missing)
}
