//go:build linux

package e2e_test

import "github.com/stretchr/testify/require"

// The second handler of a chain fails after the first has published a record.
// dehydrated gives up at once and never calls clean; certbot goes on and calls
// every cleanup hook.
func rollbackScenarios() []scenario {
	dehydrated := func(mode, failAt string) func(*world) {
		return func(w *world) { failUnderDehydrated(w, mode, failAt) }
	}
	certbot := func(failAt string) func(*world) {
		return func(w *world) { failUnderCertbot(w, failAt) }
	}
	return []scenario{
		{"h_dehydrated_chain_no_each_name", dehydrated("HOOK_CHAIN=no", "each")},
		{"h_dehydrated_chain_no_second_name", dehydrated("HOOK_CHAIN=no", "2")},
		{"h_dehydrated_chain_yes_each_name", dehydrated("HOOK_CHAIN=yes", "each")},
		{"h_dehydrated_chain_yes_last_name", dehydrated("HOOK_CHAIN=yes", "3")},
		{"h_certbot_each_name", certbot("each")},
		{"h_certbot_second_name", certbot("2")},
	}
}

// failingChain has the handler that fails after the one that publishes. It
// fails for the call of that number, since no order of names can be relied on.
func (w *world) failingChain(failAt string) []string {
	w.Helper()
	w.nsupdateKey()
	w.setenv("COUNT", w.path("count"))
	w.setenv("FAIL_AT", failAt)
	return []string{"handler " + w.handler("nsupdate"), "handler " + w.fixture("fail")}
}

func failUnderDehydrated(w *world, mode, failAt string) {
	hook := w.writeHookChain(w.failingChain(failAt)...)
	d := w.newDehydrated(hook, mode)
	got := d.issue(w.wildcardNames()...)
	got.requireFailure(w.T)
	require.Contains(w, got.output, "this zone is closed")
	require.Contains(w, got.output, "deploy_challenge hook returned with non-zero exit code")
	w.requireNothingLeft()
}

func failUnderCertbot(w *world, failAt string) {
	chain := w.write("chain", lines(w.failingChain(failAt)...))
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	c := w.newCertbot()
	got := c.issue(order.hook("extauth-hook -c "+chain, ""))
	require.Equal(w, 1, got.status, "%s", got.output)
	require.Contains(w, got.output, "Hook '--manual-auth-hook' for")
	require.Contains(w, got.output, "this zone is closed")
	require.NotContains(w, got.output, "Hook '--manual-cleanup-hook'")
	require.NoFileExists(w, c.certificate("main"))
	w.requireNothingLeft()
}
