//go:build linux

package e2e_test

import "github.com/stretchr/testify/require"

// A pair of certbot hooks under dehydrated, whose cleanup hook works with the
// output of its own auth hook and nothing else. A name and its wildcard are one
// domain and one record name to the hooks, with an output each.
func authOutputScenarios() []scenario {
	return []scenario{
		{"c_chain_no", func(w *world) { certbotHooksUnderDehydrated(w, "HOOK_CHAIN=no") }},
		{"c_chain_yes", func(w *world) { certbotHooksUnderDehydrated(w, "HOOK_CHAIN=yes") }},
	}
}

func certbotHooksUnderDehydrated(w *world, mode string) {
	store := w.certbotHookStore()
	hook := w.writeHookChain("certbot auth=" + w.fixture("certbot-auth") + " cleanup=" + w.fixture("certbot-cleanup"))
	w.newDehydrated(hook, mode).requireIssued(w.wildcardPair()...)
	require.Empty(w, regularFiles(w, store), "handles that were never used")
}

// certbotHookStore is where the certbot hooks keep what their handles mean.
func (w *world) certbotHookStore() string {
	w.Helper()
	store := w.mkdir("store")
	w.setenv("STORE", store)
	w.nsupdateKey()
	return store
}
