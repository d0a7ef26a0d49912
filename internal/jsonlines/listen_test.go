package jsonlines_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// testTimeout is how long a test waits for what should come soon.
const testTimeout = 2 * time.Minute

// listener is a process that listens, with one handler and a directory.
type listener struct {
	t       *testing.T
	dir     string
	address string
	cmd     *exec.Cmd
	ended   chan struct{}
	said    syncBuffer
}

// syncBuffer is a buffer that can be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newListener starts a listener at unix: or fifo:. handler is a shell script
// that has its directory in $WORLD.
func newListener(t *testing.T, scheme, convention, handler string, options ...string) *listener {
	s := &listener{t: t, dir: t.TempDir()}
	s.address = scheme + ":" + filepath.Join(s.dir, "at")
	write(t, filepath.Join(s.dir, "handler"), "#!/bin/sh\n"+handler, 0o755)
	write(t, filepath.Join(s.dir, "chain"), convention+" ./handler\n", 0o644)
	args := append([]string{"-c", filepath.Join(s.dir, "chain"), "--listen", s.address}, options...)
	s.start("extauth-json", append(args, "run")...)
	return s
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	require.NoError(t, os.WriteFile(file, []byte(text), mode))
	require.NoError(t, os.Chmod(file, mode))
}

func (s *listener) start(program string, args ...string) {
	s.cmd = exec.Command(program, args...)
	s.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0",
		"WORLD="+s.dir, "EXTAUTH_STATE_DIR="+filepath.Join(s.dir, "state"))
	s.cmd.Stderr = &s.said
	require.NoError(s.t, s.cmd.Start())
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(s.cmd, s.ended)
	s.t.Cleanup(func() { _ = s.cmd.Process.Kill(); <-s.ended })
	s.await("an open address", s.isOpen)
}

func (s *listener) path() string { return s.address[len("unix:"):] }

// isOpen reports whether somebody listens.
func (s *listener) isOpen() bool {
	if strings.HasPrefix(s.address, "unix:") {
		conn, err := net.Dial("unix", s.path())
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	f, err := os.OpenFile(filepath.Join(s.path(), "connect"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		f.Close()
	}
	return err == nil
}

func (s *listener) await(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(testTimeout); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("there is no %s\n%s", what, s.said.String())
		}
	}
}

func (s *listener) awaitFile(name string) {
	s.t.Helper()
	s.await("file "+name, func() bool { _, err := os.Stat(filepath.Join(s.dir, name)); return err == nil })
}

func (s *listener) read(name string) string {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		require.ErrorIs(s.t, err, os.ErrNotExist)
	}
	return string(text)
}

// settle waits until a file stops growing.
func (s *listener) settle(name string) {
	size, since := 0, time.Now()
	s.await("end of "+name, func() bool {
		if now := len(s.read(name)); now != size {
			size, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
}

// stop sends a signal and waits for the end, for a limited time.
func (s *listener) stop(signal syscall.Signal, limit time.Duration) syscall.WaitStatus {
	s.t.Helper()
	require.NoError(s.t, s.cmd.Process.Signal(signal))
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.t.Fatalf("did not end within %s of %s\n%.1000s", limit, signal, s.said.String())
	}
	return s.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// descriptors returns how many files the process has open.
func (s *listener) descriptors() int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	require.NoError(s.t, err)
	return len(open)
}

func (s *listener) journal() []string {
	var records []string
	files, err := os.ReadDir(filepath.Join(s.dir, "state", "journal"))
	if err != nil {
		require.ErrorIs(s.t, err, os.ErrNotExist)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".lock") {
			records = append(records, f.Name())
		}
	}
	return records
}

// testClient is a client that writes its own bytes.
type testClient struct {
	io.ReadWriteCloser
	lines *bufio.Reader
	limit func(time.Time) error
}

func (s *listener) dial() (*testClient, error) {
	if strings.HasPrefix(s.address, "fifo:") {
		return s.dialPipes()
	}
	conn, err := net.Dial("unix", s.path())
	if err != nil {
		return nil, err
	}
	return newPeer(conn, conn.SetDeadline), nil
}

func newPeer(c io.ReadWriteCloser, limit func(time.Time) error) *testClient {
	_ = limit(time.Now().Add(3 * testTimeout))
	return &testClient{c, bufio.NewReaderSize(c, 1<<16), limit}
}

var pipeNames struct {
	sync.Mutex
	n int
}

// dialPipes does what the documentation tells a shell to do.
func (s *listener) dialPipes() (*testClient, error) {
	pipeNames.Lock()
	pipeNames.n++
	name := fmt.Sprintf("peer-%d", pipeNames.n)
	pipeNames.Unlock()
	var ends [2]*os.File
	for i, suffix := range []string{".events", ".results"} {
		path := filepath.Join(s.path(), name+suffix)
		if err := unix.Mkfifo(path, 0o600); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		ends[i] = f
	}
	p := newPeer(twoPipes{ends[1], ends[0]}, func(t time.Time) error {
		return errors.Join(ends[0].SetDeadline(t), ends[1].SetDeadline(t))
	})
	return p, os.WriteFile(filepath.Join(s.path(), "connect"), []byte(name+"\n"), 0)
}

// twoPipes reads from the one and writes to the other.
type twoPipes struct{ in, out *os.File }

func (p twoPipes) Read(b []byte) (int, error)  { return p.in.Read(b) }
func (p twoPipes) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p twoPipes) Close() error                { p.in.Close(); return p.out.Close() }

func (s *listener) mustDial() *testClient {
	s.t.Helper()
	p, err := s.dial()
	require.NoError(s.t, err)
	s.t.Cleanup(func() { p.Close() })
	return p
}

// answer is a result line.
type answer struct {
	Cmd, For, Domain, Output, Error string
	OK                              bool
}

// ask writes a line and reads its answer.
func (p *testClient) ask(line string) (answer, error) {
	if _, err := io.WriteString(p, line+"\n"); err != nil {
		return answer{}, err
	}
	return p.next()
}

func (p *testClient) next() (a answer, err error) {
	line, err := p.lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	return a, err
}

func challenge(cmd, domain, token string) string {
	return fmt.Sprintf(`{"cmd": %q, "type": "dns-01", "domain": %q, "token": %q, "validation": %q}`, cmd, domain, token, recorded)
}

// TestListenThousandClients: all are connected before the first sends an event.
// Each gets its own answers, and afterwards the program has no more files open
// than before and did not grow much.
func TestListenThousandClients(t *testing.T) {
	crowdOfClients(t, "unix", 1000)
}

// TestListenHundredsOfClientsAtPipes: the same over named pipes.
func TestListenHundredsOfClientsAtPipes(t *testing.T) {
	crowdOfClients(t, "fifo", 300)
}

func crowdOfClients(t *testing.T, scheme string, many int) {
	started := time.Now()
	s := &listener{t: t, dir: t.TempDir()}
	s.address = scheme + ":" + filepath.Join(s.dir, "at")
	program := filepath.Join(s.dir, "extauth-json")
	build := exec.Command("go", "build", "-o", program, "../../cmd/extauth-json")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))
	write(t, filepath.Join(s.dir, "handler"), "#!/bin/sh\necho \"$1 $2 $3\"\n", 0o755)
	write(t, filepath.Join(s.dir, "chain"), "dehydrated ./handler\n", 0o644)
	s.start(program, "-c", filepath.Join(s.dir, "chain"), "--listen", s.address, "run")
	first := s.mustDial()
	_, err = first.ask(challenge("perform_challenge", "first.test", "t"))
	require.NoError(t, err)
	first.Close()
	s.await("end of the first client", func() bool { return s.descriptors() <= 12 })
	before := s.descriptors()

	peers := make([]*testClient, many)
	for i := range peers {
		peers[i] = s.mustDial()
	}
	faults := make(chan string, many)
	var all sync.WaitGroup
	for i, p := range peers {
		all.Add(1)
		go func() {
			defer all.Done()
			defer p.Close()
			domain, token := fmt.Sprintf("%d.test", i), fmt.Sprintf("token-%d", i)
			a, err := p.ask(challenge("perform_challenge", domain, token))
			if want := "deploy_challenge " + domain + " " + token + "\n"; err != nil || !a.OK || a.Domain != domain || a.Output != want {
				faults <- fmt.Sprintf("%s: %+v, %v", domain, a, err)
			}
		}()
	}
	all.Wait()
	close(faults)
	for f := range faults {
		t.Error(f)
	}
	require.Len(t, s.journal(), many+1)
	s.await("end of all clients", func() bool { return s.descriptors() <= before })
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	require.NoError(t, err)
	peak := regexp.MustCompile(`VmHWM:\s*([0-9]+) kB`).FindSubmatch(status)
	kB, err := strconv.Atoi(string(peak[1]))
	require.NoError(t, err)
	require.Less(t, kB, 128<<10, "kB in memory")
	require.Equal(t, syscall.SIGTERM, s.stop(syscall.SIGTERM, 5*time.Second).Signal())
	require.Less(t, time.Since(started), 2*time.Minute)
	t.Logf("%d clients: %s, %d kB", many, time.Since(started).Round(time.Millisecond), kB)
}

// TestListenProgramsAreServed: clients that are our own programs, at both kinds
// of address, and under the race detector.
func TestListenProgramsAreServed(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"unix", "fifo"} {
		t.Run(scheme, func(t *testing.T) {
			s := newListener(t, scheme, "dehydrated", "echo \"$1 $2 $3\"\n")
			write(t, filepath.Join(s.dir, "client.chain"), "json "+s.address+"\n", 0o644)
			var all sync.WaitGroup
			for i := range 20 {
				all.Add(1)
				go func() {
					defer all.Done()
					domain := fmt.Sprintf("%d.test", i)
					for _, operation := range []string{"deploy_challenge", "clean_challenge"} {
						cmd := exec.Command("extauth-dehydrated", "-c", filepath.Join(s.dir, "client.chain"), operation, domain, "t-"+domain[:1], recorded)
						cmd.Env = append(os.Environ(), "EXTAUTH_STATE_DIR="+filepath.Join(s.dir, "clients"))
						output, err := cmd.CombinedOutput()
						if want := operation + " " + domain + " t-" + domain[:1] + "\n"; err != nil || string(output) != want {
							t.Errorf("%s: %v: %s", domain, err, output)
						}
					}
				}()
			}
			all.Wait()
			require.Empty(t, s.journal())
			require.Equal(t, syscall.SIGTERM, s.stop(syscall.SIGTERM, 10*time.Second).Signal())
		})
	}
}

// TestListenSharedState: a client and its listener may use the same state
// directory; neither waits for the other's lock.
func TestListenSharedState(t *testing.T) {
	t.Parallel()
	s := newListener(t, "unix", "dehydrated", "echo \"$1 $2\" >>\"$WORLD/log\"\n")
	write(t, filepath.Join(s.dir, "client.chain"), "json "+s.address+"\n", 0o644)
	for _, operation := range []string{"deploy_challenge", "clean_challenge"} {
		cmd := exec.Command("extauth-dehydrated", "-c", filepath.Join(s.dir, "client.chain"), "--timeout", "5s", operation, "a.test", "t", recorded)
		cmd.Env = append(os.Environ(), "EXTAUTH_STATE_DIR="+filepath.Join(s.dir, "state"))
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, string(output))
		require.Len(t, s.journal(), map[string]int{"deploy_challenge": 2}[operation])
	}
	require.Equal(t, "deploy_challenge a.test\nclean_challenge a.test\n", s.read("log"))
}

// TestListenHostileClients: the faults of a client affect no other.
func TestListenHostileClients(t *testing.T) {
	for _, scheme := range []string{"unix", "fifo"} {
		t.Run(scheme, func(t *testing.T) {
			s := newListener(t, scheme, "dehydrated", "echo \"$1 $2\" >>\"$WORLD/log\"\n")
			before := s.descriptors() + 1 // the journal's directory is opened once
			half := s.mustDial()
			_, err := io.WriteString(half, `{"cmd": "perform_cha`)
			require.NoError(t, err)
			endless := s.mustDial()
			go func() {
				for range 64 {
					if _, err := endless.Write(bytes.Repeat([]byte("x"), 32<<10)); err != nil {
						return
					}
				}
				_, _ = endless.Write([]byte("\n"))
			}()
			silent := s.mustDial() // asks and never reads
			go func() {
				for range 4000 {
					if _, err := io.WriteString(silent, "{\"cmd\": \"nonsense\"}\n"); err != nil {
						return
					}
				}
			}()
			mixed := s.mustDial()
			for _, bad := range []string{
				"garbage", "{", `{"cmd": "perform_challenge"`, `{"cmd": "startup", "cmd": "exit"}`, `{"CMD": "startup"}`, "[]", "null", "\x00\xff",
				`{"cmd": "startup", "a": 1, "a": 2}`, challenge("perform_challenge", "a.test", "$(id)"),
			} {
				a, err := mixed.ask(bad)
				require.NoError(t, err, bad)
				require.Equal(t, "result", a.Cmd)
				require.False(t, a.OK, bad)
				require.NotEmpty(t, a.Error, bad)
			}
			a, err := mixed.ask(challenge("perform_challenge", "good.test", "t"))
			require.NoError(t, err)
			require.True(t, a.OK, a.Error)
			a, err = endless.next()
			require.NoError(t, err)
			require.Equal(t, "is longer than 1048576 bytes", a.Error)
			a, err = endless.ask(challenge("perform_challenge", "endless.test", "t"))
			require.NoError(t, err)
			require.True(t, a.OK, a.Error)
			half.Close()
			again, err := mixed.ask(challenge("cleanup", "good.test", "t"))
			require.NoError(t, err)
			require.True(t, again.OK)
			for _, p := range []*testClient{mixed, endless, silent} {
				p.Close()
			}
			s.await("end of the clients", func() bool { return s.descriptors() <= before })
			require.NotContains(t, s.said.String(), "goroutine")
			require.Equal(t, syscall.SIGTERM, s.stop(syscall.SIGTERM, 10*time.Second).Signal())
			require.Equal(t, "deploy_challenge good.test\ndeploy_challenge endless.test\nclean_challenge good.test\n", s.read("log"))
		})
	}
}

// stuff fills all buffers between a client that never reads and the program.
func (p *testClient) stuff() {
	_ = p.limit(time.Now().Add(time.Second))
	for {
		if _, err := io.WriteString(p, "{\"cmd\": \"nonsense\"}\n"); err != nil {
			break
		}
	}
	_ = p.limit(time.Now().Add(3 * testTimeout))
}

// TestListenClientsThatNeverRead: even many of them, each with an event that
// has a handler, keep no others from being served.
func TestListenClientsThatNeverRead(t *testing.T) {
	s := newListener(t, "unix", "dehydrated", "echo . >>\"$WORLD/log\"; head -c 30000 /dev/zero | tr '\\0' x\n")
	for i := range 70 {
		p := s.mustDial()
		require.NoError(t, p.ReadWriteCloser.(*net.UnixConn).SetReadBuffer(1))
		var lines strings.Builder
		for n := range 20 { // their answers do not fit into the buffers
			lines.WriteString(challenge("perform_challenge", fmt.Sprintf("%d.stuck%d.test", n, i), "t") + "\n")
		}
		_, err := io.WriteString(p, lines.String())
		require.NoError(t, err)
	}
	s.settle("log")
	started := time.Now()
	good := s.mustDial()
	a, err := good.ask(challenge("perform_challenge", "good.test", "t"))
	require.NoError(t, err)
	require.True(t, a.OK, a.Error)
	require.Less(t, time.Since(started), 5*time.Second)
}

// TestListenShutdownWithClientsThatNeverRead: nor do they keep it from ending.
func TestListenShutdownWithClientsThatNeverRead(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"unix", "fifo"} {
		t.Run(scheme, func(t *testing.T) {
			s := newListener(t, scheme, "dehydrated", "exit 0\n")
			s.mustDial().stuff()
			require.Equal(t, syscall.SIGTERM, s.stop(syscall.SIGTERM, 5*time.Second).Signal())
		})
	}
}

// TestListenClientThatDisconnects: a challenge whose client is gone when it is
// performed is undone, since no cleanup will follow.
func TestListenClientThatDisconnects(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"unix", "fifo"} {
		t.Run(scheme, func(t *testing.T) {
			s := newListener(t, scheme, "dehydrated", `echo "$1 $2" >>"$WORLD/log"
if test "$1" = deploy_challenge; then : >"$WORLD/begun"; until test -e "$WORLD/go"; do sleep 0.02; done; fi
`)
			p := s.mustDial()
			_, err := io.WriteString(p, challenge("perform_challenge", "a.test", "t")+"\n")
			require.NoError(t, err)
			s.awaitFile("begun")
			p.Close()
			write(t, filepath.Join(s.dir, "go"), "", 0o644)
			s.await("clean-up", func() bool { return s.read("log") == "deploy_challenge a.test\nclean_challenge a.test\n" })
			s.await("empty journal", func() bool { return len(s.journal()) == 0 })
			a, err := s.mustDial().ask(challenge("perform_challenge", "b.test", "t"))
			require.NoError(t, err)
			require.True(t, a.OK)
		})
	}
}

// TestListenOrders: the events of an order are run one after another, whoever
// sends them; those of different orders at the same time.
func TestListenOrders(t *testing.T) {
	t.Parallel()
	s := newListener(t, "unix", "dehydrated", `[ "$1" = deploy_challenge ] || exit 0
case $2 in
*.one.test) mkdir "$WORLD/inside" || exit; sleep 0.05; rmdir "$WORLD/inside" ;;
*) : >"$WORLD/started.$2"
   until test -e "$WORLD/started.a.test" && test -e "$WORLD/started.b.test"; do sleep 0.02; done ;;
esac
`)
	var all sync.WaitGroup
	ask := func(line string) {
		p := s.mustDial()
		all.Add(1)
		go func() {
			defer all.Done()
			if a, err := p.ask(line); err != nil || !a.OK {
				t.Errorf("%s: %+v, %v", line, a, err)
			}
		}()
	}
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("%d.one.test", i))
	}
	domains, err := json.Marshal(names)
	require.NoError(t, err)
	for i, name := range names {
		ask(strings.TrimSuffix(challenge("perform_challenge", name, "t"), "}") + fmt.Sprintf(`, "remaining": %d, "domains": %s}`, 9-i, domains))
	}
	ask(challenge("perform_challenge", "a.test", "t"))
	ask(challenge("perform_challenge", "b.test", "t"))
	all.Wait()
}

// TestListenEventsWithoutAnOrder: an event that belongs to no order delays no
// other.
func TestListenEventsWithoutAnOrder(t *testing.T) {
	t.Parallel()
	s := newListener(t, "unix", "dehydrated", `: >"$WORLD/started.$1"
until test -e "$WORLD/started.startup_hook" && test -e "$WORLD/started.exit_hook"; do sleep 0.02; done
`, "--timeout", "5s")
	one, two := s.mustDial(), s.mustDial()
	_, err := io.WriteString(one, "{\"cmd\": \"startup\"}\n")
	require.NoError(t, err)
	s.awaitFile("started.startup_hook")
	_, err = two.ask(`{"cmd": "exit"}`)
	require.NoError(t, err)
	_, err = one.next()
	require.NoError(t, err)
	require.NotContains(t, s.said.String(), "timed out")
}

// TestListenSignals: running performs are undone, idle clients are
// disconnected, and the process dies of the signal.
func TestListenSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		for _, scheme := range []string{"unix", "fifo"} {
			t.Run(scheme+" "+signal.String(), func(t *testing.T) { t.Parallel(); stopBusy(t, scheme, signal, 20) })
		}
	}
}

// TestListenSignalsWhileOthersWait: waiting events are never begun, and leave
// nothing to undo.
func TestListenSignalsWhileOthersWait(t *testing.T) {
	t.Parallel()
	stopBusy(t, "unix", syscall.SIGTERM, 100)
}

func stopBusy(t *testing.T, scheme string, signal syscall.Signal, many int) {
	resetSignals()
	s := newListener(t, scheme, "dehydrated", `echo "$1 $2" >>"$WORLD/log"
test "$1" = clean_challenge || exec sleep 60
`)
	idle := s.mustDial()
	running := min(many, 64)
	for i := range many {
		_, err := io.WriteString(s.mustDial(), challenge("perform_challenge", fmt.Sprintf("%d.test", i), "t")+"\n")
		require.NoError(t, err)
	}
	s.await("handlers", func() bool { return strings.Count(s.read("log"), "deploy_challenge") == running })
	require.Equal(t, signal, s.stop(signal, 30*time.Second).Signal())
	if scheme == "unix" {
		_, err := idle.next()
		require.ErrorIs(t, err, io.EOF)
	}
	var performed, cleaned []string
	for _, line := range strings.Split(strings.TrimSpace(s.read("log")), "\n") {
		operation, domain, _ := strings.Cut(line, " ")
		if operation == "deploy_challenge" {
			performed = append(performed, domain)
		} else {
			cleaned = append(cleaned, domain)
		}
	}
	require.Len(t, performed, running)
	require.ElementsMatch(t, performed, cleaned)
	require.Empty(t, s.journal())
	_, err := os.Lstat(filepath.Join(s.path(), map[string]string{"fifo": "connect"}[scheme]))
	require.ErrorIs(t, err, os.ErrNotExist, "the address is gone")
	left, _ := filepath.Glob(filepath.Join(s.path(), "*"))
	require.Empty(t, left)
}

// TestListenKilled: a client at named pipes notices soon that its listener is
// gone, even if another has taken its place.
func TestListenKilled(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("another: %v", again), func(t *testing.T) {
			s := newListener(t, "fifo", "dehydrated", "test \"$1\" = clean_challenge || { : >\"$WORLD/begun\"; exec sleep 30; }\n")
			write(t, filepath.Join(s.dir, "client.chain"), "json "+s.address+"\n", 0o644)
			client := exec.Command("extauth-dehydrated", "-c", filepath.Join(s.dir, "client.chain"), "deploy_challenge", "a.test", "t", recorded)
			client.Env = append(os.Environ(), "EXTAUTH_STATE_DIR="+filepath.Join(s.dir, "clients"))
			require.NoError(t, client.Start())
			ended := make(chan error, 1)
			go func() { ended <- client.Wait() }()
			s.awaitFile("begun")
			s.stop(syscall.SIGKILL, 5*time.Second)
			if again {
				s.start(s.cmd.Path, s.cmd.Args[1:]...)
			}
			select {
			case err := <-ended:
				require.Error(t, err)
			case <-time.After(6 * time.Second):
				require.NoError(t, client.Process.Kill())
				<-ended
				t.Error("the client still waits")
			}
			left, _ := filepath.Glob(filepath.Join(s.path(), "*.*"))
			require.Empty(t, left)
		})
	}
}

// TestListenClientKilledAtPipes: the pipes of a killed client are removed.
func TestListenClientKilledAtPipes(t *testing.T) {
	t.Parallel()
	s := newListener(t, "fifo", "dehydrated", "test \"$1\" = clean_challenge || { : >\"$WORLD/begun\"; sleep 0.5; }\n")
	write(t, filepath.Join(s.dir, "client.chain"), "json "+s.address+"\n", 0o644)
	client := exec.Command("extauth-dehydrated", "-c", filepath.Join(s.dir, "client.chain"), "deploy_challenge", "a.test", "t", recorded)
	client.Env = append(os.Environ(), "EXTAUTH_STATE_DIR="+filepath.Join(s.dir, "clients"))
	require.NoError(t, client.Start())
	s.awaitFile("begun")
	require.NoError(t, client.Process.Kill())
	_ = client.Wait()
	s.await("clean-up", func() bool { return len(s.journal()) == 0 })
	left, _ := filepath.Glob(filepath.Join(s.path(), "*.*"))
	require.Empty(t, left)

	// One that was killed before it announced itself: the next listener finds
	// its pipes without another end.
	for _, suffix := range []string{".events", ".results"} {
		require.NoError(t, unix.Mkfifo(filepath.Join(s.path(), "killed"+suffix), 0o600))
	}
	s.stop(syscall.SIGTERM, 5*time.Second)
	s.start(s.cmd.Path, s.cmd.Args[1:]...)
	s.await("end of the dead client's pipes", func() bool {
		left, _ := filepath.Glob(filepath.Join(s.path(), "*.*"))
		return len(left) == 0
	})
}
