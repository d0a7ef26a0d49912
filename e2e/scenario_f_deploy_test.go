//go:build linux

package e2e_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// The hooks of the other client are called for a new certificate.
func deployScenarios() []scenario {
	return []scenario{
		{"f_certbot_deploys_to_a_dehydrated_hook", certbotDeploysToDehydratedHook},
		{"f_dehydrated_deploys_to_a_certbot_hook", dehydratedDeploysToCertbotHook},
	}
}

func certbotDeploysToDehydratedHook(w *world) {
	w.nsupdateKey()
	w.recordCalls("")
	before := time.Now().Unix()
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	order = order.hook("extauth-hook --to handler", " -- "+w.handler("nsupdate"))
	order.more = []string{"--deploy-hook", "extauth-hook --to dehydrated deploy -- " + w.fixture("record")}
	c := w.newCertbot()
	c.requireIssued(order)

	calls := w.recorded()
	require.Len(w, calls, 1)
	args := calls[0].args
	require.Len(w, args, 7, "deploy_cert DOMAIN KEY CERT FULLCHAIN CHAIN TIMESTAMP")
	require.Equal(w, "deploy_cert", args[0])
	require.Contains(w, order.names, args[1])
	live := filepath.Dir(c.certificate("main"))
	for i, file := range []string{"privkey.pem", "cert.pem", "fullchain.pem", "chain.pem"} {
		require.Equal(w, filepath.Join(live, file), args[2+i])
		require.FileExists(w, args[2+i])
	}
	timestamp, err := strconv.ParseInt(args[6], 10, 64)
	require.NoError(w, err)
	require.GreaterOrEqual(w, timestamp, before)
	require.LessOrEqual(w, timestamp, time.Now().Unix())
}

func dehydratedDeploysToCertbotHook(w *world) {
	w.certbotHookStore()
	w.recordCalls("")
	hook := w.writeHookChain("certbot auth=" + w.fixture("certbot-auth") +
		" cleanup=" + w.fixture("certbot-cleanup") + " deploy='" + w.fixture("record") + " -q'")
	names := w.wildcardPair()
	d := w.newDehydrated(hook, "HOOK_CHAIN=yes")
	d.requireIssued(names...)

	calls := w.recorded()
	require.Len(w, calls, 1)
	require.Equal(w, []string{"-q"}, calls[0].args)
	require.Equal(w, d.lineage(names[0]), calls[0].env["RENEWED_LINEAGE"])
	require.ElementsMatch(w, names, strings.Fields(calls[0].env["RENEWED_DOMAINS"]))
	for _, file := range []string{"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"} {
		require.FileExists(w, filepath.Join(calls[0].env["RENEWED_LINEAGE"], file))
	}
}
