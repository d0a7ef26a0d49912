//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// uacme's shipped hooks, and where Debian keeps them.
const (
	uacmeDNSHook  = "/usr/share/uacme/nsupdate.sh"
	uacmeHTTPHook = "/usr/share/uacme/uacme.sh"
)

// uacme drives hooks of others, and its own hooks are driven by others.
func uacmeScenarios() []scenario {
	return []scenario{
		{"q_uacme_drives_dehydrated_hook", uacmeWithDdnsTsig},
		{"q_uacme_drives_certbot_scripts", uacmeWithCertbotScripts},
		{"q_uacme_drives_a_chain_of_two_types", uacmeWithChain},
		{"q_uacme_is_refused_by_the_ca", uacmeIsRefused},
		{"q_uacme_drives_its_own_hooks", uacmeWithItsHooks},
		{"q_certbot_drives_uacme_nsupdate", certbotWithUacmeNsupdate},
		{"q_certbot_drives_uacme_http", certbotWithUacmeHTTP},
		{"q_dehydrated_drives_uacme_nsupdate", dehydratedWithUacmeNsupdate},
		{"q_dehydrated_drives_uacme_http", dehydratedWithUacmeHTTP},
		{"q_lego_drives_uacme_nsupdate", legoWithUacmeNsupdate},
	}
}

// uacme is an installation of the client with an account of its own.
type uacme struct {
	*world
	conf string
}

func (w *world) newUacme() uacme {
	w.Helper()
	u := uacme{world: w, conf: w.path("uacme")}
	u.call("new").requireSuccess(w.T)
	return u
}

func (u uacme) call(words ...string) result {
	u.Helper()
	options := []string{"-y", "-v", "-t", "EC", "-a", lab.pebble.directory(), "-c", u.conf}
	return u.run("uacme", append(options, words...)...)
}

// issue asks for one certificate with a chain file as the hook: uacme takes
// nothing but a path.
func (u uacme) issue(chain []string, names ...string) result {
	u.Helper()
	first := "#!" + lab.program("extauth-uacme") + " -c"
	hook := u.writeExecutable("hook.chain", lines(append([]string{first}, chain...)...))
	return u.call(append([]string{"-h", hook, "issue"}, names...)...)
}

func (u uacme) requireIssued(chain []string, names ...string) {
	u.Helper()
	u.issue(chain, names...).requireSuccess(u.T)
	u.requireCertificate(filepath.Join(u.conf, names[0], "cert.pem"), names...)
	u.requireNothingLeft()
}

func uacmeWithDdnsTsig(w *world) {
	w.writeDdnsTsigConf()
	w.newUacme().requireIssued([]string{"dehydrated type=dns-01 " + ddnsTsigHook}, w.wildcardNames()...)
}

func uacmeWithCertbotScripts(w *world) {
	store := w.certbotHookStore()
	w.newUacme().requireIssued([]string{
		"certbot type=dns-01 auth=" + w.fixture("certbot-auth") + " cleanup=" + w.fixture("certbot-cleanup"),
	}, w.wildcardNames()...)
	require.Empty(w, regularFiles(w, store), "handles that were never used")
}

// A wildcard needs dns-01; www is answered by http-01, whatever type uacme
// offers first.
func uacmeWithChain(w *world) {
	w.nsupdateKey()
	w.setenv("WEBROOT", w.webroot)
	w.newUacme().requireIssued([]string{
		"handler type=dns-01  domain=" + w.name("") + " " + w.handler("nsupdate"),
		"handler type=http-01 domain=" + w.name("www") + " " + w.handler("webroot"),
	}, w.wildcardNames()...)
}

// A handler that says yes and does nothing: uacme tells of the failure, and its
// own hooks know the word.
func uacmeIsRefused(w *world) {
	w.recordCalls("")
	got := w.newUacme().issue([]string{"uacme type=http-01 " + w.fixture("record")}, w.name("www"))
	require.Equal(w, 2, got.status, "%s", got.output)
	calls := w.recorded()
	require.Len(w, calls, 2)
	require.Equal(w, []string{"begin", "http-01", w.name("www")}, calls[0].args[:3])
	require.Equal(w, "failed", calls[1].args[0])
	require.Equal(w, calls[0].args[1:], calls[1].args[1:])
	w.requireNothingLeft()
}

// uacme's hooks decline a type by a status that is a failure elsewhere, and
// fail again when that is to be undone: the chain says what each is for.
func uacmeWithItsHooks(w *world) {
	w.newUacme().requireIssued([]string{
		"uacme type=dns-01  domain=" + w.name("") + " " + w.uacmeNsupdate(),
		"uacme type=http-01 domain=" + w.name("www") + " " + w.uacmeWebroot(),
	}, w.wildcardNames()...)
}

// uacmeNsupdate is nsupdate.sh with its line for a key filled in, as it invites
// to: it takes none from the environment. It waits until it reads back exactly
// its own value, so that under clients which perform all challenges first it
// cannot serve a name and its wildcard at once.
func (w *world) uacmeNsupdate() string {
	w.Helper()
	const setting = "\nRNDC_KEY_NSUPDATE=\n"
	script := w.read(uacmeDNSHook)
	require.Equal(w, 1, strings.Count(script, setting))
	filled := strings.TrimSuffix(setting, "\n") + lab.bind.keyFile(firstZone) + "\n"
	return w.writeExecutable("nsupdate.sh", strings.Replace(script, setting, filled, 1))
}

// uacmeWebroot is uacme.sh, told by its variable where the web server looks.
func (w *world) uacmeWebroot() string {
	w.Helper()
	dir := filepath.Join(w.webroot, ".well-known", "acme-challenge")
	require.NoError(w, os.MkdirAll(dir, 0o755))
	w.setenv("UACME_CHALLENGE_PATH", dir)
	return uacmeHTTPHook
}

// twoNames have no record name in common.
func (w *world) twoNames() []string { return []string{w.name("www"), w.name("*")} }

func certbotWithUacmeNsupdate(w *world) {
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.twoNames()}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to uacme", " -- "+w.uacmeNsupdate()))
}

func certbotWithUacmeHTTP(w *world) {
	order := certbotOrder{lineage: "main", challenges: "http", names: []string{w.name(""), w.name("www")}}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to uacme", " -- "+w.uacmeWebroot()))
}

func dehydratedWithUacmeNsupdate(w *world) {
	w.newDehydrated(w.writeHookChain("uacme "+w.uacmeNsupdate()), "HOOK_CHAIN=yes").requireIssued(w.twoNames()...)
}

// dehydrated writes the file itself before it calls its hook, and removes it
// after the cleanup. It has a directory of its own, so that the CA sees the
// hook's file.
func dehydratedWithUacmeHTTP(w *world) {
	hook := w.writeHookChain("uacme " + w.uacmeWebroot())
	d := w.newDehydrated(hook, "CHALLENGETYPE=http-01", "WELLKNOWN="+w.mkdir("elsewhere"))
	d.requireIssued(w.name(""), w.name("www"))
}

// lego calls for a name and its wildcard one after the other, and in this mode
// only with the name of the record.
func legoWithUacmeNsupdate(w *world) {
	program := w.legoChain("uacme type=dns-01 " + w.uacmeNsupdate())
	w.newLego("default", program).requireIssued(w.wildcardPair()...)
}
