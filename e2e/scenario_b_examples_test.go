//go:build linux

package e2e_test

import "strings"

// The handlers that people can use as they are, under certbot.
func exampleScenarios() []scenario {
	return []scenario{
		{"b_certbot_http01_webroot", certbotWithWebroot},
		{"b_certbot_dns01_nsupdate", certbotWithNsupdate},
		{"b_certbot_chain_routed_by_type", certbotRoutedByType},
		{"b_certbot_chain_in_cli_ini", certbotConfiguredByFile},
		{"b_certbot_chain_routed_by_domain", certbotRoutedByDomain},
		{"b_dehydrated_chain_of_the_readme", dehydratedWithNsupdate},
	}
}

func certbotWithWebroot(w *world) {
	w.setenv("WEBROOT", w.webroot)
	order := certbotOrder{lineage: "main", challenges: "http", names: []string{w.name(""), w.name("www")}}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to handler", " -- "+w.handler("webroot")))
}

// The server is not named: nsupdate finds it by the zone's SOA record.
func certbotWithNsupdate(w *world) {
	w.nsupdateKey()
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to handler", " -- "+w.handler("nsupdate")))
}

func certbotRoutedByType(w *world) {
	chain := w.chainOfBothTypes()
	order := certbotOrder{lineage: "main", challenges: "http,dns", names: w.namesOfBothTypes()}
	w.newCertbot().requireIssued(order.hook("extauth-hook --chain "+chain, ""))
}

// The same from a configuration file, as the handlers' README has it.
func certbotConfiguredByFile(w *world) {
	w.setenv("EXTAUTH_CHAIN", w.chainOfBothTypes())
	ini := w.write("cli.ini", lines(
		"authenticator = manual",
		"preferred-challenges = http, dns",
		"manual-auth-hook = extauth-hook auth",
		"manual-cleanup-hook = extauth-hook cleanup",
	))
	c := w.newCertbot()
	names := w.namesOfBothTypes()
	c.call("certonly", "--config", ini, "--cert-name", "main", "--domains", strings.Join(names, ",")).requireSuccess(w.T)
	w.requireCertificate(c.certificate("main"), names...)
	w.requireNothingLeft()
}

func (w *world) chainOfBothTypes() string {
	w.Helper()
	return w.write("chain", lines(
		"# one file for both types",
		"handler type=http-01 env="+w.webrootEnv()+" "+w.handler("webroot"),
		"handler type=dns-01  env="+w.nsupdateEnv(secondZone)+" "+w.handler("nsupdate"),
	))
}

// namesOfBothTypes are names that certbot proves by http-01 where it prefers
// that, and a wildcard, which has no http-01. They are in two zones, since a
// name above a TXT record has no address (see zoneFile).
func (w *world) namesOfBothTypes() []string {
	return []string{w.name(""), w.name("www"), w.nameIn(secondZone, "*")}
}

// Each zone takes its own key only: a challenge that reaches the wrong handler
// is not answered.
func certbotRoutedByDomain(w *world) {
	chain := w.write("chain", lines(
		"handler domain=*.example.test env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate"),
		"handler domain=*.second.test \\",
		"  env="+w.nsupdateEnv(secondZone)+" "+w.handler("nsupdate"),
	))
	w.setenv("EXTAUTH_CHAIN", chain)
	order := certbotOrder{
		lineage: "main", challenges: "dns",
		names: []string{w.name(""), w.name("*"), w.nameIn(secondZone, ""), w.nameIn(secondZone, "*")},
	}
	w.newCertbot().requireIssued(order.hook("extauth-hook", ""))
}

func dehydratedWithNsupdate(w *world) {
	hook := w.writeHookChain("handler type=dns-01 env=" + w.nsupdateEnv(firstZone) + " " + w.handler("nsupdate"))
	w.newDehydrated(hook, "HOOK_CHAIN=yes").requireIssued(w.wildcardPair()...)
}

func (w *world) webrootEnv() string {
	w.Helper()
	return w.write("webroot.env", "WEBROOT="+w.webroot+"\n")
}

func (w *world) nsupdateEnv(zone string) string {
	w.Helper()
	return w.write("nsupdate-"+zone+".env", lines(
		"NSUPDATE_SERVER=127.0.0.1", "NSUPDATE_KEY="+lab.bind.keyFile(zone), "NSUPDATE_ZONE="+zone))
}

func lines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
