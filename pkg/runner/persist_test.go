package runner_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// residence is a directory with a persistent program. The program has the
// directory's path in $HERE, and writes its starts to "started" and its events
// to "seen" there.
type residence struct {
	t   *testing.T
	dir string
	*runner.Runner
	stop func() // ends the programs

	mu     sync.Mutex
	warned []string
	output []byte
}

// newResidence writes a program that runs shell commands for each event, with
// $cmd and $domain, and a chain with it. The output of the commands is the
// answer.
func newResidence(t *testing.T, options, commands string) *residence {
	r := &residence{t: t, dir: t.TempDir()}
	program := `#!/bin/sh
echo $$ >>"$HERE/started"
while read -r line; do
	cmd=${line#*'"cmd": "'} domain=${line#*'"domain": "'}
	cmd=${cmd%%'"'*} domain=${domain%%'"'*}
	echo "$cmd $domain" >>"$HERE/seen"
	` + commands + `
done
`
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "program"), []byte(program), 0o755))
	chain, err := runner.ParseChain(filepath.Join(r.dir, "chain"), "json persist=yes "+options+" ./program\n")
	require.NoError(t, err)
	r.Runner = &runner.Runner{
		Chain: chain, Environ: []string{"PATH=/usr/bin:/bin", "HERE=" + r.dir}, State: filepath.Join(r.dir, "state"),
		Grace: 300 * time.Millisecond,
		Warn: func(message string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.warned = append(r.warned, message)
		},
		Deliver: func(_ context.Context, b []byte) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.output = append(r.output, b...)
			return nil
		},
	}
	r.keep()
	t.Cleanup(func() { r.stop(); r.requireAllEnded() })
	return r
}

// keep makes the programs stay between calls from now on.
func (r *residence) keep() {
	own := *r.Runner
	r.Runner, r.stop = &own, own.Keep()
}

func (r *residence) run(cmd envmap.Cmd, domain string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return r.Run(ctx, []envmap.Event{asks(cmd, domain)})
}

func (r *residence) lines(name string) []string {
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(r.t, err)
	}
	return strings.Fields(strings.ReplaceAll(string(text), " ", ":"))
}

func (r *residence) warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.warned...)
}

// requireAllEnded waits until no process of the programs' groups is left.
func (r *residence) requireAllEnded() {
	for _, pid := range r.lines("started") {
		number, err := strconv.Atoi(pid)
		require.NoError(r.t, err)
		require.Eventually(r.t, func() bool { return len(inGroup(number)) == 0 }, 10*time.Second, time.Millisecond)
	}
}

// inGroup returns the running processes of a group, without zombies
// (proc_pid_stat(5)).
func inGroup(group int) (running []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 2 && fields[0] != "Z" && fields[2] == strconv.Itoa(group) {
			running = append(running, string(text))
		}
	}
	return running
}

func (r *residence) requireEmptyJournal() {
	files, err := filepath.Glob(filepath.Join(r.State, "*", "*"))
	require.NoError(r.t, err)
	require.Empty(r.t, files)
}

// TestPersist: one program gets all events, each once, and of orders only the
// challenges.
func TestPersist(t *testing.T) {
	r := newResidence(t, "", `echo '{"cmd":"result","for":"'$cmd'","domain":"'$domain'","ok":true,"output":"of '$domain';"}'`)
	for _, domain := range []string{"a.test", "b.test", "c.test"} {
		require.NoError(t, r.run(envmap.PerformChallenge, domain))
	}
	require.NoError(t, r.run(envmap.Cleanup, "b.test"))
	require.Equal(t, "of a.test;of b.test;of c.test;of b.test;", string(r.output))
	require.Equal(t, []string{"perform_challenge:a.test", "perform_challenge:b.test", "perform_challenge:c.test", "cleanup:b.test"}, r.lines("seen"))
	require.Len(t, r.lines("started"), 1)
	r.stop()
	r.requireAllEnded()
	require.Empty(t, r.warnings())
}

// TestPersistEmptyLine: a program that has nothing to say answers with an empty
// line.
func TestPersistEmptyLine(t *testing.T) {
	r := newResidence(t, "", "echo")
	require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
	require.NoError(t, r.run(envmap.Cleanup, "a.test"))
	require.Empty(t, r.output)
	require.Len(t, r.lines("started"), 1)
	r.requireEmptyJournal()
}

// TestPersistWithoutPool: the program lasts for one call, the whole order.
func TestPersistWithoutPool(t *testing.T) {
	r := newResidence(t, "", "echo")
	r.stop()
	r.Runner = &runner.Runner{Chain: r.Chain, Environ: r.Environ, State: r.State, Grace: r.Grace}
	require.NoError(t, r.Run(context.Background(), []envmap.Event{asks(envmap.PerformChallenge, "a.test"), asks(envmap.PerformChallenge, "b.test")}))
	require.Len(t, r.lines("started"), 1)
	r.requireAllEnded()
	require.NoError(t, r.run(envmap.Cleanup, "a.test"))
	require.NoError(t, r.run(envmap.Cleanup, "b.test"))
	require.Len(t, r.lines("started"), 3)
	require.Len(t, r.lines("seen"), 4)
}

// TestPersistClosedPool: a program that is started after the pool was closed is
// ended too.
func TestPersistClosedPool(t *testing.T) {
	r := newResidence(t, "", "echo")
	r.stop()
	require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
	r.requireAllEnded()
}

// TestPersistRefusal: an error is an answer. The program stays, and gets the
// cleanup. Its message shows no credentials.
func TestPersistRefusal(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.env")
	require.NoError(t, os.WriteFile(secret, []byte("TOKEN=hush-hush\n"), 0o600))
	r := newResidence(t, "env="+secret, `
if [ "$cmd" = cleanup ]; then echo; continue; fi
echo '{"cmd":"result","ok":false,"error":"refused to '$TOKEN'"}'`)
	err := r.run(envmap.PerformChallenge, "a.test")
	require.ErrorContains(t, err, `perform "a.test": answered: refused to [redacted]`)
	require.Equal(t, []string{"perform_challenge:a.test", "cleanup:a.test"}, r.lines("seen"))
	require.Len(t, r.lines("started"), 1)
	r.requireEmptyJournal()
}

// TestPersistWrongAnswers: the next answer might belong to another event, so
// that the program is ended. Another one cleans up.
func TestPersistWrongAnswers(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"no JSON":         {`echo hello`, "something that is not a result line"},
		"blank":           {`echo ' '`, "something that is not a result line"},
		"an event":        {`echo '{"cmd":"startup"}'`, "something that is not a result line"},
		"no ok":           {`echo '{"cmd":"result"}'`, "something that is not a result line"},
		"another event":   {`echo '{"cmd":"result","for":"cleanup","domain":"a.test","ok":true}'`, `the result of another event, "cleanup" "a.test"`},
		"another domain":  {`echo '{"cmd":"result","domain":"b.test","ok":true}'`, `the result of another event, "" "b.test"`},
		"several lines":   {`printf '\n\n'`, "more than one line"},
		"too long a line": {`head -c 2000000 /dev/zero`, "a line longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResidence(t, "", `if [ "$cmd" = cleanup ]; then echo; continue; fi
`+c.answer)
			err := r.run(envmap.PerformChallenge, "a.test")
			require.ErrorAs(t, err, new(*endpoint.AnswerError))
			require.ErrorContains(t, err, "answered: "+c.want)
			require.Equal(t, []string{"perform_challenge:a.test", "cleanup:a.test"}, r.lines("seen"))
			require.Len(t, r.lines("started"), 2)
			require.Empty(t, r.warnings())
			r.requireEmptyJournal()
		})
	}
}

// TestPersistEndsBetweenEvents: it is started again, and no event is lost or
// done twice. There is a warning if something was wrong.
func TestPersistEndsBetweenEvents(t *testing.T) {
	for name, c := range map[string]struct {
		end     string
		warning string
	}{
		"well":              {"exit 0", ""},
		"badly":             {"exit 3", "ended while it waited: exit status 3; it is started again"},
		"by a signal":       {"kill -9 $$", "ended while it waited: killed by signal 9"},
		"only output":       {"exec >&-", "closed a pipe while it waited; it is started again"},
		"only input":        {"exec <&-", ""}, // which ends the shell
		"after more output": {"(sleep 0.2; echo more; : >\"$HERE/said-$domain\") &", "printed something between two events"},
		"with its children": {"sleep 1000 2>/dev/null & exit 0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newResidence(t, "", "echo\n"+c.end)
			var want []string
			for i := range 4 {
				domain := fmt.Sprintf("%d.test", i)
				require.NoError(t, r.run(envmap.PerformChallenge, domain))
				want = append(want, "perform_challenge:"+domain)
				r.awaitEnd(name == "after more output", "said-"+domain)
			}
			require.Equal(t, want, r.lines("seen"))
			require.Len(t, r.lines("started"), 4)
			if c.warning == "" {
				require.Empty(t, r.warnings())
			} else {
				require.Contains(t, strings.Join(r.warnings(), "\n"), c.warning)
			}
			r.endGroups()
		})
	}
}

// awaitEnd waits until the program that was started last has ended or printed
// more.
func (r *residence) awaitEnd(talks bool, said string) {
	started := r.lines("started")
	number, err := strconv.Atoi(started[len(started)-1])
	require.NoError(r.t, err)
	require.Eventually(r.t, func() bool {
		if talks {
			_, err := os.Stat(filepath.Join(r.dir, said))
			return err == nil
		}
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", number))
		return err != nil || len(fds) < 3 || !has(fds, "0") || !has(fds, "1")
	}, 20*time.Second, time.Millisecond)
}

func has(entries []os.DirEntry, name string) bool {
	for _, e := range entries {
		if e.Name() == name {
			return true
		}
	}
	return false
}

// endGroups ends what the programs left running on purpose.
func (r *residence) endGroups() {
	r.stop()
	for _, pid := range r.lines("started") {
		number, _ := strconv.Atoi(pid)
		_ = syscall.Kill(-number, syscall.SIGKILL)
		require.Eventually(r.t, func() bool { return len(inGroup(number)) == 0 }, 10*time.Second, time.Millisecond)
	}
}

// TestPersistEndsInTheMiddle: the event may or may not be done. It counts as
// failed, another program cleans up, and none gets it a second time.
func TestPersistEndsInTheMiddle(t *testing.T) {
	r := newResidence(t, "", `if [ "$cmd" = perform_challenge ]; then exit 3; fi
echo`)
	err := r.run(envmap.PerformChallenge, "a.test")
	ended := new(process.EndedError)
	require.ErrorAs(t, err, &ended)
	require.False(t, ended.Unread)
	require.ErrorContains(t, err, `perform "a.test": ended without an answer, so that the event may be done or not: exit status 3`)
	require.Equal(t, []string{"perform_challenge:a.test", "cleanup:a.test"}, r.lines("seen"))
	require.Len(t, r.lines("started"), 2)
	r.requireEmptyJournal()
}

// TestPersistEndsInTheMiddleOfAnAnswer: a partial answer does not count.
func TestPersistEndsInTheMiddleOfAnAnswer(t *testing.T) {
	r := newResidence(t, "", `if [ "$cmd" = perform_challenge ]; then printf '{"cmd":"result","ok":true}'; exit; fi
echo`)
	require.ErrorAs(t, r.run(envmap.PerformChallenge, "a.test"), new(*process.EndedError))
	require.Equal(t, []string{"perform_challenge:a.test", "cleanup:a.test"}, r.lines("seen"))
	r.requireEmptyJournal()
}

// TestPersistEndsUnread: what a program had not begun to read is given to the
// next, up to a limit.
func TestPersistEndsUnread(t *testing.T) {
	t.Parallel()
	r := newResidence(t, "", "echo")
	r.Chain[0].Command = []string{script(t, `
echo $$ >>"$HERE/started"
[ "$(wc -l <"$HERE/started")" -gt "$ENDS" ] || { sleep 0.1; exit 4; }
while read -r line; do echo "$line" >>"$HERE/events"; echo; done
`)}
	environ := r.Environ
	r.Environ = append(environ, "ENDS=2")
	require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
	require.Len(t, r.lines("started"), 3)
	text, err := os.ReadFile(filepath.Join(r.dir, "events"))
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(text, []byte("\n")))
	require.Empty(t, r.warnings())

	r.stop()
	r.keep()
	r.Environ = append(environ, "ENDS=100")
	err = r.run(envmap.PerformChallenge, "b.test")
	ended := new(process.EndedError)
	require.ErrorAs(t, err, &ended)
	require.True(t, ended.Unread)
	require.ErrorContains(t, err, "ended before it read the event, and when it was started again: exit status 4")
	require.Len(t, r.lines("started"), 3+3+3, "for the event, and for its clean-up")
}

// TestPersistCannotStart: nothing is undone, since nothing ran.
func TestPersistCannotStart(t *testing.T) {
	r := newResidence(t, "", "echo")
	require.NoError(t, os.Remove(filepath.Join(r.dir, "program")))
	err := r.run(envmap.PerformChallenge, "a.test")
	require.ErrorAs(t, err, new(*runner.StartError))
	require.False(t, errors.As(err, new(*runner.RollbackError)))
	r.requireEmptyJournal()
}

// TestPersistTimeout: the time for an event is limited, even if the program
// ignores SIGTERM or does not read. The next event gets another program.
func TestPersistTimeout(t *testing.T) {
	for name, commands := range map[string]string{
		"sleeps":  `[ "$domain" != slow.test ] || [ "$cmd" = cleanup ] || sleep 1000`,
		"ignores": `[ "$domain" != slow.test ] || [ "$cmd" = cleanup ] || { trap "" TERM; sleep 1000; sleep 1000; }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newResidence(t, "timeout=1s", commands+"\necho")
			require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
			started := time.Now()
			err := r.run(envmap.PerformChallenge, "slow.test")
			require.ErrorAs(t, err, new(*runner.TimeoutError))
			require.False(t, errors.As(err, new(*runner.RollbackError)))
			require.Less(t, time.Since(started), 20*time.Second)
			require.NoError(t, r.run(envmap.PerformChallenge, "b.test"))
			require.Equal(t, []string{"perform_challenge:a.test", "perform_challenge:slow.test", "cleanup:slow.test", "perform_challenge:b.test"}, r.lines("seen"))
			require.Len(t, r.lines("started"), 2)
		})
	}
}

// TestPersistDoesNotRead: an event that does not fit into the pipe.
func TestPersistDoesNotRead(t *testing.T) {
	r := newResidence(t, "timeout=300ms", "echo")
	r.Chain[0].Command = []string{script(t, `echo $$ >>"$HERE/started"; exec sleep 1000`)}
	e := asks(envmap.DeployCert, "a.test")
	e.Type, e.Validation, e.Token = "", "", ""
	e.Extra = []envmap.Member{{Name: "note", Value: `"` + strings.Repeat("x", 200000) + `"`}}
	err := r.Run(context.Background(), []envmap.Event{e})
	require.ErrorAs(t, err, new(*runner.TimeoutError))
}

// TestPersistStopped: a signal ends the event, and the challenge is cleaned up
// with another program.
func TestPersistStopped(t *testing.T) {
	r := newResidence(t, "", `[ "$cmd" = cleanup ] || sleep 1000
echo`)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, []envmap.Event{asks(envmap.PerformChallenge, "a.test")}) }()
	require.Eventually(t, func() bool { return len(r.lines("seen")) == 1 }, 10*time.Second, time.Millisecond)
	cancel(&process.SignalError{Signal: syscall.SIGTERM})
	select {
	case err := <-ended:
		require.ErrorAs(t, err, new(*process.SignalError))
	case <-time.After(20 * time.Second):
		t.Fatal("still runs")
	}
	require.Equal(t, []string{"perform_challenge:a.test", "cleanup:a.test"}, r.lines("seen"))
	r.requireEmptyJournal()
}

// TestPersistEndOfTheRun: the program ends with its input. One that does not is
// stopped, and a failure gives a warning.
func TestPersistEndOfTheRun(t *testing.T) {
	for name, c := range map[string]struct{ commands, warning string }{
		"well":     {`echo bye; : >"$HERE/ended"`, ""},
		"fails":    {"exit 5", "warning: at the end of its input: exit status 5"},
		"lingers":  {"sleep 1000", "warning: at the end of its input: killed by signal 15 (terminated)"},
		"resists":  {`trap "" TERM; sleep 1000; sleep 1000`, "warning: at the end of its input: killed by signal 9 (killed)"},
		"complain": {"echo 'cannot log out' >&2", "cannot log out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newResidence(t, "", "echo\ndone\n"+c.commands+"\nwhile false; do :")
			require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
			r.stop()
			r.requireAllEnded()
			if c.warning == "" {
				require.Empty(t, r.warnings())
				require.FileExists(t, filepath.Join(r.dir, "ended"))
				return
			}
			require.Len(t, r.warnings(), 1)
			require.Regexp(t, `^line 1: json .*/program: `, r.warnings()[0])
			require.Contains(t, r.warnings()[0], c.warning)
		})
	}
}

// TestPersistSaysToPeople: its standard error is passed on, without
// credentials, for each event as much as for a program that runs for one event.
func TestPersistSaysToPeople(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.env")
	require.NoError(t, os.WriteFile(secret, []byte("TOKEN=hush-hush\n"), 0o600))
	r := newResidence(t, "env="+secret, `
case $domain in
flood.test) yes 0123456789 | head -c 100000 >&2; echo >&2 ;;
*) echo "$domain: $TOKEN" >&2 ;;
esac
echo`)
	for _, domain := range []string{"flood.test", "a.test"} {
		require.NoError(t, r.run(envmap.PerformChallenge, domain))
		require.Eventually(t, func() bool { return len(r.warnings()) > 0 }, 10*time.Second, time.Millisecond)
	}
	r.stop()
	all := strings.Join(r.warnings(), "\n")
	require.Less(t, len(all), 800000, "names of the handler with each line")
	require.NotContains(t, all, "hush-hush")
	require.Len(t, r.lines("started"), 1)
}

// TestPersistEnvironment: nothing of a single event is in it.
func TestPersistEnvironment(t *testing.T) {
	r := newResidence(t, "", "env >\"$HERE/env\"\necho")
	r.Environ = append(r.Environ, "EXTAUTH_EVENT=x", "KEPT=1", "LD_PRELOAD=/x.so", "CERTBOT_DOMAIN=x")
	require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
	text, err := os.ReadFile(filepath.Join(r.dir, "env"))
	require.NoError(t, err)
	require.Contains(t, string(text), "KEPT=1\n")
	require.NotRegexp(t, `(?m)^(EXTAUTH_|LD_PRELOAD|CERTBOT_)`, string(text))
}

// TestPersistNewCredentials: a program that was started with older ones does not
// get the next event.
func TestPersistNewCredentials(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.env")
	require.NoError(t, os.WriteFile(secret, []byte("TOKEN=one\n"), 0o600))
	r := newResidence(t, "env="+secret, `echo "$TOKEN" >>"$HERE/tokens"
echo`)
	require.NoError(t, r.run(envmap.PerformChallenge, "a.test"))
	require.NoError(t, os.WriteFile(secret, []byte("TOKEN=two\n"), 0o600))
	require.NoError(t, r.run(envmap.PerformChallenge, "b.test"))
	require.NoError(t, r.run(envmap.PerformChallenge, "c.test"))
	require.Equal(t, []string{"one", "two", "two"}, r.lines("tokens"))
	require.Len(t, r.lines("started"), 2)
	require.Empty(t, r.warnings())
}

// TestPersistAtOnce: as many programs as events at the same time, and no more;
// each event reaches one of them. limit= lets fewer in.
func TestPersistAtOnce(t *testing.T) {
	for _, c := range []struct {
		options string
		most    int
	}{{"", 6}, {"limit=2", 2}, {"limit=1", 1}} {
		t.Run(c.options, func(t *testing.T) {
			before := runtime.NumGoroutine()
			r := newResidence(t, c.options, "echo $$ >>\"$HERE/inside\"\necho")
			var all sync.WaitGroup
			for worker := range 6 {
				all.Add(1)
				go func() {
					defer all.Done()
					for i := range 20 {
						domain := fmt.Sprintf("%d-%d.test", worker, i)
						if err := errors.Join(r.run(envmap.PerformChallenge, domain), r.run(envmap.Cleanup, domain)); err != nil {
							t.Error(err)
						}
					}
				}()
			}
			all.Wait()
			require.LessOrEqual(t, len(r.lines("started")), c.most)
			seen := map[string]int{}
			for _, line := range r.lines("seen") {
				seen[line]++
			}
			require.Len(t, seen, 6*20*2)
			for line, times := range seen {
				require.Equal(t, 1, times, line)
			}
			r.requireEmptyJournal()
			r.stop()
			require.Empty(t, r.warnings())
			require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 10*time.Second, time.Millisecond)
		})
	}
}

// TestPersistGivesDescriptorsBack: whatever becomes of the programs.
func TestPersistGivesDescriptorsBack(t *testing.T) {
	r := newResidence(t, "timeout=200ms", `
case $cmd$domain in
cleanup*) ;;
*0.test) exit 1 ;;
*1.test) sleep 1000 ;;
*2.test) echo hello ;;
esac
echo`)
	count := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(open)
	}
	before := count()
	for i := range 8 {
		_ = r.run(envmap.PerformChallenge, fmt.Sprintf("%d.test", i%4))
	}
	r.stop()
	require.LessOrEqual(t, count(), before)
}

// TestLimitOfAnyHandler: limit= counts the calls of any line.
func TestLimitOfAnyHandler(t *testing.T) {
	r := newResidence(t, "", "echo")
	chain, err := runner.ParseChain(filepath.Join(r.dir, "chain"), "dehydrated limit=1 "+script(t, `
mkdir "$HERE/inside" || exit
echo "$2" >>"$HERE/log"
rmdir "$HERE/inside"
`)+"\n")
	require.NoError(t, err)
	r.Chain = chain
	var all sync.WaitGroup
	for i := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := r.run(envmap.PerformChallenge, fmt.Sprintf("%d.test", i)); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	require.Len(t, r.lines("log"), 8)
}

// TestPersistPlan: a dry run shows what the program is started for.
func TestPersistPlan(t *testing.T) {
	r := newResidence(t, "", "echo")
	lines, err := r.Plan([]envmap.Event{asks(envmap.PerformChallenge, "a.test")})
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Regexp(t, `^printf '%s\\n' '\{"cmd": "perform_challenge", .*\}' \| /.*/program$`, lines[0])
	require.Empty(t, r.lines("started"))
}

// TestMain is the tests, or the program of BenchmarkPersist.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "echo" {
		echo()
		return
	}
	os.Exit(m.Run())
}

// echo is a program that stays.
func echo() {
	lines := bufio.NewReader(os.Stdin)
	for {
		if _, err := lines.ReadSlice('\n'); err != nil {
			return
		}
		if _, err := os.Stdout.WriteString("\n"); err != nil {
			return
		}
	}
}

// BenchmarkPersist is one event of a program that is there, without the journal.
func BenchmarkPersist(b *testing.B) {
	self, err := os.Executable()
	require.NoError(b, err)
	chain, err := runner.ParseChain("/chain", "json persist=yes "+self+" echo\n")
	require.NoError(b, err)
	r := &runner.Runner{Chain: chain, Environ: os.Environ(), Warn: func(m string) { b.Error(m) }}
	defer r.Keep()()
	e := []envmap.Event{{Cmd: envmap.DeployCert, Client: "json", Domain: "a.test", CertPath: "/c", KeyPath: "/k", ChainPath: "/h", FullchainPath: "/f", Timestamp: "1477582237"}}
	for b.Loop() {
		if err := r.Run(context.Background(), e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPipes is what the same program takes for a line, without us.
func BenchmarkPipes(b *testing.B) {
	cmd := exec.Command(os.Args[0], "echo")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	line, answers := []byte(strings.Repeat("x", 150)+"\n"), bufio.NewReader(out)
	for b.Loop() {
		if _, err := in.Write(line); err != nil {
			b.Fatal(err)
		}
		if _, err := answers.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, in.Close())
	require.NoError(b, cmd.Wait())
}
