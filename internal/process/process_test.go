package process_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
)

// room is a directory that a shell's commands know as $DIR, with what the
// process says to people.
type room struct {
	t   *testing.T
	dir string

	mu    sync.Mutex
	lines []string
}

func newRoom(t *testing.T) *room { return &room{t: t, dir: t.TempDir()} }

// hear takes a line that was said to people.
func (r *room) hear(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

// shell is a process that runs commands.
func (r *room) shell(commands string, words ...string) *process.Process {
	return &process.Process{
		Argv:    append([]string{"/bin/sh", "-c", commands, "sh"}, words...),
		Env:     []string{"PATH=/usr/bin:/bin", "DIR=" + r.dir},
		Timeout: time.Minute,
		Grace:   200 * time.Millisecond,
		Stderr:  r.hear,
	}
}

func (r *room) path(name string) string { return filepath.Join(r.dir, name) }

// await waits until a program has made a file whole, and returns what it says.
func (r *room) await(name string) string {
	var text []byte
	require.Eventually(r.t, func() bool {
		text, _ = os.ReadFile(r.path(name))
		return bytes.HasSuffix(text, []byte("\n"))
	}, 20*time.Second, time.Millisecond, name)
	return strings.TrimSuffix(string(text), "\n")
}

// awaitEnd waits for the end of a process that left its number in a file.
func (r *room) awaitEnd(name string) {
	pid := r.pid(name)
	require.Eventually(r.t, func() bool { return !runs(pid) }, 20*time.Second, time.Millisecond, name)
}

func (r *room) pid(name string) int {
	pid, err := strconv.Atoi(r.await(name))
	require.NoError(r.t, err)
	return pid
}

// runs reports whether a process has not ended. One that has may wait for
// somebody to ask how (proc_pid_stat(5)).
func runs(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(after, "Z")
}

// kill ends a process that was left on purpose.
func (r *room) kill(name string) {
	require.NoError(r.t, syscall.Kill(r.pid(name), syscall.SIGKILL))
	r.awaitEnd(name)
}

func TestRun(t *testing.T) {
	r := newRoom(t)
	p := r.shell(`cat; echo "$0 $1 $X"; pwd; echo one >&2; printf two >&2`, "a b")
	p.Env, p.Stdin, p.Dir = append(p.Env, "X=x"), []byte("in\n"), "/"
	result, err := p.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, "in\nsh a b x\n/\n", string(result.Stdout))
	require.Equal(t, []string{"one", "two"}, r.lines)
	require.Zero(t, result.Status)
	require.NotZero(t, result.Duration)
	require.False(t, result.HeldOpen)
}

func TestRunWithoutAnything(t *testing.T) {
	p := &process.Process{Argv: []string{"/bin/sh", "-c", `cat; [ -z "$HOME" ]`}}
	result, err := p.Run(context.Background())
	require.NoError(t, err)
	require.Empty(t, result.Stdout)
}

func TestRunEndsBadly(t *testing.T) {
	for commands, want := range map[string]process.ExitError{
		"echo out; exit 3":        {Status: 3},
		"echo out; kill -9 $$":    {Status: 137, Signal: syscall.SIGKILL},
		"echo out; kill -TERM $$": {Status: 143, Signal: syscall.SIGTERM},
	} {
		result, err := newRoom(t).shell(commands).Run(context.Background())
		end := new(process.ExitError)
		require.ErrorAs(t, err, &end, commands)
		require.Equal(t, want, *end)
		require.Equal(t, want.Status, result.Status)
		require.Equal(t, "out\n", string(result.Stdout), commands)
	}
	require.EqualError(t, &process.ExitError{Status: 3}, "exit status 3")
	require.EqualError(t, &process.ExitError{Status: 137, Signal: 9}, "killed by signal 9 (killed)")
}

// TestRunCannotStart: the error has the reason, and nothing has run.
func TestRunCannotStart(t *testing.T) {
	r := newRoom(t)
	write := func(name, text string, mode os.FileMode) {
		require.NoError(t, os.WriteFile(r.path(name), []byte(text), mode))
		require.NoError(t, os.Chmod(r.path(name), mode))
	}
	write("plain", "#!/bin/sh\n", 0o644)
	write("interpreter", "#!/no/such/sh -e\n", 0o755)
	write("dos", "#!/bin/sh\r\n", 0o755)
	write("text", "echo\n", 0o755)
	for name, want := range map[string]string{
		r.path("missing"):     "no such file",
		"no-such-program":     "is not in PATH",
		r.dir:                 "is a directory",
		r.path("plain"):       "exists but is not executable; chmod +x it",
		r.path("interpreter"): `its interpreter "/no/such/sh" does not exist`,
		r.path("dos"):         `its interpreter "/bin/sh\r" does not exist: the #! line ends in CR LF`,
		r.path("text"):        "is neither a program nor begins with #! and an interpreter",
	} {
		_, err := (&process.Process{Argv: []string{name}}).Run(context.Background())
		refused := new(process.StartError)
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, name+": "+want, err.Error())
		require.Equal(t, strings.Contains(want, "no such file") || strings.Contains(want, "PATH"), refused.NotFound(), name)
		if name != r.path("text") {
			require.Error(t, process.Startable(name))
		}
	}
	require.NoError(t, process.Startable("sh"))
}

func TestRunDoesNotTrustWhatOthersCanChange(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only what root runs is checked")
	}
	r := newRoom(t)
	require.NoError(t, os.WriteFile(r.path("program"), []byte("#!/bin/sh\n"), 0o755))
	require.NoError(t, os.Chmod(r.path("program"), 0o777))
	_, err := (&process.Process{Argv: []string{r.path("program")}}).Run(context.Background())
	require.ErrorAs(t, err, new(*trust.UnsafeError))
	_, err = process.StartCoprocess(&process.Process{Argv: []string{r.path("program")}}, nil)
	require.ErrorAs(t, err, new(*trust.UnsafeError))
	require.ErrorAs(t, process.Become(r.path("program"), nil, nil, nil), new(*trust.UnsafeError))
}

// TestRunTooLong: what is too long is named, and not shown.
func TestRunTooLong(t *testing.T) {
	r := newRoom(t)
	p := r.shell("true")
	p.Env = append(p.Env, "LONG="+strings.Repeat("x", 200000))
	_, err := p.Run(context.Background())
	require.ErrorIs(t, err, syscall.E2BIG)
	require.EqualError(t, err, "/bin/sh: LONG is 200006 bytes; the system takes 131072")
	p = r.shell("true")
	for i := range 100 {
		p.Env = append(p.Env, fmt.Sprintf("X%d=%s", i, strings.Repeat("x", 100000)))
	}
	_, err = p.Run(context.Background())
	require.ErrorIs(t, err, syscall.E2BIG)
	require.ErrorContains(t, err, "bytes together, more than the system takes")
}

func TestRunTimeout(t *testing.T) {
	p := newRoom(t).shell("exec sleep 1000")
	p.Timeout = 100 * time.Millisecond
	result, err := p.Run(context.Background())
	late := new(process.TimeoutError)
	require.ErrorAs(t, err, &late)
	require.Equal(t, p.Timeout, late.After)
	require.EqualError(t, err, "timed out after 100ms")
	require.Equal(t, 128+15, result.Status)
}

// TestRunIsStopped: SIGTERM lets a program clean up, SIGKILL reaches any, and its
// children too. In the foreground it is the only one of our group that is reached.
func TestRunIsStopped(t *testing.T) {
	for name, commands := range map[string]string{
		"sleeps":            `echo $$ >"$DIR/pid"; exec sleep 1000`,
		"ignores":           `trap "" TERM; echo $$ >"$DIR/pid"; sleep 1000; sleep 1000`,
		"is stopped":        `echo $$ >"$DIR/pid"; kill -STOP $$`,
		"in a child":        `sleep 1000 & echo $! >"$DIR/pid"; wait`,
		"left behind":       `(trap "" TERM; exec >/dev/null 2>&1 </dev/null; sleep 1000) & echo $! >"$DIR/pid"; sleep 1000`,
		"in the foreground": `trap "" TERM; echo $$ >"$DIR/pid"; while :; do sleep 0.01; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			p := r.shell(commands)
			p.Foreground = name == "in the foreground"
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() {
				r.await("pid")
				cancel(&process.SignalError{Signal: syscall.SIGTERM})
			}()
			_, err := p.Run(ctx)
			require.ErrorAs(t, err, new(*process.SignalError))
			require.True(t, process.Interrupted(err))
			r.awaitEnd("pid")
		})
	}
}

// TestRunEndsWellAtTheEndOfItsTime: it has done its work.
func TestRunEndsWellAtTheEndOfItsTime(t *testing.T) {
	r := newRoom(t)
	p := r.shell(`trap "echo done; exit 0" TERM; echo >"$DIR/ready"; while :; do sleep 0.01; done`)
	p.Grace = time.Minute
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		r.await("ready")
		cancel()
	}()
	result, err := p.Run(ctx)
	require.NoError(t, err)
	require.Equal(t, "done\n", string(result.Stdout))
}

// TestRunTooLate: nothing is started for a context that has ended.
func TestRunTooLate(t *testing.T) {
	r := newRoom(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(&process.SignalError{Signal: syscall.SIGTERM})
	_, err := r.shell(`: >"$DIR/run"`).Run(ctx)
	require.ErrorAs(t, err, new(*process.SignalError))
	require.NoFileExists(t, r.path("run"))
}

// TestRunLeavesSomethingBehind: Run does not wait long for such a process, and
// does not end it.
func TestRunLeavesSomethingBehind(t *testing.T) {
	for name, c := range map[string]struct {
		commands string
		held     bool
		status   int
	}{
		"standard output": {`sleep 1000 2>/dev/null & echo $! >"$DIR/pid"; echo done`, true, 0},
		"standard error":  {`sleep 1000 >/dev/null & echo $! >"$DIR/pid"; echo done; exit 3`, true, 3},
		"neither":         {`sleep 1000 >/dev/null 2>&1 & echo $! >"$DIR/pid"; echo done`, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			result, err := r.shell(c.commands).Run(context.Background())
			require.Equal(t, c.status, result.Status, "%v", err)
			require.Equal(t, c.status != 0, err != nil)
			require.Equal(t, c.held, result.HeldOpen)
			require.Equal(t, "done\n", string(result.Stdout))
			require.True(t, runs(r.pid("pid")))
			r.kill("pid")
		})
	}
}

// TestRunDoesNotReadItsInput: that is not an error.
func TestRunDoesNotReadItsInput(t *testing.T) {
	r := newRoom(t)
	p := r.shell(`head -c 2; exec <&-; echo done`)
	p.Stdin = bytes.Repeat([]byte("x"), 1<<20)
	result, err := p.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, "xxdone\n", string(result.Stdout))
	require.False(t, result.HeldOpen)
}

// TestRunBothWays: neither of us waits for the other.
func TestRunBothWays(t *testing.T) {
	p := newRoom(t).shell(`tee /dev/stderr`)
	p.Stdin = bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	count := 0
	p.Stderr = func(string) { count++ }
	result, err := p.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, p.Stdin[:process.MaxOutput], result.Stdout)
	require.Equal(t, process.MaxOutput/16+1, count)
}

// TestRunWithInput: what it does not read is left for who comes next.
func TestRunWithInput(t *testing.T) {
	ours, theirs, err := os.Pipe()
	require.NoError(t, err)
	_, err = theirs.WriteString("one\ntwo\n")
	require.NoError(t, err)
	require.NoError(t, theirs.Close())
	p := newRoom(t).shell(`read -r line; echo "read $line"`)
	p.Input = ours
	result, err := p.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, "read one\n", string(result.Stdout))
	rest, err := io.ReadAll(ours)
	require.NoError(t, err)
	require.Equal(t, "two\n", string(rest))
}

// TestRunGroupAndSession: it has a group of its own, or a session, or, in the
// foreground, neither.
func TestRunGroupAndSession(t *testing.T) {
	stat := func(p *process.Process) (own, group, session string) {
		result, err := p.Run(context.Background())
		require.NoError(t, err)
		_, after, _ := strings.Cut(string(result.Stdout), ") ")
		fields := strings.Fields(after)
		return strings.Fields(string(result.Stdout))[0], fields[2], fields[3]
	}
	p := newRoom(t).shell(`read -r line </proc/$$/stat; echo "$line"`)
	own, group, session := stat(p)
	require.Equal(t, own, group)
	require.NotEqual(t, own, session)
	p.Session = true
	own, group, session = stat(p)
	require.Equal(t, own, group)
	require.Equal(t, own, session)
	p.Session, p.Foreground = false, true
	own, group, _ = stat(p)
	require.NotEqual(t, own, group)
	require.Equal(t, strconv.Itoa(syscall.Getpgrp()), group)
}

// TestRunAsAnotherUser: with that user's ids and groups, and for ever.
func TestRunAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		require.ErrorContains(t, process.CheckUser("root"), "only root")
		t.Skip("only root can run programs as another user")
	}
	require.NoError(t, process.CheckUser("nobody"))
	require.EqualError(t, process.CheckUser("no-such-user"), `user=: there is no user "no-such-user"`)
	p := newRoom(t).shell(`id -u; id -un; id -G; sed -n 's/^NoNewPrivs:[^0-9]*//p' /proc/self/status`)
	p.User = "nobody"
	result, err := p.Run(context.Background())
	require.NoError(t, err)
	lines := strings.Split(string(result.Stdout), "\n")
	require.Equal(t, []string{"65534", "nobody", "65534", "1", ""}, lines)
	p.User, p.Argv[2] = "", `sed -n 's/^NoNewPrivs:[^0-9]*//p' /proc/self/status`
	result, err = p.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, "0\n", string(result.Stdout), "others are as they were")
	p.User = "no-such-user"
	_, err = p.Run(context.Background())
	require.EqualError(t, err, `user=: there is no user "no-such-user"`)
}

// TestTextFileBusy: a program that somebody still writes to is tried again
// for a while, and is an error when it stays so; never a success.
func TestTextFileBusy(t *testing.T) {
	for _, released := range []bool{true, false} {
		t.Run(fmt.Sprintf("released %v", released), func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			p := r.shell("echo run")
			p.Argv[0] = copied(t, "/bin/sh")
			writer, err := os.OpenFile(p.Argv[0], os.O_WRONLY, 0)
			require.NoError(t, err)
			defer writer.Close()
			if released {
				time.AfterFunc(100*time.Millisecond, func() { writer.Close() })
				result, err := p.Run(context.Background())
				require.NoError(t, err)
				require.Equal(t, "run\n", string(result.Stdout))
				return
			}
			_, err = p.Run(context.Background())
			require.ErrorIs(t, err, syscall.ETXTBSY)
			require.ErrorAs(t, err, new(*process.StartError))
			require.ErrorContains(t, err, "text file busy")
		})
	}
}

// copied is a copy of a program, to be written to.
func copied(t *testing.T, program string) string {
	text, err := os.ReadFile(program)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, text, 0o755))
	return path
}

// TestLineWithoutAnEnd: a program that writes 200 KB without a line feed is
// never left waiting, whichever stream it is, and what is kept of it is capped.
func TestLineWithoutAnEnd(t *testing.T) {
	for _, stream := range []string{"1", "2"} {
		t.Run("stream "+stream, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			result, err := r.shell(`head -c 200000 /dev/zero | tr '\0' x >&` + stream + `; : >"$DIR/finished"`).Run(context.Background())
			require.NoError(t, err)
			require.FileExists(t, r.path("finished"))
			if stream == "1" {
				require.Equal(t, strings.Repeat("x", 32<<10), string(result.Stdout))
				require.Empty(t, r.lines)
				return
			}
			require.Empty(t, result.Stdout)
			require.Len(t, r.lines, 2)
			require.Regexp(t, `^x{1000,}$`, r.lines[0])
			require.LessOrEqual(t, len(r.lines[0]), 40<<10)
			require.Contains(t, r.lines[1], "more was written, and dropped")
		})
	}
}

// TestRunGivesDescriptorsBack: whatever becomes of the programs.
func TestRunGivesDescriptorsBack(t *testing.T) {
	r := newRoom(t)
	before := descriptors(t)
	for _, commands := range []string{"true", "exit 3", "sleep 1000", "sleep 2.5 &"} {
		p := r.shell(commands)
		p.Timeout, p.Stdin = 500*time.Millisecond, bytes.Repeat([]byte("x"), 1<<18)
		_, _ = p.Run(context.Background())
	}
	_, err := (&process.Process{Argv: []string{r.path("missing")}}).Run(context.Background())
	require.True(t, errors.As(err, new(*process.StartError)))
	require.LessOrEqual(t, descriptors(t), before)
}

func descriptors(t *testing.T) int {
	open, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(open)
}

// TestInterruptedAtTheTerminal: what a program in the foreground died of there came
// to us as well. In a group of its own it was somebody else's doing.
func TestInterruptedAtTheTerminal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		p := newRoom(t).shell(fmt.Sprintf("kill -%d $$", int(s)))
		_, err := p.Run(context.Background())
		require.Equal(t, &process.ExitError{Status: 128 + int(s), Signal: s}, err)
		p.Foreground = true
		_, err = p.Run(context.Background())
		require.Equal(t, s != syscall.SIGTERM, process.Interrupted(err), "%v", err)
	}
}
