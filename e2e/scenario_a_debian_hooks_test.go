//go:build linux

package e2e_test

import (
	"strings"

	"github.com/stretchr/testify/require"
)

// Hooks that were written for dehydrated, unchanged, under certbot.
func debianHookScenarios() []scenario {
	return []scenario{
		{"a_certbot_dns01_ddns_tsig_hook", certbotWithDdnsTsig},
		{"a_certbot_dns01_dehydrated_example_hook", certbotWithExampleHook},
	}
}

func certbotWithDdnsTsig(w *world) {
	w.writeDdnsTsigConf()
	w.newCertbot().requireIssued(w.dehydratedHookOrder(ddnsTsigHook))
}

func certbotWithExampleHook(w *world) {
	w.newCertbot().requireIssued(w.dehydratedHookOrder(w.exampleHook()))
}

func (w *world) dehydratedHookOrder(hook string) certbotOrder {
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	return order.hook("extauth-hook --to dehydrated", " -- "+hook)
}

// exampleHook is dehydrated's example with its two lines for a local named no
// longer commented out, as they invite to. They use named's session key.
func (w *world) exampleHook() string {
	w.Helper()
	script := w.read(exampleHook)
	require.Equal(w, 2, strings.Count(script, "    # printf 'server 127.0.0.1"))
	script = strings.ReplaceAll(script, "    # printf 'server 127.0.0.1", "    printf 'server 127.0.0.1")
	return w.writeExecutable("hook.sh", script)
}
