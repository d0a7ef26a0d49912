//go:build linux

package e2e_test

import (
	"strings"

	"github.com/stretchr/testify/require"
)

// certbot never takes anything out of its environment again: in a renewal the
// hooks of the second certificate are called with what it set for the first.
func renewScenarios() []scenario {
	return []scenario{{"e_certbot_renew_two_certificates", renewTwoCertificates}}
}

// A lineage of that scenario. What its auth hook prints names it.
type renewed struct {
	challenges, hookType, settings string
	name, says                     string
}

func (w *world) renewedLineages() map[string]renewed {
	first := renewed{challenges: "http", hookType: "webroot", settings: "WEBROOT=" + w.webroot}
	first.name, first.says = w.name("www"), "said-for-the-first"
	second := renewed{challenges: "dns", hookType: "nsupdate", settings: "NSUPDATE_KEY=" + lab.bind.keyFile(secondZone)}
	second.name, second.says = w.nameIn(secondZone, "www"), "said-for-the-second"
	return map[string]renewed{"first": first, "second": second}
}

func renewTwoCertificates(w *world) {
	w.setenv("RECORDS", w.mkdir("records"))
	c := w.newCertbot()
	lineages := w.renewedLineages()
	for lineage, r := range lineages {
		r.issue(c, lineage)
	}
	calls := c.renew()
	for lineage, r := range lineages {
		w.requireCertificate(c.certificate(lineage), r.name)
	}
	w.requireNothingLeft()
	w.requireNothingLeaked(calls, lineages)
}

// renew renews everything and returns the calls that certbot made for it. It
// does so again when the CA asked for fewer than two challenges: the account
// and the names are known to it, and so are two authorizations (see pebble).
func (c certbot) renew() []call {
	c.Helper()
	for range 4 {
		before := len(c.recorded())
		got := c.call("renew", "--force-renewal", "--no-random-sleep-on-renew")
		got.requireSuccess(c.T)
		require.NotContains(c, got.output, "reported error code")
		calls := c.recorded()[before:]
		if strings.Count(strings.Join(phases(calls), " "), " perform ") == 2 {
			return calls
		}
	}
	require.Fail(c, "the CA never asked for two challenges")
	return nil
}

// issue asks for a certificate with recording handlers, each with an env file
// of its own, so that nothing else can tell one lineage from the other.
func (r renewed) issue(c certbot, lineage string) {
	c.Helper()
	env := c.write(lineage+".env", lines(r.settings, "SAY="+r.says, "THEN="+c.publisher(r.hookType)))
	order := certbotOrder{lineage: lineage, challenges: r.challenges, names: []string{r.name}}
	order = order.hook("extauth-hook -e "+env+" --to handler", " -- "+c.fixture("record"))
	order.more = []string{"--deploy-hook", "extauth-hook -e " + env + " --to handler deploy -- " + c.fixture("record")}
	c.requireIssued(order)
}

// requireNothingLeaked wants every call to be about one lineage only. The first
// one is first because certbot renews in the order of the lineages' names.
func (w *world) requireNothingLeaked(calls []call, lineages map[string]renewed) {
	w.Helper()
	seen := map[string][]string{"first": nil, "second": nil}
	for _, c := range calls {
		lineage, other := "first", "second"
		if c.env["SAY"] == lineages[other].says {
			lineage, other = other, lineage
		}
		seen[lineage] = append(seen[lineage], c.args...)
		for variable, value := range c.env {
			require.NotContains(w, value, lineages[other].name, "%s in the %s", variable, lineage)
			require.NotContains(w, value, lineages[other].says, "%s in the %s", variable, lineage)
			require.False(w, strings.HasPrefix(variable, "CERTBOT_"), "%s in the %s", variable, lineage)
			require.False(w, strings.HasPrefix(variable, "RENEWED_"), "%s in the %s", variable, lineage)
		}
	}
	for lineage, phases := range seen {
		require.Subset(w, phases, []string{"perform", "cleanup", "deploy_cert"}, "calls of the %s", lineage)
	}
	requireDifferentChallenges(w, calls)
}

// requireDifferentChallenges wants the second certificate's challenge to be
// nowhere in what the first one's handlers saw, and the other way round.
func requireDifferentChallenges(w *world, calls []call) {
	w.Helper()
	for _, of := range calls {
		for _, in := range calls {
			if value := of.env["cbot_validation"]; value != "" && of.env["SAY"] != in.env["SAY"] {
				for variable, content := range in.env {
					require.NotContains(w, content, value, "validation of another certificate in %s", variable)
				}
			}
		}
	}
}
