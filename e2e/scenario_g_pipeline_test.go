//go:build linux

package e2e_test

import (
	"encoding/json"
	"strings"

	"github.com/stretchr/testify/require"
)

// Two of the programs in a pipeline, with JSON lines between them: dehydrated's
// hook is a few lines of shell.
func pipelineScenarios() []scenario {
	return []scenario{
		{"g_pipeline_chain_no", func(w *world) { pipeline(w, "HOOK_CHAIN=no") }},
		{"g_pipeline_chain_yes", func(w *world) { pipeline(w, "HOOK_CHAIN=yes") }},
	}
}

func pipeline(w *world, mode string) {
	store := w.certbotHookStore()
	results := w.path("results")
	hook := w.writeExecutable("hook.sh", lines(
		"#!/bin/sh",
		"case $1 in deploy_challenge | clean_challenge) ;; *) exit 0 ;; esac",
		`extauth-dehydrated --to json "$@" |`,
		"  extauth-json --to certbot run -- "+w.fixture("certbot-events")+" >>"+results,
	))
	names := w.wildcardPair()
	w.newDehydrated(hook, mode).requireIssued(names...)
	require.Empty(w, regularFiles(w, store), "handles that were never used")
	w.requireResults(w.read(results), len(names))
}

// requireResults wants one good result for each event of each challenge.
func (w *world) requireResults(text string, challenges int) {
	w.Helper()
	count := map[string]int{}
	for line := range strings.Lines(text) {
		var result struct {
			Cmd, For, Domain, Output string
			OK                       bool
		}
		require.NoError(w, json.Unmarshal([]byte(line), &result), "%s", line)
		require.Equal(w, "result", result.Cmd)
		require.True(w, result.OK, "%s", line)
		require.Equal(w, w.name(""), result.Domain)
		if result.For == "perform_challenge" {
			require.Contains(w, result.Output, "handle: ")
		}
		count[result.For]++
	}
	require.Equal(w, map[string]int{"perform_challenge": challenges, "cleanup": challenges}, count)
}
