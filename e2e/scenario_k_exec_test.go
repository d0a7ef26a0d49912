//go:build linux

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// A client without hooks under extauth-json exec, and a program that reads its
// stream, as for certbot-external-auth.
func execScenarios() []scenario {
	stopped := func(issue func(*world) *execution, how string) func(*world) {
		return func(w *world) { readerStops(w, issue, how) }
	}
	return []scenario{
		{"k_certbot_certonly_dns01", execCertonlyDNS01},
		{"k_certbot_certonly_http01", execCertonlyHTTP01},
		{"k_certbot_run", execRun},
		{"k_dehydrated_chain_no", func(w *world) { execDehydrated(w, "HOOK_CHAIN=no") }},
		{"k_dehydrated_chain_yes", func(w *world) { execDehydrated(w, "HOOK_CHAIN=yes") }},
		{"k_certbot_reader_dies", stopped(certbotUnderExec, "exit")},
		{"k_certbot_reader_confirms_no_more", stopped(certbotUnderExec, "close")},
		{"k_dehydrated_reader_dies", stopped(dehydratedUnderExec, "exit")},
		{"k_dehydrated_reader_confirms_no_more", stopped(dehydratedUnderExec, "close")},
		{"k_certbot_sigterm", func(w *world) { terminateExec(w, certbotUnderExec) }},
		{"k_dehydrated_sigterm", func(w *world) { terminateExec(w, dehydratedUnderExec) }},
		{"k_certbot_read_by_run_ack", readByAck},
		{"k_certbot_read_by_run_ack_that_fails", readByFailingAck},
	}
}

func execCertonlyDNS01(w *world) {
	w.nsupdateKey()
	x := w.execCertbot("certonly", "dns", w.wildcardNames())
	x.requireIssued(w.newCertbot().certificate("main"), w.wildcardNames())
	said := x.handled()
	requireStream(w, said, "perform_challenge*3 cleanup*3 report")
	requireAsPlugin(w, "json-dns-01-certonly", said, "token", "key_auth")
	for _, l := range said[:3] {
		require.Equal(w, "_acme-challenge."+l.text("domain"), l.text("txt_domain"))
		require.Contains(w, w.wildcardNames(), l.text("domain"))
	}
	requireSameChallenges(w, said)
}

func execCertonlyHTTP01(w *world) {
	w.setenv("WEBROOT", w.webroot)
	names := []string{w.name(""), w.name("www")}
	x := w.execCertbot("certonly", "http", names)
	x.requireIssued(w.newCertbot().certificate("main"), names)
	said := x.handled()
	requireStream(w, said, "perform_challenge*2 cleanup*2 report")
	requireAsPlugin(w, "json-http-01-certonly", said)
	for _, l := range said[:2] {
		require.Equal(w, "http://"+l.text("domain")+"/.well-known/acme-challenge/"+l.text("token"), l.text("uri"))
		require.Equal(w, l.text("validation"), l.text("key_auth"))
		require.Contains(w, l.text("command"), l.text("validation"))
		require.Contains(w, l.text("command"), ".well-known/acme-challenge/"+l.text("token"))
	}
	requireSameChallenges(w, said)
}

// execRun: certbot installs as well, with the installer that does nothing.
func execRun(w *world) {
	w.nsupdateKey()
	before := time.Now().Unix()
	x := w.execCertbot("run", "dns", w.wildcardNames())
	certificate := w.newCertbot().certificate("main")
	x.requireIssued(certificate, w.wildcardNames())
	said := x.handled()
	requireStream(w, said, "perform_challenge*3 cleanup*3 "+
		"deploy_cert save deploy_cert save deploy_cert save save restart report")
	requireAsPlugin(w, "json-dns-01-run", said, "token", "key_auth")
	requireDeployed(w, said, w.wildcardNames(), certificate, before)
}

// requireDeployed wants a line for each name, and all of them to name the files
// of the certificate.
func requireDeployed(w *world, said []line, names []string, certificate string, after int64) {
	w.Helper()
	var deployed []string
	for _, l := range said {
		if l.cmd() == "deploy_cert" {
			deployed = append(deployed, l.text("domain"))
			requireFiles(w, l, filepath.Dir(certificate), after)
		}
	}
	require.ElementsMatch(w, names, deployed)
}

// requireFiles wants a line to name the files of a certificate, and to say when
// they came to be.
func requireFiles(w *world, l line, directory string, after int64) {
	w.Helper()
	for member, file := range map[string]string{
		"cert_path": "cert.pem", "key_path": "privkey.pem", "chain_path": "chain.pem", "fullchain_path": "fullchain.pem",
	} {
		require.Equal(w, filepath.Join(directory, file), l.text(member))
		require.FileExists(w, l.text(member))
	}
	for _, member := range []string{"timestamp", "cert_timestamp"} {
		var at float64
		require.NoError(w, json.Unmarshal(l.value(member), &at))
		require.GreaterOrEqual(w, int64(at), after, member)
		require.LessOrEqual(w, int64(at), time.Now().Unix(), member)
	}
}

func execDehydrated(w *world, mode string) {
	w.nsupdateKey()
	d := w.newHookless(mode)
	names := w.wildcardPair()
	before := time.Now().Unix()
	x := w.exec(w.reader(), d.words(names...)...)
	x.requireIssued(d.certificate(names[0]), names)
	said := x.handled()
	requireStream(w, said, "perform_challenge*2 cleanup*2 deploy_cert save deploy_cert save save restart report")
	requireAsPlugin(w, "json-dns-01-run", said, "key_auth")
	requireSameChallenges(w, said)
	requireDeployed(w, said, names, d.certificate(names[0]), before)
}

// readerStops: the reader performs the second challenge and never confirms it.
func readerStops(w *world, issue func(*world) *execution, how string) {
	w.stopReader(how)
	x := issue(w)
	end := x.wait()
	require.False(w, end.Signaled(), "died of %s: %s", end.Signal(), x.stderr())
	require.NotZero(w, end.ExitStatus(), "%s", x.stderr())
	require.Contains(w, x.stderr(), "standard input ended before the challenge was confirmed")
	x.requireNoCertificate()
	said := x.handled()
	x.requireNoProcess()
	if how == "close" {
		requireStream(w, said, "perform_challenge*2 cleanup*2 report")
		requireTakenBack(w, said)
		w.requireNothingLeft()
		return
	}
	requireStream(w, said, "perform_challenge*2")
	require.Equal(w, 2, strings.Count(x.stderr(), "left performed: dns-01"), "%s", x.stderr())
	records, err := lab.bind.txtRecords(w.label)
	require.NoError(w, err)
	require.Len(w, records, 2, "what is left is what the reader performed")
}

// terminateExec: a signal comes while the second challenge waits.
func terminateExec(w *world, issue func(*world) *execution) {
	w.stopReader("wait")
	x := issue(w)
	w.await("two challenges", func() bool { return len(x.handled()) == 2 })
	require.NotEmpty(w, w.processes())
	require.NoError(w, x.cmd.Process.Signal(syscall.SIGTERM))
	end := x.wait()
	require.True(w, end.Signaled(), "status %d: %s", end.ExitStatus(), x.stderr())
	require.Equal(w, syscall.SIGTERM, end.Signal())
	x.requireNoCertificate()
	said := x.handled()
	requireStream(w, said, "perform_challenge*2 cleanup*2 report")
	requireTakenBack(w, said)
	x.requireNoProcess()
	w.requireNothingLeft()
}

func (w *world) stopReader(how string) {
	w.nsupdateKey()
	w.setenv("STOP_AT", "2")
	w.setenv("STOP_BY", how)
}

// readByAck: a program of ours does what the plugin's callers did.
func readByAck(w *world) {
	x := w.execReadByAck("--to", "handler", "run", "--ack", "--", w.handler("nsupdate"))
	x.requireIssued(w.newCertbot().certificate("main"), w.wildcardNames())
	require.Zero(w, x.reader.wait().ExitStatus())
}

func readByFailingAck(w *world) {
	chain := w.write("chain", lines(w.failingChain("2")...))
	x := w.execReadByAck("-c", chain, "run", "--ack")
	require.NotZero(w, x.wait().ExitStatus(), "%s", x.stderr())
	require.NotZero(w, x.reader.wait().ExitStatus(), "%s", x.reader.stderr())
	require.Contains(w, x.reader.stderr(), "this zone is closed")
	x.requireNoCertificate()
	w.requireNothingLeft()
}

func (w *world) execReadByAck(args ...string) *execution {
	w.Helper()
	w.nsupdateKey()
	reader := exec.Command(lab.program("extauth-json"), args...)
	return w.exec(reader, w.newCertbot().words("certonly", "dns", w.wildcardNames())...)
}

func certbotUnderExec(w *world) *execution {
	return w.execCertbot("certonly", "dns", w.wildcardNames())
}

func dehydratedUnderExec(w *world) *execution {
	d := w.newHookless("HOOK_CHAIN=no")
	return w.exec(w.reader(), d.words(w.wildcardNames()...)...)
}

func (w *world) execCertbot(verb, challenges string, names []string) *execution {
	w.Helper()
	return w.exec(w.reader(), w.newCertbot().words(verb, challenges, names)...)
}

// words are a command line without --manual and without hooks.
func (c certbot) words(verb, challenges string, names []string) []string {
	words := []string{
		"certbot", verb, "--preferred-challenges", challenges, "--cert-name", "main", "--key-type", "ecdsa",
		"--non-interactive", "--agree-tos", "--register-unsafely-without-email", "--server", lab.pebble.directory(),
		"--config-dir", c.path("letsencrypt"), "--work-dir", c.path("work"), "--logs-dir", c.path("logs"),
	}
	for _, name := range names {
		words = append(words, "-d", name)
	}
	return words
}

// newHookless configures no hook. dehydrated registers nobody for dns-01 then.
func (w *world) newHookless(mode string) *dehydrated {
	w.Helper()
	return w.newDehydrated("", mode, "CHALLENGETYPE=http-01")
}

// words are a command line without a hook.
func (d *dehydrated) words(names ...string) []string {
	words := []string{"dehydrated", "--config", d.config, "-c", "-t", "dns-01"}
	for _, name := range names {
		words = append(words, "-d", name)
	}
	return words
}

// An execution is extauth-json exec and its reader.
type execution struct {
	*running
	reader *running
}

// reader is the program that performs what exec asks for, see there.
func (w *world) reader() *exec.Cmd {
	w.setenv("TRANSCRIPT", w.path("transcript"))
	return exec.Command(w.fixture("reader"))
}

// exec starts both, each with the other's output as its input.
func (w *world) exec(reader *exec.Cmd, client ...string) *execution {
	w.Helper()
	x := exec.Command(lab.program("extauth-json"), append([]string{"exec", "--"}, client...)...)
	for _, pair := range [][2]*exec.Cmd{{x, reader}, {reader, x}} {
		from, to, err := os.Pipe()
		require.NoError(w, err)
		defer from.Close()
		defer to.Close()
		pair[0].Stdout, pair[1].Stdin = to, from
	}
	return &execution{reader: w.start("reader", reader), running: w.start("exec", x)}
}

// requireIssued wants the client to have succeeded and said so on standard
// error, and all to be taken back.
func (x *execution) requireIssued(certificate string, names []string) {
	x.Helper()
	end := x.wait()
	require.Zero(x, end.ExitStatus(), "%s", x.stderr())
	require.False(x, end.Signaled())
	require.Zero(x, x.reader.wait().ExitStatus(), "%s", x.reader.stderr())
	require.Regexp(x, "Successfully received certificate|Done!", x.stderr())
	require.NotRegexp(x, `extauth-[a-z]+: `, x.stderr(), "success is silent")
	x.requireCertificate(certificate, names...)
	x.requireNothingLeft()
}

func (x *execution) requireNoCertificate() {
	x.Helper()
	for _, file := range append(regularFiles(x, x.path("letsencrypt")), regularFiles(x, x.path("dehydrated"))...) {
		require.NotContains(x, filepath.Base(file), "fullchain")
	}
}

// requireNoProcess wants all that the client started to end with it.
func (x *execution) requireNoProcess() {
	x.Helper()
	x.await("end of all processes", func() bool { return len(x.processes()) == 0 })
}

// handled returns the lines that the reader has handled: all of them when it
// has ended, and it ends with exec.
func (x *execution) handled() []line {
	x.Helper()
	if x.hasEnded() {
		x.reader.wait()
	}
	text, err := os.ReadFile(x.path("transcript"))
	if err != nil {
		require.ErrorIs(x, err, fs.ErrNotExist)
	}
	return parseLines(x.world, string(text))
}

// A line is an object of the stream, its members in their order.
type line []member

type member struct {
	name string
	raw  json.RawMessage
}

func parseLines(w *world, text string) []line {
	w.Helper()
	var all []line
	for text := range strings.Lines(text) {
		all = append(all, parseLine(w, text))
	}
	return all
}

func parseLine(w *world, text string) line {
	w.Helper()
	var l line
	decoder := json.NewDecoder(strings.NewReader(text))
	opening, err := decoder.Token()
	require.NoError(w, err, "%s", text)
	require.Equal(w, json.Delim('{'), opening, "%s", text)
	for decoder.More() {
		name, err := decoder.Token()
		require.NoError(w, err, "%s", text)
		m := member{name: name.(string)}
		require.NoError(w, decoder.Decode(&m.raw), "%s", text)
		l = append(l, m)
	}
	_, err = decoder.Token()
	require.NoError(w, err, "%s", text)
	require.False(w, decoder.More(), "%s", text)
	return l
}

func (l line) value(name string) json.RawMessage {
	for _, m := range l {
		if m.name == name {
			return m.raw
		}
	}
	return nil
}

// text is the value of a member that is a string, else "".
func (l line) text(name string) string {
	var text string
	_ = json.Unmarshal(l.value(name), &text)
	return text
}

func (l line) cmd() string { return l.text("cmd") }

// form is a line without what differs from one certificate to another: names
// and kinds of its members, and the values that are words of the protocol.
func (l line) form(without ...string) string {
	constant := []string{"cmd", "type", "status", "validated", "error", "title", "temporary"}
	var form []string
	for _, m := range l {
		value := fmt.Sprintf("%c", m.raw[0])
		if slices.Contains(constant, m.name) {
			value = string(m.raw)
		} else if bytes.ContainsAny(m.raw[:1], "0123456789") {
			value = "number"
		}
		if !slices.Contains(without, m.name) {
			form = append(form, m.name+"="+value)
		}
	}
	return strings.Join(form, " ")
}

// requireStream requires these lines; *3 means three of them.
func requireStream(w *world, said []line, want string) {
	w.Helper()
	var expected, got []string
	for _, word := range strings.Fields(want) {
		cmd, times, repeated := strings.Cut(word, "*")
		count := 1
		if repeated {
			_, err := fmt.Sscan(times, &count)
			require.NoError(w, err)
		}
		expected = append(expected, slices.Repeat([]string{cmd}, count)...)
	}
	for _, l := range said {
		got = append(got, l.cmd())
	}
	require.Equal(w, expected, got)
}

// requireAsPlugin wants each line to have the members of a line of a recording
// of the plugin, in their order, but for those that its client does not tell;
// and every form of the recording to be there.
func requireAsPlugin(w *world, recording string, said []line, untold ...string) {
	w.Helper()
	trace := w.absolute("..", "testdata", "traces", "certbot-external-auth-0.0.6", recording+".jsonl")
	require.Equal(w, forms(parseLines(w, w.read(trace)), untold), forms(said, untold))
}

// forms are those of some lines, each once, in the order of their first.
func forms(lines []line, without []string) []string {
	var forms []string
	for _, l := range lines {
		if form := l.form(without...); !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return forms
}

// requireSameChallenges wants each challenge to be taken back once, with the
// values that it was performed with.
func requireSameChallenges(w *world, said []line) {
	w.Helper()
	require.ElementsMatch(w, challengesOf(said, "perform_challenge"), challengesOf(said, "cleanup"))
}

// requireTakenBack wants the same, and the last to be the first.
func requireTakenBack(w *world, said []line) {
	w.Helper()
	back := challengesOf(said, "cleanup")
	slices.Reverse(back)
	require.Equal(w, challengesOf(said, "perform_challenge"), back)
}

func challengesOf(said []line, cmd string) []string {
	var challenges []string
	for _, l := range said {
		if l.cmd() == cmd {
			challenges = append(challenges, strings.Join([]string{
				l.text("type"), l.text("domain"), l.text("token"), l.text("validation"), l.text("key_auth")}, " "))
		}
	}
	return challenges
}

// A running program is one that a scenario goes on beside. What it prints is in
// files, but for a standard output that goes elsewhere.
type running struct {
	*world
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
}

// start starts a program in a process group of its own, unless it is to have
// more. It dies with the thread, and the thread is the scenario's.
func (w *world) start(name string, cmd *exec.Cmd) *running {
	w.Helper()
	runtime.LockOSThread()
	w.Cleanup(w.killAll)
	r := &running{world: w, name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Dir, cmd.Env = w.dir, w.env
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	streams := r.openStreams()
	defer func() {
		for _, f := range streams {
			f.Close()
		}
	}()
	require.NoError(w, cmd.Start())
	go func() {
		defer close(r.ended)
		_ = cmd.Wait()
	}()
	return r
}

func (r *running) openStreams() []*os.File {
	r.Helper()
	err, fault := os.Create(r.path(r.name + ".err"))
	require.NoError(r, fault)
	r.cmd.Stderr = err
	if r.cmd.Stdout != nil {
		return []*os.File{err}
	}
	out, fault := os.Create(r.path(r.name + ".out"))
	require.NoError(r, fault)
	r.cmd.Stdout = out
	return []*os.File{out, err}
}

func (r *running) stdout() string { return r.read(r.path(r.name + ".out")) }
func (r *running) stderr() string { return r.read(r.path(r.name + ".err")) }

func (r *running) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// wait waits for the end of the program.
func (r *running) wait() syscall.WaitStatus {
	r.Helper()
	select {
	case <-r.ended:
	case <-time.After(hang):
		require.Fail(r, r.name+" does not end", "%s", r.stderr())
	}
	return r.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// await looks until something is there.
func (w *world) await(what string, isThere func() bool) {
	w.Helper()
	for deadline := time.Now().Add(hang); !isThere(); time.Sleep(10 * time.Millisecond) {
		require.True(w, time.Now().Before(deadline), "no %s", what)
	}
}

// processes are those that have this world's journal in their environment:
// what the scenario started, and what that started.
func (w *world) processes() []string {
	w.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(w, err)
	var processes []string
	for _, path := range found {
		environ, err := os.ReadFile(path)
		process := filepath.Base(filepath.Dir(path))
		if err == nil && slices.Contains(splitNul(string(environ)), "EXTAUTH_STATE_DIR="+w.state) {
			processes = append(processes, process)
		}
	}
	return processes
}

// killAll ends what a scenario that failed left running.
func (w *world) killAll() {
	for _, process := range w.processes() {
		if id, err := strconv.Atoi(process); err == nil {
			_ = syscall.Kill(id, syscall.SIGKILL)
		}
	}
}
