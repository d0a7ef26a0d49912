//go:build linux

package e2e_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"
)

// One process has the credentials and runs the handlers; the hooks of clients
// only pass events to it.
func listenScenarios() []scenario {
	return []scenario{
		{"l_certbot_over_a_socket", certbotOverSocket},
		{"l_certbot_over_a_socket_one_journal", certbotWithOneJournal},
		{"l_certbot_over_pipes", certbotOverPipes},
		{"l_two_certbots_at_once", twoCertbots},
		{"l_dehydrated_over_a_socket", dehydratedOverSocket},
		{"l_listener_stopped_before_cleanup", listenerStopped},
	}
}

func certbotOverSocket(w *world) {
	l := w.listen("unix:"+w.socket(), w.path("listener"))
	w.newCertbot().requireIssued(w.pairOrder().hook("extauth-hook -c "+w.chainTo(l), ""))
	l.requireStopped()
}

func certbotWithOneJournal(w *world) {
	l := w.listen("unix:"+w.socket(), w.state)
	w.newCertbot().requireIssued(w.pairOrder().hook("extauth-hook -c "+w.chainTo(l), ""))
	l.requireStopped()
}

func certbotOverPipes(w *world) {
	l := w.listen("fifo:"+w.path("pipes"), w.path("listener"))
	w.newCertbot().requireIssued(w.pairOrder().hook("extauth-hook -c "+w.chainTo(l), ""))
	l.requireStopped()
	left, err := os.ReadDir(w.path("pipes"))
	require.NoError(w, err)
	require.Empty(w, left, "pipes are left")
}

// twoCertbots have a configuration and a journal each.
func twoCertbots(w *world) {
	l := w.listen("unix:"+w.socket(), w.path("listener"))
	hook := "extauth-hook -c " + w.chainTo(l)
	var clients []*running
	for _, w := range []*world{w, newWorld(w.T)} {
		words := w.newCertbot().words("certonly", "dns", w.wildcardPair())
		words = append(words, "--manual", "--manual-auth-hook", hook+" auth", "--manual-cleanup-hook", hook+" cleanup")
		clients = append(clients, w.start("certbot", exec.Command(words[0], words[1:]...)))
	}
	for _, client := range clients {
		require.Zero(w, client.wait().ExitStatus(), "%s", client.stderr())
		require.NotContains(w, client.stdout()+client.stderr(), "reported error code")
		client.requireCertificate(client.newCertbot().certificate("main"), client.wildcardPair()...)
		client.requireNothingLeft()
	}
	l.requireStopped()
}

func dehydratedOverSocket(w *world) {
	l := w.listen("unix:"+w.socket(), w.path("listener"))
	hook := w.writeHookChain("json " + l.address)
	w.newDehydrated(hook, "HOOK_CHAIN=yes").requireIssued(w.wildcardPair()...)
	l.requireStopped()
}

// listenerStopped: the listener is gone when certbot cleans up. Both journals
// know what is left, and it can be cleaned up as soon as there is a listener.
func listenerStopped(w *world) {
	l := w.listen("unix:"+w.socket(), w.path("listener"))
	w.setenv("VICTIM", strconv.Itoa(l.cmd.Process.Pid))
	chain := w.write("chain", lines("json "+l.address, "handler phase=post-perform "+w.fixture("stop-victim")))
	order := w.pairOrder().hook("extauth-hook -c "+chain, "")
	c := w.newCertbot()
	got := c.issue(order)
	got.requireSuccess(w.T)
	require.Equal(w, 2, strings.Count(got.output, "Hook '--manual-cleanup-hook' for "+w.name("")+" reported error code"), "%s", got.output)
	require.Contains(w, got.output, "nobody listens there")
	w.requireCertificate(c.certificate("main"), order.names...)
	w.requirePending(2)
	w.run(lab.program("extauth-pending"), "clean").requireFailure(w.T)
	w.requirePending(2)

	again := w.listen(l.address, w.path("listener"))
	w.run(lab.program("extauth-pending"), "clean").requireSuccess(w.T)
	w.requireNothingLeft()
	again.requireStopped()
}

// requirePending wants extauth-pending to list so many challenges.
func (w *world) requirePending(count int) {
	w.Helper()
	listed := w.run(lab.program("extauth-pending"), "list")
	listed.requireSuccess(w.T)
	require.Equal(w, count, strings.Count(listed.output, w.name("")), "%s", listed.output)
}

func (w *world) pairOrder() certbotOrder {
	return certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardPair()}
}

// chainTo is the chain of the clients: it has no handler but the listener.
func (w *world) chainTo(l *listener) string {
	w.Helper()
	return w.write("client.chain", lines("json "+l.address))
}

// socket is a path that is short enough for one (unix(7)).
func (w *world) socket() string { return "/run/" + w.label + ".socket" }

// A listener is extauth-json run --listen.
type listener struct {
	*running
	address, state string
}

// listen starts one with the nsupdate handler, and waits until it is there.
func (w *world) listen(address, state string) *listener {
	w.Helper()
	chain := w.write("listener.chain", lines("handler env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate")))
	cmd := exec.Command(lab.program("extauth-json"), "--state-dir", state, "-c", chain, "run", "--listen", address)
	l := &listener{w.start("listener", cmd), address, state}
	w.await("listener", func() bool {
		require.False(w, l.hasEnded(), "%s", l.stderr())
		return l.answers() == nil
	})
	return l
}

func (l *listener) answers() error {
	scheme, path, _ := strings.Cut(l.address, ":")
	if scheme == "unix" {
		conn, err := net.Dial(scheme, path)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	pipe, err := os.OpenFile(filepath.Join(path, "connect"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return pipe.Close()
}

// requireStopped stops the listener, and requires no other message and nothing
// left over.
func (l *listener) requireStopped() {
	l.Helper()
	require.NoError(l, l.cmd.Process.Signal(syscall.SIGTERM))
	end := l.wait()
	require.True(l, end.Signaled(), "status %d: %s", end.ExitStatus(), l.stderr())
	require.Equal(l, syscall.SIGTERM, end.Signal())
	require.Equal(l, "extauth-json: stopped by terminated\n", l.stdout()+l.stderr())
	require.Empty(l, regularFiles(l, l.state), "entries left in the listener's journal")
	require.NoFileExists(l, l.socket())
}
