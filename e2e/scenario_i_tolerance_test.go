//go:build linux

package e2e_test

import "github.com/stretchr/testify/require"

// Hooks that fail on operations that dehydrated sends nowadays: its probe, new
// operations, request_failure with four operands, exit_hook with an error text.
func toleranceScenarios() []scenario {
	return []scenario{
		{"i_strict_hook_on_the_command_line", func(w *world) { tolerate(w, w.strictWrapper()) }},
		{"i_strict_hook_in_a_chain", func(w *world) { tolerate(w, w.strictChain()) }},
		{"i_ddns_tsig_hook", func(w *world) { tolerate(w, w.ddnsTsigWrapper()) }},
		{"i_strict_hook_and_a_failed_validation", failValidation},
	}
}

func (w *world) strictWrapper() string {
	w.nsupdateKey()
	return w.wrapper(w.fixture("dehydrated-strict"))
}

func (w *world) strictChain() string {
	w.nsupdateKey()
	return w.writeHookChain("dehydrated " + w.fixture("dehydrated-strict"))
}

func (w *world) ddnsTsigWrapper() string {
	w.writeDdnsTsigConf()
	return w.wrapper(ddnsTsigHook)
}

// wrapper is what HOOK is set to when there is no chain file.
func (w *world) wrapper(hook string) string {
	w.Helper()
	return w.writeExecutable("hook.sh", lines(
		"#!/bin/sh", `exec extauth-dehydrated --to dehydrated --handler '`+hook+`' "$@"`))
}

// tolerate issues a certificate, checks it again, and then makes the CA refuse
// a name, which is reported in the CA's words.
func tolerate(w *world, hook string) {
	d := w.newDehydrated(hook, "HOOK_CHAIN=no")
	requireNoHookError(w, d.requireIssued(w.wildcardPair()...))

	again := d.issue(w.wildcardPair()...)
	again.requireSuccess(w.T)
	require.Contains(w, again.output, "Skipping renew!")
	requireNoHookError(w, again)

	refused := d.issue(w.name("under_score"))
	refused.requireFailure(w.T)
	require.Contains(w, refused.output, "urn:ietf:params:acme:error:malformed")
	requireNoHookError(w, refused)
	w.requireNothingLeft()
}

// failValidation has a hook that publishes nothing, so that the CA finds
// nothing: dehydrated calls invalid_challenge, then clean_challenge, then
// exit_hook with an error text.
func failValidation(w *world) {
	d := w.newDehydrated(w.strictWrapper(), "HOOK_CHAIN=no")
	honest := len(w.env)
	w.setenv("FALSIFY", "yes")
	got := d.issue(w.wildcardPair()...)
	got.requireFailure(w.T)
	require.Contains(w, got.output, "Challenge is invalid!")
	requireNoHookError(w, got)
	w.requireNothingLeft()

	w.env = w.env[:honest]
	requireNoHookError(w, d.requireIssued(w.wildcardPair()...))
}

// requireNoHookError fails if dehydrated complains about its hook.
func requireNoHookError(w *world, got result) {
	w.Helper()
	require.NotContains(w, got.output, "hook returned with non-zero exit code")
	require.NotContains(w, got.output, "check your hook script")
}
