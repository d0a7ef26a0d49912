//go:build linux

package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/require"
)

// A handler of certbot-external-auth, under dehydrated mostly: every phase, in order,
// with every variable of the protocol.
func classicHandlerScenarios() []scenario {
	return []scenario{
		{"d_phases_chain_no", phasesOfSingleCalls},
		{"d_phases_chain_yes", phasesOfOneCall},
		{"d_phases_of_certbot_calls", phasesOfCertbotCalls},
		{"d_variables_dns01", variablesOfDNS01},
		{"d_variables_http01", variablesOfHTTP01},
	}
}

// newRecordedHandler sets dehydrated up with a handler that is recorded.
func (w *world) newRecordedHandler(then string, lines ...string) *dehydrated {
	w.Helper()
	w.nsupdateKey()
	w.recordCalls(then)
	return w.newDehydrated(w.writeHookChain("handler "+w.fixture("record")), lines...)
}

// phases are the first arguments of the calls.
func phases(calls []call) []string {
	var phases []string
	for _, c := range calls {
		phases = append(phases, c.args...)
	}
	return phases
}

// With HOOK_CHAIN=no dehydrated says nothing about an order: each call is one.
func phasesOfSingleCalls(w *world) {
	d := w.newRecordedHandler(w.publisher("nsupdate"), "HOOK_CHAIN=no")
	d.requireIssued(w.wildcardPair()...)
	perform := []string{"pre-perform", "perform", "post-perform"}
	cleanup := []string{"pre-cleanup", "cleanup", "post-cleanup"}
	var want []string
	for _, phases := range [][]string{perform, perform, cleanup, cleanup, {"deploy_cert"}} {
		want = append(want, phases...)
	}
	require.Equal(w, want, phases(w.recorded()))
}

func phasesOfOneCall(w *world) {
	d := w.newRecordedHandler(w.publisher("nsupdate"), "HOOK_CHAIN=yes")
	names := w.wildcardNames()
	d.requireIssued(names...)
	calls := w.recorded()
	require.Equal(w, append(phasesOfThreeNames(), "deploy_cert"), phases(calls))
	w.requireOrder(calls[4], "perform_challenge", names)
	w.requireOrder(calls[9], "cleanup", names)
}

// certbot calls once for each challenge, and says how many are to come.
func phasesOfCertbotCalls(w *world) {
	w.nsupdateKey()
	w.recordCalls(w.publisher("nsupdate"))
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to handler", " -- "+w.fixture("record")))
	calls := w.recorded()
	require.Equal(w, phasesOfThreeNames(), phases(calls))
	w.requireOrder(calls[4], "perform_challenge", order.names)
	w.requireOrder(calls[9], "cleanup", order.names)
}

func phasesOfThreeNames() []string {
	return strings.Fields(`
		pre-perform perform perform perform post-perform
		pre-cleanup cleanup cleanup cleanup post-cleanup`)
}

// requireOrder wants the whole order on a post phase's standard input.
func (w *world) requireOrder(c call, cmd string, names []string) {
	w.Helper()
	lines := strings.Split(strings.TrimSuffix(c.stdin, "\n"), "\n")
	require.Len(w, lines, len(names), "%q", c.stdin)
	for _, line := range lines {
		var challenge map[string]any
		require.NoError(w, json.Unmarshal([]byte(line), &challenge))
		require.Equal(w, cmd, challenge["cmd"])
		require.Contains(w, names, challenge["domain"])
	}
}

func variablesOfDNS01(w *world) {
	d := w.newRecordedHandler(w.publisher("nsupdate"), "HOOK_CHAIN=yes")
	thumbprint := d.thumbprint()
	w.setenv("EXTAUTH_THUMBPRINT", thumbprint)
	d.requireIssued(w.name("www"))
	calls := w.recorded()
	require.Len(w, calls, 7)

	perform, cleanup := w.protocol(calls[1]), w.protocol(calls[4])
	require.Equal(w, "dns-01", perform["type"])
	require.Equal(w, w.name("www"), perform["domain"])
	require.Equal(w, "_acme-challenge."+w.name("www"), perform["txt_domain"])
	require.Equal(w, perform["token"]+"."+thumbprint, perform["key_auth"])
	require.Equal(w, dnsValue(perform["key_auth"]), perform["validation"])
	requireSameChallenge(w, perform, cleanup)
	requireCertificateVariables(w, d, w.protocol(calls[6]))
}

// For http-01 dehydrated writes the file itself, and only informs its hook.
func variablesOfHTTP01(w *world) {
	d := w.newRecordedHandler(w.publisher("webroot"), "HOOK_CHAIN=yes", "CHALLENGETYPE=http-01")
	w.setenv("WEBROOT", w.webroot)
	d.requireIssued(w.name("www"))
	calls := w.recorded()
	require.Len(w, calls, 7)

	perform, cleanup := w.protocol(calls[1]), w.protocol(calls[4])
	require.Equal(w, "http-01", perform["type"])
	require.Equal(w, w.name("www"), perform["domain"])
	require.Equal(w, "http://"+w.name("www")+"/.well-known/acme-challenge/"+perform["token"], perform["uri"])
	require.Equal(w, perform["token"]+"."+d.thumbprint(), perform["validation"])
	require.Equal(w, perform["validation"], perform["key_auth"])
	requireSameChallenge(w, perform, cleanup)
}

func requireSameChallenge(w *world, perform, cleanup map[string]string) {
	w.Helper()
	require.Equal(w, "perform_challenge", perform["cmd"])
	require.Equal(w, "cleanup", cleanup["cmd"])
	for _, name := range []string{"type", "domain", "token", "validation", "key_auth"} {
		require.NotEmpty(w, perform[name], "%s at perform", name)
		require.Equal(w, perform[name], cleanup[name], "%s at cleanup", name)
	}
}

func requireCertificateVariables(w *world, d *dehydrated, got map[string]string) {
	w.Helper()
	require.Equal(w, "deploy_cert", got["cmd"])
	require.Equal(w, w.name("www"), got["domain"])
	for variable, file := range map[string]string{
		"key_path": "privkey.pem", "cert_path": "cert.pem",
		"chain_path": "chain.pem", "fullchain_path": "fullchain.pem",
	} {
		require.Equal(w, d.lineage(w.name("www"))+"/"+file, got[variable])
		require.FileExists(w, got[variable])
	}
	require.Regexp(w, `^[0-9]{10}$`, got["timestamp"])
}

// protocol are the variables of a call without their prefix. Each is there
// under both names, and says what cbot_json says.
func (w *world) protocol(c call) map[string]string {
	w.Helper()
	var members map[string]any
	require.NoError(w, json.Unmarshal([]byte(c.env["cbot_json"]), &members), "%s", c.env["cbot_json"])
	variables := map[string]string{}
	for prefixed, value := range c.env {
		name, ours := strings.CutPrefix(prefixed, "cbot_")
		if !ours || name == "json" {
			continue
		}
		variables[name] = value
		require.Equal(w, value, c.env[name], "%s and %s", prefixed, name)
		if member, ok := members[name].(string); ok {
			require.Equal(w, member, value, "%s and cbot_json", prefixed)
		}
	}
	return variables
}

// dnsValue is the content of the TXT record, RFC 8555 section 8.4.
func dnsValue(keyAuthorization string) string {
	sum := sha256.Sum256([]byte(keyAuthorization))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
