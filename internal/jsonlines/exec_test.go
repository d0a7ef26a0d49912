package jsonlines_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// execRun is a run of exec with a client, and the reader of its stream.
type execRun struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Reader
	stdout io.ReadCloser
	ended  chan struct{}
	state  *os.ProcessState // after ended
}

// newReader starts a run. client is a shell script that has the directory in
// $WORLD.
func newReader(t *testing.T, client string, options ...string) *execRun {
	resetSignals()
	r := &execRun{t: t, dir: t.TempDir(), ended: make(chan struct{})}
	write(t, filepath.Join(r.dir, "client"), "#!/bin/sh\nV="+recorded+"\n"+client, 0o755)
	r.cmd = exec.Command("extauth-json", append(options, "exec", "--", filepath.Join(r.dir, "client"))...)
	r.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "WORLD="+r.dir)
	var err error
	r.stdin, err = r.cmd.StdinPipe()
	require.NoError(t, err)
	r.stdout, err = r.cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := os.Create(filepath.Join(r.dir, "stderr")) // a file: a process that holds it open delays nobody
	require.NoError(t, err)
	defer stderr.Close()
	r.cmd.Stderr = stderr
	r.lines = bufio.NewReaderSize(r.stdout, 1<<16)
	require.NoError(t, r.cmd.Start())
	go func() { r.state, _ = r.cmd.Process.Wait(); close(r.ended) }()
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); <-r.ended })
	return r
}

// line is a line of the stream.
func (r *execRun) line() string {
	r.t.Helper()
	got := make(chan string, 1)
	go func() { text, _ := r.lines.ReadString('\n'); got <- text }()
	select {
	case text := <-got:
		return text
	case <-time.After(testTimeout):
		r.t.Fatalf("the stream does not go on: %s", r.stderr())
		return ""
	}
}

// next is the event of the next line, as "cleanup a.test"; "" at the end.
func (r *execRun) next() string {
	r.t.Helper()
	text := r.line()
	if text == "" {
		return ""
	}
	var e struct{ Cmd, Domain string }
	require.NoError(r.t, json.Unmarshal([]byte(text), &e), text)
	return strings.TrimSpace(e.Cmd + " " + e.Domain)
}

func (r *execRun) expect(events ...string) {
	r.t.Helper()
	for _, want := range events {
		require.Equal(r.t, want, r.next(), r.stderr())
	}
}

func (r *execRun) confirm() {
	_, err := io.WriteString(r.stdin, "\n")
	require.NoError(r.t, err)
}

func (r *execRun) signal(s syscall.Signal) { require.NoError(r.t, r.cmd.Process.Signal(s)) }

func (r *execRun) stderr() string {
	text, err := os.ReadFile(filepath.Join(r.dir, "stderr"))
	require.NoError(r.t, err)
	return string(text)
}

// ends waits for the end, for a limited time.
func (r *execRun) ends(limit time.Duration) {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(limit):
		r.t.Fatalf("did not end within %s\n%s", limit, r.stderr())
	}
}

func (r *execRun) awaitFile(name string) string {
	r.t.Helper()
	var text []byte
	require.Eventually(r.t, func() (done bool) {
		var err error
		text, err = os.ReadFile(filepath.Join(r.dir, name))
		return err == nil && len(text) > 0
	}, testTimeout, 5*time.Millisecond, name)
	return strings.TrimSpace(string(text))
}

const deploys = "extauth-dehydrated deploy_challenge a.test t1 $V\n"

// TestExecSignalWhileItWaits: the client gets the signal, the reader is asked
// to clean up, the stream ends with a report, and nothing is left in the file
// system.
func TestExecSignalWhileItWaits(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := newReader(t, "dirname \"$EXTAUTH_SOCKET\" >\"$WORLD/directory\"\n"+
				"extauth-dehydrated deploy_challenge z.test t1 $V\n"+deploys)
			r.expect("perform_challenge z.test")
			r.confirm()
			r.expect("perform_challenge a.test")
			r.signal(signal)
			r.expect("cleanup a.test", "cleanup z.test", "report", "")
			r.ends(5 * time.Second)
			require.Equal(t, signal, r.state.Sys().(syscall.WaitStatus).Signal())
			_, err := os.Lstat(r.awaitFile("directory"))
			require.ErrorIs(t, err, os.ErrNotExist)
			require.NotContains(t, r.stderr(), "left performed")
		})
	}
}

// TestExecSignalWhileItCleansUp: a client that goes on despite the signal has
// its cleanups served, and keeps its own status.
func TestExecSignalWhileItCleansUp(t *testing.T) {
	t.Parallel()
	r := newReader(t, `trap : TERM
extauth-dehydrated deploy_challenge a.test t1 $V b.test t2 $V
echo ready >"$WORLD/ready"
until test -s "$WORLD/go"; do sleep 0.02; done
extauth-dehydrated clean_challenge a.test t1 $V
extauth-dehydrated clean_challenge b.test t2 $V
exit 7
`)
	r.expect("perform_challenge a.test")
	r.confirm()
	r.expect("perform_challenge b.test")
	r.confirm()
	r.awaitFile("ready")
	r.signal(syscall.SIGTERM)
	write(t, filepath.Join(r.dir, "go"), "go", 0o644)
	r.expect("cleanup a.test", "cleanup b.test")
	require.Contains(t, r.line(), "client: exit status 7")
	r.expect("")
	r.ends(5 * time.Second)
	require.Equal(t, syscall.SIGTERM, r.state.Sys().(syscall.WaitStatus).Signal())
}

// TestExecSecondSignal: a client that ignores the first signal gets the next
// one too.
func TestExecSecondSignal(t *testing.T) {
	t.Parallel()
	r := newReader(t, `trap 'echo got >"$WORLD/got"' INT
trap 'exit 9' TERM
echo ready >"$WORLD/ready"
while :; do sleep 0.02; done
`)
	r.awaitFile("ready")
	r.signal(syscall.SIGINT)
	r.awaitFile("got")
	r.signal(syscall.SIGTERM)
	r.ends(5 * time.Second)
}

// TestExecTwoHooksAtOnce: one event is written after the other, and each answer
// is for the one before it.
func TestExecTwoHooksAtOnce(t *testing.T) {
	t.Parallel()
	r := newReader(t, `for name in a b c d e; do
	{ extauth-dehydrated deploy_challenge $name.test t1 $V && echo $name >>"$WORLD/done" && extauth-dehydrated clean_challenge $name.test t1 $V; } &
done
wait
exit 0
`)
	standing, performed := map[string]bool{}, 0
	for {
		event := r.next()
		cmd, domain, _ := strings.Cut(event, " ")
		if cmd == "report" {
			break
		}
		switch cmd {
		case "perform_challenge":
			require.False(t, standing[domain], event)
			standing[domain] = true
			performed++
			r.confirm()
		case "cleanup":
			require.True(t, standing[domain], event)
			delete(standing, domain)
		default:
			t.Fatalf("%q", event)
		}
	}
	r.expect("")
	r.ends(5 * time.Second)
	require.Equal(t, 5, performed)
	require.Empty(t, standing)
}

// TestExecReaderThatStops: the reader stops reading while the stream is full,
// then goes away. exec ends, and so does the hook.
func TestExecReaderThatStops(t *testing.T) {
	t.Parallel()
	r := newReader(t, `i=0
while test $i -lt 40; do
	extauth-dehydrated deploy_cert a.test /k /c /f /h 1 2>>"$WORLD/hooks" || echo failed >"$WORLD/failed"
	i=$((i + 1))
done
text=$(head -c 60000 /dev/zero | tr '\0' x)
for i in 1 2 3 4 5; do extauth-dehydrated exit_hook "$text"; done
`)
	r.line()
	require.NoError(t, r.stdout.Close())
	r.ends(testTimeout)
	require.NotEmpty(t, r.awaitFile("failed"))
	require.NotContains(t, r.stderr(), "goroutine")
}

// TestExecSignalWhileTheReaderStalls: exec ends after a signal even if nobody
// reads its stream.
func TestExecSignalWhileTheReaderStalls(t *testing.T) {
	t.Parallel()
	r := newReader(t, `echo ready >"$WORLD/ready"
while :; do extauth-dehydrated deploy_cert a.test /k /c /f /h 1 || exit; echo . >>"$WORLD/told"; done
`)
	r.awaitFile("ready")
	size := func() int64 {
		info, err := os.Stat(filepath.Join(r.dir, "told"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	before, since := int64(-1), time.Now()
	require.Eventually(t, func() bool { // until it stalls
		if now := size(); now != before {
			before, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	}, 2*testTimeout, 20*time.Millisecond)
	r.signal(syscall.SIGTERM)
	r.ends(5 * time.Second)
}

// TestExecLeftConnection: a connected process that the client left running
// keeps exec neither from ending nor from dying of a signal.
func TestExecLeftConnection(t *testing.T) {
	t.Parallel()
	const client = `python3 -c '
import os, socket, time
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["EXTAUTH_SOCKET"])
open(os.environ["WORLD"] + "/connected", "w").write(str(os.getpid()))
time.sleep(30)' &
until test -s "$WORLD/connected"; do sleep 0.02; done
`
	t.Run("end", func(t *testing.T) {
		r := newReader(t, client+"exit 0\n")
		r.awaitFile("connected")
		defer killNumber(t, r.awaitFile("connected"))
		r.expect("report")
		r.ends(5 * time.Second)
	})
	t.Run("signal", func(t *testing.T) {
		r := newReader(t, strings.Replace(client, "python3", "setsid python3", 1)+"exec sleep 30\n")
		defer killNumber(t, r.awaitFile("connected"))
		r.signal(syscall.SIGTERM)
		r.ends(5 * time.Second)
	})
}

func killNumber(t *testing.T, number string) {
	var pid int
	_, err := fmt.Sscan(number, &pid)
	require.NoError(t, err)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// TestExecClientDiesWhileItWaits: the client and its hook are killed, so that
// nobody waits for the answer.
func TestExecClientDiesWhileItWaits(t *testing.T) {
	t.Parallel()
	r := newReader(t, "echo $$ >\"$WORLD/pid\"\n"+deploys)
	r.expect("perform_challenge a.test")
	pid := r.awaitFile("pid")
	var group int
	_, err := fmt.Sscan(pid, &group)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(-group, syscall.SIGKILL))
	r.expect("cleanup a.test", "report", "")
	r.ends(5 * time.Second)
}

// recordedCall is one call of a hook.
type recordedCall struct {
	Argv     []string
	EnvAdded map[string]string `json:"env_added"`
}

// TestExecRecordedRuns: for every recorded run of a client the stream is in
// canonical form, each performed challenge is cleaned up, and a report ends the
// stream.
func TestExecRecordedRuns(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"certbot-2.1.0", "dehydrated-0.7.0"} {
		files, err := filepath.Glob("../../testdata/traces/" + client + "/*.jsonl")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			t.Run(client+"/"+filepath.Base(file), func(t *testing.T) { t.Parallel(); replay(t, file) })
		}
	}
}

func replay(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var script strings.Builder
	for _, line := range strings.Split(strings.Trim(string(text), "\n"), "\n") {
		if line == "" {
			continue // the client called no hook
		}
		var c recordedCall
		require.NoError(t, json.Unmarshal([]byte(line), &c))
		script.WriteString(hookCommand(c) + "\n")
	}
	r := newReader(t, script.String())
	go func() { _, _ = io.Copy(r.stdin, strings.NewReader(strings.Repeat("\n", 1000))) }()
	standing := map[string]int{}
	last := ""
	var stream strings.Builder
	for {
		line := r.line()
		if line == "" {
			break
		}
		stream.WriteString(line)
		var e struct{ Cmd, Type, Domain, Validation string }
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		challenge := e.Type + " " + e.Domain + " " + e.Validation
		switch last = e.Cmd; e.Cmd {
		case "perform_challenge":
			standing[challenge] = 1
		case "cleanup":
			delete(standing, challenge)
		}
	}
	r.ends(testTimeout)
	require.Equal(t, "report", last)
	require.Empty(t, standing)
	again := exec.Command("extauth-json", "--to", "json", "run")
	again.Stdin = strings.NewReader(stream.String())
	canonical, err := again.Output()
	require.NoError(t, err)
	require.Equal(t, stream.String(), string(canonical))
	require.NotRegexp(t, regexp.MustCompile(`(?m)^extauth`), r.stderr())
}

// hookCommand returns the shell line that repeats a recorded call with our
// programs.
func hookCommand(c recordedCall) string {
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	words := []string{"env"}
	for name, value := range c.EnvAdded {
		if strings.HasPrefix(name, "CERTBOT_") || strings.HasPrefix(name, "RENEWED_") || strings.HasPrefix(name, "FAILED_") {
			words = append(words, quoted(name+"="+value))
		}
	}
	hook := filepath.Base(c.Argv[0])
	switch {
	case hook == "dh":
		words = append(words, "extauth-dehydrated")
	case len(c.Argv) == 1 && (hook == "auth" || hook == "cleanup" || hook == "pre" || hook == "post" || hook == "deploy"):
		words = append(words, "extauth-hook", hook)
	default:
		return ""
	}
	for _, arg := range c.Argv[1:] {
		words = append(words, quoted(arg))
	}
	return strings.Join(words, " ")
}
