//go:build linux

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// An order of certbot, which calls once for each challenge, as one call of a
// hook; and one wait for a whole order, or one look at each challenge.
func batchScenarios() []scenario {
	return []scenario{
		{"n_batch_and_single_cleanups", func(w *world) { batch(w, "phase=perform batch=yes", "phase=cleanup") }},
		{"n_batch", func(w *world) { batch(w, "batch=yes") }},
		{"n_wait_for_twenty_names", waitForTwentyNames},
		{"n_verify_sees", verifySees},
		{"n_verify_misses", verifyMisses},
	}
}

// batch wants one call with all challenges, as of a client with
// HOOK_CHAIN=yes, and a call for each at cleanup.
func batch(w *world, settings ...string) {
	w.nsupdateKey()
	w.recordCalls(w.fixture("dehydrated-chain"))
	var chain []string
	for _, s := range settings {
		chain = append(chain, "dehydrated "+s+" "+w.fixture("record"))
	}
	names := w.wildcardNames()
	order := certbotOrder{lineage: "main", challenges: "dns", names: names}
	w.newCertbot().requireIssued(order.hook("extauth-hook -c "+w.write("chain", lines(chain...)), ""))

	calls := w.recorded()
	var deployed, cleaned [][]string
	for _, c := range calls {
		switch c.args[0] {
		case "deploy_challenge":
			deployed = append(deployed, c.args)
		case "clean_challenge":
			cleaned = append(cleaned, triplets(c.args[1:])...)
		default:
			require.Fail(w, "a call that nobody asked for", "%q", c.args)
		}
	}
	require.Len(w, deployed, 1)
	require.Len(w, deployed[0], 1+3*len(names), "%q", deployed)
	performed := triplets(deployed[0][1:])
	require.ElementsMatch(w, performed, cleaned)
	var domains []string
	for _, t := range performed {
		domains = append(domains, t[0])
		require.Regexp(w, "^[A-Za-z0-9_-]{43}$", t[2])
	}
	require.ElementsMatch(w, []string{w.name(""), w.name(""), w.name("www")}, domains)
}

// triplets are dehydrated's: domain, token and value of each challenge.
func triplets(args []string) [][]string { return slices.Collect(slices.Chunk(args, 3)) }

// waitForTwentyNames: records that appear late, each at its own time, cost one
// wait. It ends within 5 % of the moment at which the last was visible and one
// poll, and no earlier. The delays are those of performance figures, 1 to 20 s,
// by half.
func waitForTwentyNames(w *world) {
	order := certbotOrder{lineage: "main", challenges: "dns"}
	var delays []string
	random := rand.New(rand.NewPCG(20, 1))
	for i := range 20 {
		order.names = append(order.names, w.name(fmt.Sprintf("n%d", i)))
		delays = append(delays, fmt.Sprintf("%s %.2f", order.names[i], 0.5+9.5*random.Float64()))
	}
	w.setenv("DELAYS", w.write("delays", lines(delays...)))
	w.setenv("MOMENTS", w.path("moments"))
	w.setenv("NSUPDATE", w.handler("nsupdate"))
	const poll = 500 * time.Millisecond
	chain := w.write("chain", lines(
		"handler env="+w.nsupdateEnv(firstZone)+" "+w.fixture("late"),
		"handler phase=post-perform "+w.fixture("waited")+" --timeout 2m --interval "+poll.String(),
	))
	w.newCertbot().requireIssued(order.hook("extauth-hook -c "+chain, ""))
	m := w.moments()
	require.Len(w, m["asked"], 20)
	require.Len(w, m["visible"], 20)
	require.Len(w, m["waited"], 1, "one wait")
	begun, last := slices.Min(m["asked"]), slices.Max(m["visible"])
	waited := m["waited"][0]
	limit := time.Duration(1.05*float64(last-begun)) + poll*11/10
	w.Logf("all visible after %s, waited for %s", last-begun, waited-begun)
	require.LessOrEqual(w, waited-begun, limit)
}

// moments are the times that the fixtures noted, under their names.
func (w *world) moments() map[string][]time.Duration {
	found := map[string][]time.Duration{}
	for line := range strings.Lines(w.read(w.path("moments"))) {
		name, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		d, err := time.ParseDuration(at + "s")
		require.NoError(w, err)
		found[name] = append(found[name], d)
	}
	return found
}

func verifySees(w *world) {
	chain := w.write("chain", lines("handler verify=dns env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate")))
	got := w.newCertbot().issue(w.pairOrder().hook("extauth-hook -c "+chain, ""))
	got.requireSuccess(w.T)
	require.NotContains(w, got.output, "warning")
	w.requireNothingLeft()
}

// verifyMisses: the first handler publishes nothing, which is accepted.
func verifyMisses(w *world) {
	idle := w.writeExecutable("idle", lines("#!/bin/sh", "exit 0"))
	chain := w.write("chain", lines(
		"handler verify=dns "+idle,
		"handler env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate"),
	))
	order := certbotOrder{lineage: "main", challenges: "dns", names: []string{w.name("")}}
	c := w.newCertbot()
	got := c.issue(order.hook("extauth-hook -c "+chain, ""))
	got.requireSuccess(w.T)
	require.Contains(w, got.output, "warning: ")
	require.Contains(w, got.output, "verify=dns")
	require.Contains(w, got.output, "_acme-challenge."+w.name(""))
	require.False(w, strings.Contains(got.output, "reported error code"), "%s", got.output)
	w.requireCertificate(c.certificate("main"), order.names...)
	w.requireNothingLeft()
}
