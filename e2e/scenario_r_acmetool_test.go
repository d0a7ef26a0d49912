//go:build linux

package e2e_test

import (
	"fmt"
	"path/filepath"

	"github.com/stretchr/testify/require"
)

// acmetool drives chains. It cannot have a name and its wildcard in one
// certificate's order, and asks for http-01 first wherever it can.
func acmetoolScenarios() []scenario {
	return []scenario{
		{"r_acmetool_drives_dehydrated_hook", acmetoolWithDdnsTsig},
		{"r_acmetool_drives_certbot_scripts", acmetoolWithCertbotScripts},
		{"r_acmetool_drives_nsupdate", acmetoolWithNsupdate},
		{"r_acmetool_drives_nsupdate_for_a_wildcard", acmetoolWithWildcard},
		{"r_acmetool_drives_webroot", acmetoolWithWebroot},
		{"r_certbot_drives_acmetool_hook", certbotWithAcmetoolHook},
		{"r_dehydrated_drives_acmetool_hook", dehydratedWithAcmetoolHook},
	}
}

// acmetool is an installation of the client: its state directory, and a hooks
// directory whose only hook is a chain file.
type acmetool struct {
	*world
	state string
	hooks string
}

// acmetoolTarget is the default for new certificates. acmetool's own web server
// is not where the CA looks, nor would it ask itself first.
const acmetoolTarget = `request:
  provider: %s
  key:
    type: ecdsa
  challenge:
    http-self-test: false
`

// acmetoolResponses answer what acmetool asks when it makes an account.
const acmetoolResponses = `"acme-enter-email": ""
"acme-agreement:data:text/plain,Do%20what%20thou%20wilt": true
`

func (w *world) newAcmetool(chain ...string) acmetool {
	w.Helper()
	a := acmetool{world: w, state: w.mkdir("acme"), hooks: w.mkdir("hooks")}
	w.mkdir("acme/conf")
	w.write("acme/conf/target", fmt.Sprintf(acmetoolTarget, lab.pebble.directory()))
	w.write("acme/conf/responses", acmetoolResponses)
	first := "#!" + lab.program("extauth-acmetool") + " -c"
	w.writeExecutable("hooks/extauth", lines(append([]string{first}, chain...)...))
	return a
}

// issue asks for one certificate.
func (a acmetool) issue(names ...string) result {
	a.Helper()
	options := []string{"--state", a.state, "--hooks", a.hooks, "--batch", "--xlog.severity=debug", "want"}
	return a.run("acmetool", append(options, names...)...)
}

func (a acmetool) requireIssued(names ...string) {
	a.Helper()
	a.issue(names...).requireSuccess(a.T)
	for _, name := range names {
		a.requireCertificate(filepath.Join(a.state, "live", name, "cert"), names...)
	}
	a.requireNothingLeft()
}

// Every hook gets every event: for http-01 the chain has no handler, and acmetool
// asks for dns-01 when the CA finds no response.
func acmetoolWithNsupdate(w *world) {
	w.nsupdateKey()
	w.newAcmetool("handler type=dns-01 " + w.handler("nsupdate")).requireIssued(w.name("www"))
}

// acmetool runs its hooks in the root directory, and Debian's hook for dehydrated
// reads its configuration where it is run.
func acmetoolWithDdnsTsig(w *world) {
	w.writeDdnsTsigConf()
	hook := w.writeExecutable("ddns-tsig", lines("#!/bin/sh", "cd '"+w.dir+"'", "exec "+ddnsTsigHook+` "$@"`))
	w.newAcmetool("dehydrated type=dns-01 " + hook).requireIssued(w.name("*"))
}

func acmetoolWithCertbotScripts(w *world) {
	store := w.certbotHookStore()
	a := w.newAcmetool("certbot type=dns-01 auth=" + w.fixture("certbot-auth") + " cleanup=" + w.fixture("certbot-cleanup"))
	a.requireIssued(w.name("*"))
	require.Empty(w, regularFiles(w, store), "handles that were never used")
}

// For a wildcard there is only dns-01. The certificate's hook gets files that
// exist.
func acmetoolWithWildcard(w *world) {
	w.nsupdateKey()
	w.recordCalls("")
	a := w.newAcmetool("handler type=dns-01 "+w.handler("nsupdate"), "dehydrated phase=deploy_cert "+w.fixture("record"))
	a.requireIssued(w.name("*"))
	calls := w.recorded()
	require.Len(w, calls, 1)
	require.Equal(w, []string{"deploy_cert", w.name("*")}, calls[0].args[:2])
	for _, path := range calls[0].args[2:6] {
		require.FileExists(w, path)
	}
}

// Two hosts of one certificate are two events of one call.
func acmetoolWithWebroot(w *world) {
	w.setenv("WEBROOT", w.webroot)
	w.recordCalls("")
	names := []string{w.name(""), w.name("www")}
	a := w.newAcmetool("handler type=http-01 "+w.handler("webroot"), "handler phase=deploy_cert "+w.fixture("record"))
	a.requireIssued(names...)
	var hosts []string
	for _, c := range w.recorded() {
		require.Equal(w, []string{"deploy_cert"}, c.args)
		require.FileExists(w, c.env["cbot_fullchain_path"])
		hosts = append(hosts, c.env["cbot_domain"])
	}
	require.ElementsMatch(w, names, hosts)
}

// acmetoolHook answers http-01 as the hooks of acmetool's users do, and no
// other event.
func (w *world) acmetoolHook() string {
	w.Helper()
	w.setenv("CHALLENGES", filepath.Join(w.webroot, ".well-known", "acme-challenge"))
	return w.writeExecutable("hook.sh", lines(
		"#!/bin/sh",
		"set -eu",
		"case $1 in",
		`challenge-http-start) mkdir -p "$CHALLENGES"; cat >"$CHALLENGES/$4" ;;`,
		`challenge-http-stop) rm "$CHALLENGES/$4" ;;`,
		"*) exit 42 ;;",
		"esac"))
}

func certbotWithAcmetoolHook(w *world) {
	order := certbotOrder{lineage: "main", challenges: "http", names: []string{w.name(""), w.name("www")}}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to acmetool", " -- "+w.acmetoolHook()))
}

func dehydratedWithAcmetoolHook(w *world) {
	hook := w.writeHookChain("acmetool " + w.acmetoolHook())
	d := w.newDehydrated(hook, "CHALLENGETYPE=http-01", "WELLKNOWN="+w.mkdir("elsewhere"))
	d.requireIssued(w.name(""), w.name("www"))
}
