package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
)

// stay starts a shell that runs commands for each line, and writes its number to
// "pid" and the lines that it read to "seen".
func (r *room) stay(commands string) *process.Coprocess {
	return r.start(`while read -r line; do echo "$line" >>"$DIR/seen"
` + commands + `
done`)
}

func (r *room) start(commands string) *process.Coprocess {
	c, err := process.StartCoprocess(r.shell(`echo $$ >"$DIR/pid"; `+commands), r.hear)
	require.NoError(r.t, err)
	return c
}

// ask gives it an event.
func ask(c *process.Coprocess, line string) (string, error) {
	answer, err := c.Exchange(context.Background(), []byte(line+"\n"), time.Minute)
	return string(answer), err
}

func TestCoprocess(t *testing.T) {
	r := newRoom(t)
	before := descriptors(t)
	c := r.stay(`echo "of $line"; echo "did $line" >&2`)
	for i := range 5 {
		require.True(t, c.Ready())
		answer, err := ask(c, fmt.Sprint(i))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("of %d\n", i), answer)
	}
	c.Close()
	r.awaitEnd("pid")
	require.Equal(t, []string{"did 0", "did 1", "did 2", "did 3", "did 4"}, r.lines)
	require.LessOrEqual(t, descriptors(t), before)
}

// TestCoprocessLongLines: both are longer than a pipe.
func TestCoprocessLongLines(t *testing.T) {
	r := newRoom(t)
	c := r.start(`while read -r line; do printf '%s\n' "$line"; done`)
	line := strings.Repeat("x", 200000)
	for range 2 {
		answer, err := ask(c, line)
		require.NoError(t, err)
		require.Equal(t, line+"\n", answer)
	}
	answer, err := ask(c, strings.Repeat("x", 1<<20-1))
	require.NoError(t, err)
	require.Len(t, answer, 1<<20)
	c.Close()
	require.Empty(t, r.lines)
}

// TestCoprocessWrongAnswers: nobody knows what the next line would belong to, so
// that the program is ended.
func TestCoprocessWrongAnswers(t *testing.T) {
	for commands, want := range map[string]string{
		`printf '\n\n'`:             "answered: more than one line",
		`head -c 2000000 /dev/zero`: "answered: a line longer than 1048576 bytes",
	} {
		r := newRoom(t)
		c := r.stay(commands)
		_, err := ask(c, "a")
		require.ErrorAs(t, err, new(*process.ProtocolError))
		require.EqualError(t, err, want)
		r.awaitEnd("pid")
		require.Empty(t, r.lines)
	}
}

// TestCoprocessEnds: an event that it had not begun to read can be given to
// another; of one that it had nobody knows whether it is done.
func TestCoprocessEnds(t *testing.T) {
	for name, c := range map[string]struct {
		commands string
		want     process.EndedError
	}{
		"before it reads":         {`until [ -e "$DIR/go" ]; do sleep 0.01; done; exit 4`, process.EndedError{Unread: true, End: &process.ExitError{Status: 4}}},
		"when it has read":        {`read -r line; exit 3`, process.EndedError{End: &process.ExitError{Status: 3}}},
		"well":                    {`read -r line; exit 0`, process.EndedError{End: &process.ExitError{}}},
		"when it has read a part": {`head -c 1 >/dev/null; exit 3`, process.EndedError{End: &process.ExitError{Status: 3}}},
		"in its answer":           {`read -r line; printf '{"ok":true}'`, process.EndedError{End: &process.ExitError{}}},
		"by a signal":             {`read -r line; kill -9 $$`, process.EndedError{End: &process.ExitError{Status: 137, Signal: 9}}},
		"with its output":         {`exec 2>&-; read -r line; exec >&-; trap "exit 5" TERM; while :; do sleep 0.01; done`, process.EndedError{End: &process.ExitError{Status: 5}}},
		"with a child that stays": {`read -r line; (trap "" TERM; sleep 1000 2>&-) & exit 3`, process.EndedError{End: &process.ExitError{Status: 3}}},
		"when a child has read":   {`(read -r line); exit 4`, process.EndedError{End: &process.ExitError{Status: 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			program := r.start(c.commands)
			if strings.Contains(c.commands, "$DIR/go") {
				time.AfterFunc(50*time.Millisecond, func() { _ = os.WriteFile(r.path("go"), nil, 0o600) })
			}
			_, err := ask(program, "a")
			ended := new(process.EndedError)
			require.ErrorAs(t, err, &ended)
			require.Equal(t, c.want, *ended)
			r.awaitEnd("pid")
			require.Empty(t, r.lines)
		})
	}
	require.EqualError(t, &process.EndedError{Unread: true, End: &process.ExitError{Status: 4}}, "ended before it read the event, and when it was started again: exit status 4")
	require.EqualError(t, &process.EndedError{End: &process.ExitError{Status: 3}}, "ended without an answer, so that the event may be done or not: exit status 3")
}

// TestCoprocessThatHasEnded: it is given nothing.
func TestCoprocessThatHasEnded(t *testing.T) {
	r := newRoom(t)
	c := r.start("exit 4")
	r.awaitEnd("pid")
	_, err := ask(c, "a")
	ended := new(process.EndedError)
	require.ErrorAs(t, err, &ended)
	require.True(t, ended.Unread)
}

// TestCoprocessTimeout: the event has its time, and no more, also from a program
// that takes no SIGTERM or does not read.
func TestCoprocessTimeout(t *testing.T) {
	long := strings.Repeat("x", 200000)
	for commands, line := range map[string]string{
		`read -r line; exec sleep 1000`:                   "a",
		`trap "" TERM; read -r line; sleep 9999; sleep 1`: "a",
		`exec sleep 1000`:                                 long,
		`read -r line; printf half; exec sleep 1000`:      "a",
	} {
		r := newRoom(t)
		c := r.start(commands)
		r.await("pid")
		_, err := c.Exchange(context.Background(), []byte(line+"\n"), 200*time.Millisecond)
		require.ErrorAs(t, err, new(*process.TimeoutError), commands)
		r.awaitEnd("pid")
		require.Empty(t, r.lines)
	}
}

// TestCoprocessContextOfEach: that of the last event is not that of the next.
func TestCoprocessContextOfEach(t *testing.T) {
	r := newRoom(t)
	c := r.stay("echo")
	for range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := c.Exchange(ctx, []byte("a\n"), 0)
		require.NoError(t, err)
		cancel()
	}
	c.Close()
}

// TestCoprocessStopped: the error is why the context ended.
func TestCoprocessStopped(t *testing.T) {
	r := newRoom(t)
	c := r.stay(`sleep 1000`)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		r.await("seen")
		cancel(&process.SignalError{Signal: syscall.SIGTERM})
	}()
	_, err := c.Exchange(ctx, []byte("a\n"), time.Minute)
	require.ErrorAs(t, err, new(*process.SignalError))
	r.awaitEnd("pid")
	require.Empty(t, r.lines)
}

// TestCoprocessBetweenEvents: what happened to it is said if it matters.
func TestCoprocessBetweenEvents(t *testing.T) {
	for name, c := range map[string]struct{ commands, warning string }{
		"ends well":           {"exit 0", ""},
		"ends badly":          {"exit 3", "ended while it waited: exit status 3; it is started again"},
		"ends by a signal":    {"kill -9 $$", "ended while it waited: killed by signal 9 (killed); it is started again"},
		"closes its output":   {"exec >&-", "closed a pipe while it waited; it is started again"},
		"closes its input":    {"exec <&-; while :; do sleep 0.01; done", "closed a pipe while it waited; it is started again"},
		"prints":              {"echo more", "printed something between two events; it is started again"},
		"prints and ends":     {"echo more; exit 3", "printed something between two events; it is started again"},
		"leaves a child":      {`sleep 1000 2>/dev/null & echo $! >"$DIR/child"; exit 0`, ""},
		"leaves another":      {`sleep 1000 & echo $! >"$DIR/child"; exit 0`, "left a process behind that holds its output open"},
		"ends with its input": {"exec <&-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			program := r.stay(`echo; until [ -e "$DIR/go" ]; do sleep 0.01; done; ` + c.commands)
			_, err := ask(program, "a")
			require.NoError(t, err)
			require.True(t, program.Ready())
			require.NoError(t, os.WriteFile(r.path("go"), nil, 0o600))
			require.Eventually(t, func() bool { return !program.Ready() }, 20*time.Second, time.Millisecond)
			r.awaitEnd("pid")
			if c.warning == "" {
				require.Empty(t, r.lines)
			} else {
				require.Equal(t, []string{c.warning}, r.lines)
			}
			if strings.Contains(c.commands, "child") {
				r.kill("child")
			}
		})
	}
}

// TestCoprocessClose: it ends with its input. One that does not is stopped, and
// one that fails is worth a word.
func TestCoprocessClose(t *testing.T) {
	for name, c := range map[string]struct{ after, warning string }{
		"well":       {`: >"$DIR/ended"`, ""},
		"fails":      {"exit 5", "warning: at the end of its input: exit status 5"},
		"lingers":    {"exec sleep 1000", "warning: at the end of its input: killed by signal 15 (terminated)"},
		"resists":    {`trap "" TERM; sleep 1000; sleep 1000`, "warning: at the end of its input: killed by signal 9 (killed)"},
		"complains":  {"echo 'cannot log out' >&2", "cannot log out"},
		"says a bye": {`echo bye; : >"$DIR/ended"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			program := r.start("while read -r line; do echo; done\n" + c.after)
			_, err := ask(program, "a")
			require.NoError(t, err)
			program.Close()
			r.awaitEnd("pid")
			if c.warning == "" {
				require.Empty(t, r.lines)
				require.FileExists(t, r.path("ended"))
				return
			}
			require.Equal(t, []string{c.warning}, r.lines)
		})
	}
}

func TestCoprocessStop(t *testing.T) {
	r := newRoom(t)
	before := descriptors(t)
	c := r.start(`trap "" TERM; while read -r line; do echo; done`)
	_, err := ask(c, "a")
	require.NoError(t, err)
	c.Stop()
	r.awaitEnd("pid")
	require.Empty(t, r.lines)
	require.LessOrEqual(t, descriptors(t), before)
}

// TestCoprocessComplains: its messages for each event are limited as those of a
// program that runs for one event, and it never has to wait.
func TestCoprocessComplains(t *testing.T) {
	r := newRoom(t)
	p := r.shell(`while read -r line; do
if [ "$line" = flood ]; then yes 0123456789abcde | head -c 1000000 >&2; fi
echo "for $line" >&2; echo; done`)
	said := make(chan string, 1<<16)
	p.Stderr = func(line string) { said <- line }
	c, err := process.StartCoprocess(p, func(line string) { t.Error(line) })
	require.NoError(t, err)
	events := []string{"a", "flood", "flood", "b"}
	for _, line := range events {
		_, err := ask(c, line)
		require.NoError(t, err)
	}
	c.Close()
	close(said)
	count := map[string]int{}
	for line := range said {
		count[line]++
	}
	require.Equal(t, 1, count["for a"])
	require.LessOrEqual(t, count["0123456789abcde"], len(events)*process.MaxOutput/16)
	require.GreaterOrEqual(t, count["0123456789abcde"], process.MaxOutput/16-process.MaxCredential/16)
	require.NotZero(t, count["(more was written, and dropped)"])
}

func TestCoprocessCannotStart(t *testing.T) {
	before := descriptors(t)
	_, err := process.StartCoprocess(&process.Process{Argv: []string{"/no/such/program"}}, nil)
	require.ErrorAs(t, err, new(*process.StartError))
	require.LessOrEqual(t, descriptors(t), before)
}

// TestCoprocessesAtOnce: each answers its own.
func TestCoprocessesAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for worker := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			c, err := process.StartCoprocess(&process.Process{Argv: []string{os.Args[0], "echo"}, Env: []string{"GORACE=atexit_sleep_ms=0"}, Grace: time.Minute}, func(line string) { t.Error(line) })
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 100 {
				line := fmt.Sprintf("%d-%d", worker, i)
				if answer, err := ask(c, line); err != nil || answer != line+"\n" || !c.Ready() {
					t.Error(answer, err)
					return
				}
			}
			c.Close()
		}()
	}
	all.Wait()
}

// TestMain is the tests, or a program that they run.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "echo":
		echo()
	case len(os.Args) == 3 && os.Args[1] == "companion":
		fmt.Println(process.Companion(os.Args[2]))
	case len(os.Args) > 2 && os.Args[1] == "become":
		become(os.Args[2], os.Args[3:])
	default:
		os.Exit(m.Run())
	}
}

// echo is a program that stays, and answers with what it reads.
func echo() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		if _, err := os.Stdout.Write(line); err != nil {
			return
		}
	}
}

// become becomes a program, with a text to read, or says why it cannot.
func become(stdin string, argv []string) {
	var text []byte
	if stdin != "" {
		text = []byte(strings.Repeat(stdin, 1000))
	}
	path, err := process.Locate(argv[0])
	if err == nil {
		err = process.Become(path, argv, []string{"A=1"}, text)
	}
	if errors.Is(err, process.ErrStdinTooLong) {
		os.Exit(99)
	}
	fmt.Println(err)
}

// BenchmarkExchange is one event of a program that is there.
func BenchmarkExchange(b *testing.B) {
	c, err := process.StartCoprocess(&process.Process{Argv: []string{os.Args[0], "echo"}, Env: []string{"GORACE=atexit_sleep_ms=0"}, Grace: time.Minute}, func(line string) { b.Error(line) })
	require.NoError(b, err)
	defer c.Close()
	line := strings.Repeat("x", 150)
	for b.Loop() {
		if !c.Ready() {
			b.Fatal("is not ready")
		}
		if _, err := ask(c, line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRun is a whole call.
func BenchmarkRun(b *testing.B) {
	p := &process.Process{Argv: []string{"/bin/true"}, Stdin: []byte("x\n"), Timeout: time.Minute, Stderr: func(string) {}}
	for b.Loop() {
		if _, err := p.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
