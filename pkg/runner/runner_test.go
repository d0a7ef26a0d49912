package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const value = "667drNmQL3vX6bu8YZlgy0wKNBlCny8yrjF1lSaUndc"

// world is a directory in which handlers log what they did.
type world struct {
	t   *testing.T
	dir string
	*runner.Runner
	warnings []string
}

func newWorld(t *testing.T, chain string) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.Runner = &runner.Runner{
		Environ: []string{"PATH=" + os.Getenv("PATH"), "LOG=" + filepath.Join(w.dir, "log")},
		State:   filepath.Join(w.dir, "state"),
		Grace:   200 * time.Millisecond,
		Warn:    func(message string) { w.warnings = append(w.warnings, message) },
	}
	w.Chain = w.chain(chain)
	return w
}

// chain writes lines, in which a word in braces means a script of that name.
func (w *world) chain(lines string) []runner.Handler {
	chain, err := runner.ParseChain(filepath.Join(w.dir, "chain"), lines)
	require.NoError(w.t, err)
	return chain
}

// script writes a handler.
func script(t *testing.T, body string) string {
	file := filepath.Join(t.TempDir(), "handler")
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+body), 0o755))
	return file
}

// logging is a handler that logs its name and its event, and fails for the
// events of the second argument.
func logging(t *testing.T, name, fails string) string {
	return script(t, `echo "`+name+` $1" >>"$LOG"; [ "$1" != "`+fails+`" ]`)
}

func (w *world) log() []string {
	text, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(w.t, err)
	require.NoError(w.t, os.Remove(filepath.Join(w.dir, "log")))
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func (w *world) requireEmptyJournal() {
	files, err := filepath.Glob(filepath.Join(w.State, "*", "*"))
	require.NoError(w.t, err)
	require.Empty(w.t, files)
}

func perform(domain string) envmap.Event {
	return envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: domain, Validation: value, Client: "certbot"}
}

func cleanup(e envmap.Event) envmap.Event {
	e.Cmd = envmap.Cleanup
	return e
}

// placed puts challenges into an order as certbot does, a call each.
func placed(events ...envmap.Event) []envmap.Event {
	var domains []string
	for _, e := range events {
		domains = append(domains, e.Domain)
	}
	for i := range events {
		remaining := len(events) - 1 - i
		events[i].Remaining, events[i].Domains, events[i].Order = &remaining, domains, strings.Join(domains, ",")
	}
	return events
}

func (w *world) run(events ...envmap.Event) error {
	return w.Run(context.Background(), events)
}

func TestPerformAndCleanup(t *testing.T) {
	w := newWorld(t, "handler "+logging(t, "A", "")+"\nhandler "+logging(t, "B", "")+"\n")
	require.NoError(t, w.run(perform("a.test")))
	require.Equal(t, []string{"A pre-perform", "B pre-perform", "A perform", "B perform", "A post-perform", "B post-perform"}, w.log())
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	require.Equal(t, []string{"B pre-cleanup", "A pre-cleanup", "B cleanup", "A cleanup", "B post-cleanup", "A post-cleanup"}, w.log())
	w.requireEmptyJournal()
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	require.Empty(t, w.log(), "cleaned before: at once")
	require.Empty(t, w.warnings)
}

func TestRollbackIsBottomUpAndWithTheFailed(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+logging(t, "A", "")+"\nhandler phase=perform,cleanup "+logging(t, "B", "perform")+
		"\nhandler phase=perform,cleanup "+logging(t, "C", "")+"\n")
	err := w.run(perform("a.test"))
	failed := new(runner.HandlerError)
	require.ErrorAs(t, err, &failed)
	require.False(t, errors.As(err, new(*runner.RollbackError)))
	require.Equal(t, []string{"A perform", "B perform", "B cleanup", "A cleanup"}, w.log())
	w.requireEmptyJournal()
	require.NoError(t, w.run(cleanup(perform("a.test"))), "certbot cleans up after a failure too")
	require.Empty(t, w.log())
}

// TestRollbackThatFails: the journal keeps what is left, and a later cleanup
// removes it.
func TestRollbackThatFails(t *testing.T) {
	stuck := script(t, `echo "B $1" >>"$LOG"; case $1 in perform) exit 1;; cleanup) [ -e "$LOG.free" ];; esac`)
	w := newWorld(t, "handler phase=perform,cleanup "+logging(t, "A", "")+"\nhandler phase=perform,cleanup "+stuck+"\n")
	require.ErrorAs(t, w.run(perform("a.test")), new(*runner.RollbackError))
	require.Equal(t, []string{"A perform", "B perform", "B cleanup", "A cleanup"}, w.log())
	require.ErrorAs(t, w.run(cleanup(perform("a.test"))), new(*runner.HandlerError))
	require.Equal(t, []string{"B cleanup"}, w.log(), "only what is left")
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "log.free"), nil, 0o644))
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	w.requireEmptyJournal()
}

func TestOptionalHandler(t *testing.T) {
	w := newWorld(t, "handler optional=yes phase=perform,cleanup "+logging(t, "A", "perform")+"\nhandler phase=perform,cleanup "+logging(t, "B", "")+"\n")
	require.NoError(t, w.run(perform("a.test")))
	require.Equal(t, []string{"A perform", "B perform"}, w.log())
	require.Len(t, w.warnings, 1)
	require.Contains(t, w.warnings[0], "exit status 1")
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	require.Equal(t, []string{"B cleanup", "A cleanup"}, w.log(), "it may have done a part")
}

func TestNoHandlerTakesTheChallenge(t *testing.T) {
	w := newWorld(t, "handler domain=*.b.test "+logging(t, "A", "")+"\n")
	require.ErrorAs(t, w.run(perform("a.test")), new(*runner.NoHandlerError))
	require.ErrorAs(t, w.run(perform("b.test")), new(*runner.NoHandlerError), "*.b.test is what is below")
	require.Empty(t, w.log())
	require.NoError(t, w.run(perform("x.y.b.test")))
}

// TestPhasesOfAnOrder: certbot calls once for each challenge; the order begins
// with the first and ends with the last.
func TestPhasesOfAnOrder(t *testing.T) {
	whole := script(t, `echo "$1 $(cat | grep -o '"domain": "[a-z.]*"' | tr -d '\n')" >>"$LOG"`)
	w := newWorld(t, "handler "+whole+"\n")
	order := placed(perform("a.test"), perform("b.test"), perform("c.test"))
	for _, e := range order {
		require.NoError(t, w.run(e))
	}
	require.Equal(t, []string{"pre-perform ", "perform ", "perform ", "perform ",
		`post-perform "domain": "a.test""domain": "b.test""domain": "c.test"`}, w.log())
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"pre-cleanup ", "cleanup ", "cleanup ", "cleanup ",
		`post-cleanup "domain": "a.test""domain": "b.test""domain": "c.test"`}, w.log())
	w.requireEmptyJournal()
}

// TestFailureInTheMiddleOfAnOrder: certbot goes on, and cleans up all.
func TestFailureInTheMiddleOfAnOrder(t *testing.T) {
	failing := script(t, `echo "$1 $domain" >>"$LOG"; [ "$1 $domain" != "perform b.test" ]`)
	w := newWorld(t, "handler "+failing+"\n")
	order := placed(perform("a.test"), perform("b.test"), perform("c.test"))
	for i, e := range order {
		require.Equal(t, i != 1, w.run(e) == nil)
	}
	require.Equal(t, []string{"pre-perform ", "perform a.test", "perform b.test", "cleanup b.test", "perform c.test", "post-perform"}, w.log())
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"pre-cleanup ", "cleanup a.test", "cleanup c.test", "post-cleanup"}, w.log())
	w.requireEmptyJournal()
}

// TestClientThatAbandons: dehydrated calls once for each challenge, and never
// again when one fails.
func TestClientThatAbandons(t *testing.T) {
	failing := script(t, `echo "$1 $domain" >>"$LOG"; [ "$1 $domain" != "perform b.test" ]`)
	w := newWorld(t, "handler phase=perform,cleanup "+failing+"\n")
	a, b := perform("a.test"), perform("b.test")
	a.Order, b.Order, a.Client, b.Client = "a.test b.test", "a.test b.test", "dehydrated", "dehydrated"
	require.NoError(t, w.run(a))
	require.Error(t, w.run(b))
	require.Equal(t, []string{"perform a.test", "perform b.test", "cleanup b.test", "cleanup a.test"}, w.log())
	w.requireEmptyJournal()
}

// TestAbandonedBeforeAnythingRuns: an order is undone even if its next
// challenge has no handler at all.
func TestAbandonedBeforeAnythingRuns(t *testing.T) {
	w := newWorld(t, "handler domain=a.test phase=perform,cleanup "+logging(t, "A", "")+"\n")
	a, b := perform("a.test"), perform("b.test")
	a.Order, b.Order, a.Client, b.Client = "a.test b.test", "a.test b.test", "dehydrated", "dehydrated"
	require.NoError(t, w.run(a))
	require.ErrorAs(t, w.run(b), new(*runner.NoHandlerError))
	require.Equal(t, []string{"A perform", "A cleanup"}, w.log())
	w.requireEmptyJournal()
}

// TestOutputThatCertbotCanKeep: with many handlers it is cut as a whole.
func TestOutputThatCertbotCanKeep(t *testing.T) {
	flood := "handler phase=perform " + script(t, `head -c 100000 /dev/zero | tr '\0' x`) + "\n"
	w := newWorld(t, strings.Repeat(flood, 6))
	w.Deliver = func(_ context.Context, output []byte) error { require.Len(t, output, 96<<10); return nil }
	require.NoError(t, w.run(perform("a.test")))
}

// TestBatch: a whole order in one call is undone as a whole.
func TestBatch(t *testing.T) {
	failing := script(t, `echo "$1 $domain" >>"$LOG"; [ "$1 $domain" != "perform c.test" ]`)
	w := newWorld(t, "handler "+failing+"\n")
	err := w.run(placed(perform("a.test"), perform("b.test"), perform("b.test"), perform("c.test"))...)
	require.Error(t, err)
	require.Equal(t, []string{"pre-perform ", "perform a.test", "perform b.test", "perform c.test",
		"pre-cleanup ", "cleanup c.test", "cleanup b.test", "cleanup a.test", "post-cleanup"}, w.log())
	w.requireEmptyJournal()
}

func TestDeliveryThatFailsIsUndone(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+script(t, `echo "$1" >>"$LOG"; echo out`)+"\n")
	w.Deliver = func(_ context.Context, output []byte) error {
		require.Equal(t, "out\n", string(output))
		return os.ErrClosed
	}
	require.ErrorIs(t, w.run(perform("a.test")), os.ErrClosed)
	require.Equal(t, []string{"perform", "cleanup"}, w.log())
	w.requireEmptyJournal()
}

// TestEachGetsItsOwnOutputBack: certbot scripts keep a handle in what they
// print.
func TestEachGetsItsOwnOutputBack(t *testing.T) {
	auth := script(t, `echo " $1-$CERTBOT_DOMAIN "`)
	clean := script(t, `echo "$1 $CERTBOT_AUTH_OUTPUT" >>"$LOG"`)
	w := newWorld(t, "certbot auth='"+auth+" one' cleanup='"+clean+" one'\ncertbot auth='"+auth+" two' cleanup='"+clean+" two'\n")
	var delivered []string
	w.Deliver = func(_ context.Context, output []byte) error {
		delivered = append(delivered, string(output))
		return nil
	}
	require.NoError(t, w.run(perform("a.test")))
	require.Equal(t, []string{" one-a.test \n two-a.test \n"}, delivered)
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	require.Equal(t, []string{"two two-a.test", "one one-a.test"}, w.log())
}

// TestJournalNamesWhatIsLeft: between perform and cleanup there is a file that
// only its owner can read; a torn one is set aside and not trusted.
func TestJournalNamesWhatIsLeft(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+logging(t, "A", "")+"\n")
	require.NoError(t, w.run(perform("a.test")))
	files, err := filepath.Glob(filepath.Join(w.State, "journal", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NotContains(t, files[0], "a.test")
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	info, err = os.Stat(filepath.Dir(files[0]))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], text[:len(text)-1], 0o600))
	w.log()
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	require.Equal(t, []string{"A cleanup"}, w.log(), "as without a journal")
	require.Contains(t, w.warnings[len(w.warnings)-1], "set aside")
	require.FileExists(t, files[0]+".corrupt")
	require.NoFileExists(t, files[0])
}

// TestCleanupWithoutJournal: without a journal only the current chain is known.
func TestCleanupWithoutJournal(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+logging(t, "A", "")+"\nhandler phase=perform,cleanup "+logging(t, "B", "")+"\n")
	require.NoError(t, w.run(cleanup(perform("a.test"))))
	require.Equal(t, []string{"B cleanup", "A cleanup"}, w.log())
}

func TestTimeoutStopsTheGroup(t *testing.T) {
	stubborn := script(t, `trap '' TERM; echo "$1" >>"$LOG"; [ "$1" = cleanup ] || sleep 30`)
	w := newWorld(t, "handler timeout=300ms phase=perform,cleanup "+stubborn+"\n")
	began := time.Now()
	require.ErrorAs(t, w.run(perform("a.test")), new(*runner.TimeoutError))
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, []string{"perform", "cleanup"}, w.log())
}

// TestDaemonDoesNotHang: certbot waits for the end of the output, and so would
// the runner.
func TestDaemonDoesNotHang(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "handler phase=perform "+script(t, `sleep 30 & echo $! >"$LOG"; echo done`)+"\n")
	began := time.Now()
	require.NoError(t, w.run(perform("a.test")))
	require.Less(t, time.Since(began), 10*time.Second)
	require.Len(t, w.warnings, 1)
	require.Contains(t, w.warnings[0], "left a process behind")
	end(t, w.log()[0])
}

// end stops a process that a handler left.
func end(t *testing.T, pid string) {
	require.NoError(t, (&runner.Runner{
		Chain: []runner.Handler{{Convention: "dehydrated", Command: []string{"/bin/sh", "-c", "kill " + pid}}},
		State: t.TempDir(), Environ: os.Environ(), Warn: func(string) {},
	}).Run(context.Background(), []envmap.Event{{Cmd: envmap.Startup}}))
}

func TestInterruptedRunIsUndone(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+script(t, `echo "$1 $EXTAUTH_RESULT" >>"$LOG"; [ "$1" = cleanup ] || sleep 30`)+"\n")
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx, []envmap.Event{perform("a.test")}) }()
	require.Eventually(t, func() bool {
		info, err := os.Stat(filepath.Join(w.dir, "log"))
		return err == nil && info.Size() > 0
	}, 10*time.Second, time.Millisecond)
	cancel(&process.SignalError{Signal: 15})
	require.ErrorAs(t, <-done, new(*process.SignalError))
	require.Equal(t, []string{"perform ", "cleanup failed"}, w.log())
	w.requireEmptyJournal()
}

// TestOneAtATime: calls for the same challenge are serialized, those for
// different ones are not.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	exclusive := script(t, `[ "$1" = perform ] || exit 0; mkdir "$LOG.$domain" || exit 1; rmdir "$LOG.$domain"`)
	w := newWorld(t, "handler phase=perform,cleanup "+exclusive+"\n")
	w.Warn = func(string) {}
	var all sync.WaitGroup
	errs := make(chan error, 40)
	for i := range 40 {
		all.Add(1)
		go func() {
			defer all.Done()
			errs <- w.run(perform([]string{"a.test", "b.test"}[i%2]))
		}()
	}
	all.Wait()
	for range 40 {
		require.NoError(t, <-errs)
	}
}

func TestLockedChallengeIsForLater(t *testing.T) {
	w := newWorld(t, "handler phase=perform "+script(t, `mkfifo "$LOG.fifo"; read -r _ <"$LOG.fifo"`)+"\n")
	done := make(chan error)
	go func() { done <- w.run(perform("a.test")) }()
	fifo := filepath.Join(w.dir, "log.fifo")
	require.Eventually(t, func() bool { _, err := os.Stat(fifo); return err == nil }, 10*time.Second, time.Millisecond)
	late := *w.Runner
	late.Timeout = 50 * time.Millisecond
	require.ErrorAs(t, late.Run(context.Background(), []envmap.Event{cleanup(perform("a.test"))}), new(*runner.LockedError))
	require.NoError(t, os.WriteFile(fifo, []byte("\n"), 0o600))
	require.NoError(t, <-done)
}

func TestNotImplementedIsPassedOver(t *testing.T) {
	w := newWorld(t, "handler "+script(t, `echo NotImplemented; exit 3`)+"\n")
	w.Deliver = func(_ context.Context, output []byte) error { require.Empty(t, output); return nil }
	require.NoError(t, w.run(perform("a.test")))
	require.Len(t, w.warnings, 1, "that nobody performed it is worth a word")
}

func TestInformationalEventsDoNotFail(t *testing.T) {
	no := script(t, "exit 2")
	w := newWorld(t, "dehydrated "+no+"\n")
	require.NoError(t, w.run(envmap.Event{Cmd: envmap.RequestFailure, Status: "400", Body: "b", Method: "get"}))
	require.Len(t, w.warnings, 1)
	w.Chain = w.chain("dehydrated strict=yes " + no + "\n")
	require.ErrorAs(t, w.run(envmap.Event{Cmd: envmap.Startup}), new(*runner.HandlerError))
	require.ErrorAs(t, newWorld(t, "dehydrated "+no+"\n").run(full()), new(*runner.HandlerError), "deploy_cert is none")
}

func full() envmap.Event {
	return envmap.Event{Cmd: envmap.DeployCert, Domain: "a.test", CertPath: "/c", KeyPath: "/k", ChainPath: "/h", FullchainPath: "/f", Timestamp: "1"}
}

func TestFirstRequestWins(t *testing.T) {
	w := newWorld(t, "dehydrated "+script(t, "exit 0")+"\ndehydrated "+script(t, "echo CSR")+"\ndehydrated "+script(t, "echo other")+"\n")
	var got string
	w.Deliver = func(_ context.Context, output []byte) error { got = string(output); return nil }
	require.NoError(t, w.run(envmap.Event{Cmd: envmap.GenerateCSR, Domain: "a.test", CertDir: "/d", Domains: []string{"a.test"}}))
	require.Equal(t, "CSR\n", got)
}

func TestPlanRunsNothing(t *testing.T) {
	w := newWorld(t, "handler "+logging(t, "A", "")+" 'it'\\''s'\n")
	lines, err := w.Plan([]envmap.Event{perform("a.test")})
	require.NoError(t, err)
	require.Len(t, lines, 3)
	require.Contains(t, lines[1], `'it'\''s' perform`)
	require.Contains(t, lines[1], "domain=a.test ")
	require.Empty(t, w.log())
	w.requireEmptyJournal()
}
