//go:build linux

package e2e_test

import (
	"regexp"

	"github.com/stretchr/testify/require"
)

// Hooks of other people, tried by extauth-check.
func checkScenarios() []scenario {
	return []scenario{
		{"u_check_ddns_tsig_hook", checkDdnsTsig},
		{"u_check_dehydrated_example_hook", checkExampleHook},
	}
}

// Debian's hook does not know the operands of two operations: request_failure
// has no domain, and had no HEADERS before dehydrated 0.6; exit_hook has a text
// where dehydrated has failed.
func checkDdnsTsig(w *world) {
	w.writeDdnsTsigConf()
	r := w.run(lab.program("extauth-check"), "--as", "dehydrated", "--server", "127.0.0.1:53", "--domain", w.name(""),
		ddnsTsigHook, "-c", w.path("dehydrated-hook-ddns-tsig.conf"))
	w.requireNotOK(r, "other-events")
	ran := regexp.MustCompile(`(?m)^    - .*/dehydrated-hook-ddns-tsig.conf (.*)"$`).FindAllStringSubmatch(r.output, -1)
	require.Len(w, ran, 3, r.output)
	require.Equal(w, "request_failure 503 '' post -> exit status 1", ran[0][1])
	require.Regexp(w, "^request_failure 503 '[^']+' post '[^']+' -> exit status 2$", ran[1][1])
	require.Regexp(w, "^exit_hook '[^']+' -> exit status 2$", ran[2][1])
	w.requireNothingLeft()
}

func checkExampleHook(w *world) {
	r := w.run(lab.program("extauth-check"), "--as", "dehydrated", w.exampleHook())
	w.requireNotOK(r, "batch")
}

// requireNotOK wants exactly these checks to have found something.
func (w *world) requireNotOK(r result, checks ...string) {
	w.Helper()
	var found []string
	for _, line := range regexp.MustCompile(`(?m)^not ok [0-9]+ - ([a-z-]+):`).FindAllStringSubmatch(r.output, -1) {
		found = append(found, line[1])
	}
	require.ElementsMatch(w, checks, found, r.output)
	require.Equal(w, min(len(checks), 1), r.status, r.output)
}
