//go:build linux

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
)

// lego's DNS provider exec drives hooks of other clients, in both of its modes,
// and its run and renew hooks tell of a certificate. Scripts that were written
// for the provider work under other clients.
func legoScenarios() []scenario {
	var all []scenario
	for _, mode := range []string{"default", "raw"} {
		all = append(all,
			scenario{"p_lego_" + mode + "_ddns_tsig_hook", func(w *world) { legoWithDdnsTsig(w, mode) }},
			scenario{"p_lego_" + mode + "_certbot_hooks", func(w *world) { legoWithCertbotHooks(w, mode) }},
			scenario{"p_lego_" + mode + "_chain_with_nsupdate", func(w *world) { legoWithNsupdate(w, mode) }},
		)
	}
	return append(all,
		scenario{"p_lego_program_without_a_chain", legoWithoutChain},
		scenario{"p_lego_present_fails", legoPresentFails},
		scenario{"p_lego_present_fails_once", legoPresentFailsOnce},
		scenario{"p_lego_run_and_renew_hook", legoHooks},
		scenario{"p_lego_relative_path", legoRelativePath},
		scenario{"p_certbot_with_a_lego_program", certbotWithLegoProgram},
		scenario{"p_dehydrated_with_a_raw_lego_program", dehydratedWithRawLegoProgram},
	)
}

// lego is an installation of the client with an account of its own. Its files
// are below path.
type lego struct {
	*world
	path string
}

// newLego sets lego up with a program for its provider. The waits are short:
// the server is up to date at once.
func (w *world) newLego(mode, program string) lego {
	w.Helper()
	w.setenv("EXEC_PATH", program)
	if mode == "raw" {
		w.setenv("EXEC_MODE", "RAW")
	}
	w.setenv("EXEC_POLLING_INTERVAL", "1")
	w.setenv("EXEC_SEQUENCE_INTERVAL", "1")
	w.setenv("EXEC_PROPAGATION_TIMEOUT", "20")
	w.setenv("LEGO_CA_CERTIFICATES", filepath.Join(lab.dir, "bundle.pem"))
	return lego{w, w.path("lego")}
}

// call is a command of lego for a certificate.
func (l lego) call(names []string, verb ...string) result {
	l.Helper()
	args := []string{
		"--server", lab.pebble.directory(), "--accept-tos", "--email", "lego@" + firstZone,
		"--path", l.path, "--dns", "exec", "--dns.resolvers", "127.0.0.1:53",
	}
	for _, name := range names {
		args = append(args, "--domains", name)
	}
	return l.run("lego", append(args, verb...)...)
}

// certificate is where lego writes one; the wildcard's * is an underscore.
func (l lego) certificate(name, extension string) string {
	return filepath.Join(l.path, "certificates", strings.ReplaceAll(name, "*", "_")+extension)
}

func (l lego) requireIssued(names ...string) {
	l.Helper()
	got := l.call(names, "run")
	got.requireSuccess(l.T)
	require.NotContains(l, got.output, "extauth-lego: ", "lego only mentions a failed clean-up")
	l.requireCertificate(l.certificate(names[0], ".crt"), names...)
	l.requireNothingLeft()
}

// legoChain writes a chain file that is lego's program.
func (w *world) legoChain(lines ...string) string {
	w.Helper()
	first := "#!" + lab.program("extauth-lego") + " -c"
	return w.writeExecutable("lego.chain", strings.Join(append([]string{first}, lines...), "\n")+"\n")
}

func legoWithDdnsTsig(w *world, mode string) {
	w.writeDdnsTsigConf()
	w.newLego(mode, w.legoChain("dehydrated "+ddnsTsigHook)).requireIssued(w.wildcardPair()...)
}

func legoWithCertbotHooks(w *world, mode string) {
	store := w.certbotHookStore()
	program := w.legoChain("certbot auth=" + w.fixture("certbot-auth") + " cleanup=" + w.fixture("certbot-cleanup"))
	w.newLego(mode, program).requireIssued(w.wildcardPair()...)
	require.Empty(w, regularFiles(w, store), "handles that were never used")
}

func legoWithNsupdate(w *world, mode string) {
	program := w.legoChain("handler type=dns-01 env=" + w.nsupdateEnv(firstZone) + " " + w.handler("nsupdate"))
	w.newLego(mode, program).requireIssued(w.wildcardPair()...)
}

// The provider's program takes no argument, so that the environment names the
// handler.
func legoWithoutChain(w *world) {
	w.nsupdateKey()
	w.setenv("EXTAUTH_TO", "handler")
	w.setenv("EXTAUTH_HANDLER", w.handler("nsupdate"))
	w.newLego("default", "extauth-lego").requireIssued(w.wildcardPair()...)
}

// lego cleans up what could not be performed and goes on with the next name: it
// finds all undone.
func legoPresentFails(w *world) {
	w.recordCalls(w.legoChain(w.failingChain("each")...))
	got := w.newLego("default", w.fixture("record")).call(w.wildcardPair(), "run")
	got.requireFailure(w.T)
	var verbs []string
	for _, c := range w.recorded() {
		verbs = append(verbs, c.args[0])
	}
	require.Equal(w, []string{"present", "cleanup", "present", "cleanup"}, verbs)
	require.Equal(w, 2, strings.Count(got.output, "this zone is closed\n"), "%s", got.output)
	require.NotContains(w, got.output, "cleaning up failed")
	w.requireNothingLeft()
}

func legoPresentFailsOnce(w *world) {
	got := w.newLego("raw", w.legoChain(w.failingChain("1")...)).call(w.wildcardPair(), "run")
	got.requireFailure(w.T)
	require.Equal(w, 1, strings.Count(got.output, "this zone is closed\n"), "%s", got.output)
	require.NotContains(w, got.output, "cleaning up failed")
	w.requireNothingLeft()
}

// The run and the renew hook tell a dehydrated hook of the certificate.
func legoHooks(w *world) {
	l := w.newLego("default", w.legoChain("handler env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate")))
	w.recordCalls("")
	names := []string{w.name("*"), w.name("")}
	hook := "extauth-lego --to dehydrated --handler " + w.fixture("record")
	l.call(names, "run", "--run-hook", hook+" run").requireSuccess(w.T)
	l.call(names, "renew", "--days", "9999", "--no-random-sleep", "--renew-hook", hook+" renew").requireSuccess(w.T)
	w.requireNothingLeft()

	calls := w.recorded()
	require.Len(w, calls, 2)
	for _, c := range calls {
		l.requireDeployed(c, names)
	}
}

// requireDeployed wants deploy_cert DOMAIN KEY CERT FULLCHAIN CHAIN TIMESTAMP,
// with files that are there, and none of lego's variables.
func (l lego) requireDeployed(c call, names []string) {
	l.Helper()
	require.Len(l, c.args, 7)
	require.Equal(l, []string{
		"deploy_cert", names[0], l.certificate(names[0], ".key"),
		l.certificate(names[0], ".crt"), l.certificate(names[0], ".crt"), l.certificate(names[0], ".issuer.crt"),
	}, c.args[:6])
	for _, file := range c.args[2:6] {
		require.FileExists(l, file)
	}
	l.requireCertificate(c.args[4], names...)
	require.Greater(l, strings.Count(l.read(c.args[4]), "BEGIN CERTIFICATE"), 1, "the bundle")
	_, err := strconv.ParseUint(c.args[6], 10, 64)
	require.NoError(l, err)
	require.NotContains(l, c.env, "LEGO_CERT_PATH")
}

// With a relative --path lego's hooks get relative paths: they are below $PWD,
// and refused where that is not set.
func legoRelativePath(w *world) {
	l := w.newLego("default", w.legoChain("handler env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate")))
	l.path = "lego"
	w.recordCalls("")
	names := []string{w.name("")}
	hook := "extauth-lego --to dehydrated --handler " + w.fixture("record") + " run"
	got := l.call(names, "run", "--run-hook", hook)
	got.requireFailure(w.T)
	require.Contains(w, got.output, "extauth-lego: LEGO_CERT_PATH ")
	require.Empty(w, w.recorded())

	require.NoError(w, os.RemoveAll(w.path("lego")))
	w.env = slices.Concat(w.env, []string{"PWD=" + w.dir})
	l.call(names, "run", "--run-hook", hook).requireSuccess(w.T)
	w.requireNothingLeft()
	require.Len(w, w.recorded(), 1)
	l.path = w.path("lego")
	l.requireDeployed(w.recorded()[0], names)
}

func certbotWithLegoProgram(w *world) {
	w.nsupdateKey()
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	w.newCertbot().requireIssued(order.hook("extauth-hook --to lego", " -- "+w.fixture("lego-exec")))
}

// A program for RAW mode needs the key authorization: dehydrated does not tell
// it, but its user can tell the account's thumbprint.
func dehydratedWithRawLegoProgram(w *world) {
	w.nsupdateKey()
	hook := w.writeHookChain("lego mode=raw phase=perform,cleanup " + w.fixture("lego-exec"))
	d := w.newDehydrated(hook, "HOOK_CHAIN=yes")
	refused := d.issue(w.wildcardPair()...)
	refused.requireFailure(w.T)
	require.Contains(w, refused.output, "key authorization")
	w.setenv("EXTAUTH_THUMBPRINT", d.thumbprint())
	d.requireIssued(w.wildcardPair()...)
}
