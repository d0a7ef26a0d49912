package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// telling is a handler that logs its name, its event and the names on its
// standard input, and fails for the events of the second argument.
func telling(t *testing.T, name, fails string) string {
	return script(t, `names=$(sed -n 's/.*"domain": "\([a-z.]*\)".*/\1/p' | tr '\n' ' ')
echo "`+name+` $1 $domain [${names% }]" >>"$LOG"
[ "$1 $domain" != "`+fails+`" ]`)
}

// triplets is a dehydrated hook that logs its arguments but for the values.
func triplets(t *testing.T, name, fails string) string {
	return script(t, `echo "`+name+` $*" | sed 's/ `+value+`//g' >>"$LOG"; [ "$1" != "`+fails+`" ]`)
}

func threeOfCertbot() []envmap.Event {
	return placed(perform("a.test"), perform("b.test"), perform("c.test"))
}

// performed runs certbot's calls of an order except for the last; they succeed.
func (w *world) performed(order []envmap.Event) (last envmap.Event) {
	for _, e := range order[:len(order)-1] {
		require.NoError(w.t, w.run(e))
	}
	return order[len(order)-1]
}

// requireNothingLeft: no challenge is in the journal.
func (w *world) requireNothingLeft() {
	left, err := w.Leftovers()
	require.NoError(w.t, err)
	require.Empty(w.t, left)
}

// requireSilentCleanup runs certbot's cleanup for each challenge, which has
// nothing to do.
func (w *world) requireSilentCleanup(order []envmap.Event) {
	w.warnings = nil
	for _, e := range order {
		require.NoError(w.t, w.run(cleanup(e)))
	}
	require.Empty(w.t, w.log())
	require.Empty(w.t, w.warnings)
	w.requireEmptyJournal()
}

func (w *world) remaining() []string {
	left, err := w.Leftovers()
	require.NoError(w.t, err)
	var names []string
	for _, l := range left {
		names = append(names, l.Event.Domain)
	}
	return names
}

// TestBatchLine: certbot's three calls are one for dehydrated's hook, at the
// last; the clean-up is a call for each.
func TestBatchLine(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+triplets(t, "A", "")+"\n")
	order := threeOfCertbot()
	last := w.performed(order)
	require.Empty(t, w.log())
	require.NoError(t, w.run(last))
	require.Equal(t, []string{"A deploy_challenge a.test b.test c.test"}, w.log())
	require.ElementsMatch(t, []string{"a.test", "b.test", "c.test"}, w.remaining())
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"A clean_challenge a.test", "A clean_challenge b.test", "A clean_challenge c.test"}, w.log())
	w.requireEmptyJournal()
	require.Empty(t, w.warnings)
}

// TestBatchLineOnStandardInput: a handler without triplets gets the call of the
// last with the order as lines.
func TestBatchLineOnStandardInput(t *testing.T) {
	w := newWorld(t, "handler batch=yes phase=perform "+telling(t, "A", "")+"\n")
	require.NoError(t, w.run(w.performed(threeOfCertbot())))
	require.Equal(t, []string{"A perform c.test [a.test b.test c.test]"}, w.log())
}

// TestBatchLineAmongOthers: the other lines are run for each challenge as
// usual, and for the last one in the chain's order.
func TestBatchLineAmongOthers(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+telling(t, "A", "")+"\nhandler phase=perform,cleanup batch=yes "+telling(t, "B", "")+
		"\nhandler phase=perform,cleanup "+telling(t, "C", "")+"\n")
	order := threeOfCertbot()
	require.NoError(t, w.run(w.performed(order)))
	require.Equal(t, []string{"A perform a.test []", "C perform a.test []", "A perform b.test []", "C perform b.test []",
		"A perform c.test []", "B perform c.test [a.test b.test c.test]", "C perform c.test []"}, w.log())
	require.NoError(t, w.run(cleanup(order[0])))
	require.ElementsMatch(t, []string{"A cleanup a.test []", "B cleanup a.test []", "C cleanup a.test []"}, w.log())
	require.NoError(t, w.run(cleanup(order[2])))
	require.Equal(t, []string{"C cleanup c.test []", "B cleanup c.test []", "A cleanup c.test []"}, w.log())
}

// TestBatchLineTakesItsOwn: domain= and type= choose from the order, even if
// the last challenge is not chosen.
func TestBatchLineTakesItsOwn(t *testing.T) {
	w := newWorld(t, "handler domain=a.test,b.test batch=yes phase=perform,cleanup "+telling(t, "A", "")+
		"\nhandler type=http-01 batch=yes phase=perform,cleanup "+telling(t, "B", "")+
		"\nhandler domain=c.test batch=yes phase=perform,cleanup "+telling(t, "C", "")+
		"\nhandler type=tls-alpn-01 batch=yes phase=perform,cleanup "+telling(t, "D", "")+"\n")
	order := threeOfCertbot()
	order[0].Type, order[0].Validation, order[0].Token = envmap.HTTP01, "t."+value, "t"
	require.NoError(t, w.run(w.performed(order)))
	require.Equal(t, []string{"A perform b.test [a.test b.test]", "B perform a.test [a.test]", "C perform c.test [c.test]"}, w.log())
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"B cleanup a.test []", "A cleanup a.test []", "A cleanup b.test []", "C cleanup c.test []"}, w.log())
	w.requireEmptyJournal()
}

// TestBatchLineFails: everything of the order is undone, last first, each once;
// what certbot calls afterwards has nothing to do.
func TestBatchLineFails(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+telling(t, "A", "")+"\nhandler phase=perform,cleanup batch=yes "+telling(t, "B", "perform c.test")+"\n")
	order := threeOfCertbot()
	last := w.performed(order)
	w.log()
	err := w.run(last)
	require.ErrorAs(t, err, new(*runner.HandlerError))
	require.False(t, errors.As(err, new(*runner.RollbackError)))
	log := w.log()
	require.ElementsMatch(t, []string{"A perform c.test []", "B perform c.test [a.test b.test c.test]",
		"B cleanup c.test []", "A cleanup c.test []", "B cleanup b.test []", "A cleanup b.test []", "B cleanup a.test []", "A cleanup a.test []"}, log)
	w.requireNothingLeft()
	w.requireSilentCleanup(order)
}

// TestBatchLineFailsLastFirst: what is undone is undone in reverse order.
func TestBatchLineFailsLastFirst(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+triplets(t, "A", "deploy_challenge")+"\n")
	order := threeOfCertbot()
	require.Error(t, w.run(w.performed(order)))
	require.Equal(t, []string{"A deploy_challenge a.test b.test c.test",
		"A clean_challenge c.test", "A clean_challenge b.test", "A clean_challenge a.test"}, w.log())
	w.requireSilentCleanup(order)
}

// TestBatchLineFailsForOthersToo: challenges that earlier calls of the order
// performed only with other lines are undone too.
func TestBatchLineFailsForOthersToo(t *testing.T) {
	w := newWorld(t, "handler domain=a.test phase=perform,cleanup "+telling(t, "A", "")+
		"\nhandler domain=b.test,c.test phase=perform,cleanup batch=yes "+telling(t, "B", "perform c.test")+"\n")
	order := threeOfCertbot()
	require.Error(t, w.run(w.performed(order)))
	require.ElementsMatch(t, []string{"A perform a.test []", "B perform c.test [b.test c.test]",
		"B cleanup c.test []", "B cleanup b.test []", "A cleanup a.test []"}, w.log())
	w.requireNothingLeft()
	w.requireSilentCleanup(order)
}

// TestBatchLineBeforeAFailure: the failure of a later line undoes the batch.
func TestBatchLineBeforeAFailure(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup batch=yes "+telling(t, "A", "")+"\nhandler phase=perform,cleanup "+telling(t, "B", "perform c.test")+"\n")
	order := threeOfCertbot()
	last := w.performed(order)
	w.log()
	require.Error(t, w.run(last))
	require.ElementsMatch(t, []string{"A perform c.test [a.test b.test c.test]", "B perform c.test []",
		"B cleanup c.test []", "A cleanup c.test []", "B cleanup b.test []", "A cleanup b.test []", "B cleanup a.test []", "A cleanup a.test []"}, w.log())
	w.requireSilentCleanup(order)
}

// TestBatchLineWithoutAFailedOne: the batch does not get a challenge that was
// rolled back.
func TestBatchLineWithoutAFailedOne(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+telling(t, "A", "perform b.test")+"\nhandler phase=perform,cleanup batch=yes "+telling(t, "B", "")+"\n")
	order := threeOfCertbot()
	require.NoError(t, w.run(order[0]))
	require.Error(t, w.run(order[1]))
	w.log()
	require.NoError(t, w.run(order[2]))
	require.Equal(t, []string{"A perform c.test []", "B perform c.test [a.test c.test]"}, w.log())
}

// TestBatchLineRollbackFails: each challenge that is left is named.
func TestBatchLineRollbackFails(t *testing.T) {
	stuck := script(t, `echo "$1 $2" >>"$LOG"; case $1 in deploy_challenge) exit 1;; esac; [ -e "$LOG.free" ] || [ "$2" != b.test ]`)
	w := newWorld(t, "dehydrated batch=yes "+stuck+"\n")
	order := threeOfCertbot()
	require.ErrorAs(t, w.run(w.performed(order)), new(*runner.RollbackError))
	require.Len(t, w.log(), 4)
	require.Equal(t, []string{"b.test"}, w.remaining())
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "log.free"), nil, 0o644))
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"clean_challenge b.test"}, w.log())
	w.requireEmptyJournal()
}

// TestBatchLineVanishes: a program that could not be started has nothing to
// undo, for none of the challenges.
func TestBatchLineVanishes(t *testing.T) {
	gone := logging(t, "B", "")
	w := newWorld(t, "handler phase=perform,cleanup "+telling(t, "A", "")+"\nhandler phase=perform,cleanup batch=yes "+gone+"\n")
	order := threeOfCertbot()
	last := w.performed(order)
	w.log()
	require.NoError(t, os.Remove(gone))
	err := w.run(last)
	require.ErrorAs(t, err, new(*runner.StartError))
	require.False(t, errors.As(err, new(*runner.RollbackError)), "%v", err)
	require.ElementsMatch(t, []string{"A perform c.test []", "A cleanup a.test []", "A cleanup b.test []", "A cleanup c.test []"}, w.log())
	w.requireSilentCleanup(order)
}

// TestBatchLineVanishesAndIsOptional: nothing of it stays in the journal, since
// it never ran.
func TestBatchLineVanishesAndIsOptional(t *testing.T) {
	gone := logging(t, "B", "")
	w := newWorld(t, "handler phase=perform,cleanup "+telling(t, "A", "")+"\nhandler phase=perform,cleanup optional=yes batch=yes "+gone+"\n")
	last := w.performed(threeOfCertbot())
	require.NoError(t, os.Remove(gone))
	require.NoError(t, w.run(last))
	left, err := w.Leftovers()
	require.NoError(t, err)
	require.Len(t, left, 3)
	for _, l := range left {
		require.Len(t, l.Handlers, 1, "%s: %v", l.Event.Domain, l.Handlers)
	}
}

// TestBatchLineIsOptional: its failure is a warning, and what it may have done
// is cleaned up with the rest.
func TestBatchLineIsOptional(t *testing.T) {
	w := newWorld(t, "dehydrated optional=yes batch=yes "+triplets(t, "A", "deploy_challenge")+"\n")
	order := threeOfCertbot()
	require.NoError(t, w.run(w.performed(order)))
	require.Len(t, w.warnings, 1)
	w.log()
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"A clean_challenge a.test", "A clean_challenge b.test", "A clean_challenge c.test"}, w.log())
	w.requireEmptyJournal()
}

// TestBatchLineInOneCall: an order that comes in one call, and a challenge of
// its own, are a batch at once.
func TestBatchLineInOneCall(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+triplets(t, "A", "")+"\n")
	require.NoError(t, w.run(threeOfCertbot()...))
	require.Equal(t, []string{"A deploy_challenge a.test b.test c.test"}, w.log())
	require.NoError(t, w.run(perform("d.test")))
	require.Equal(t, []string{"A deploy_challenge d.test"}, w.log())
	require.NoError(t, w.run(placed(perform("e.test"))[0]))
	require.Equal(t, []string{"A deploy_challenge e.test"}, w.log())
	for _, name := range []string{"f.test", "g.test"} { // HOOK_CHAIN=no: nobody says which is the last
		e := perform(name)
		e.Order, e.Client = "f.test g.test", "dehydrated"
		require.NoError(t, w.run(e))
	}
	require.Equal(t, []string{"A deploy_challenge f.test", "A deploy_challenge g.test"}, w.log())
}

// TestDuplicateBatchLine: two equal lines are both performed and cleaned up.
func TestDuplicateBatchLine(t *testing.T) {
	line := "dehydrated batch=yes " + triplets(t, "A", "") + "\n"
	w := newWorld(t, line+line)
	order := threeOfCertbot()
	require.NoError(t, w.run(w.performed(order)))
	require.Len(t, w.log(), 2)
	for _, e := range order {
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Len(t, w.log(), 6)
	w.requireEmptyJournal()
}

// TestBatchLineOfCertbot: what an auth hook printed for the order is given back
// to the clean-up of each challenge.
func TestBatchLineOfCertbot(t *testing.T) {
	auth := script(t, `echo "handle of $CERTBOT_DOMAIN and $(grep -c .)"`)
	clean := script(t, `echo "$CERTBOT_DOMAIN: $CERTBOT_AUTH_OUTPUT" >>"$LOG"`)
	w := newWorld(t, "certbot batch=yes auth="+auth+" cleanup="+clean+"\n")
	var delivered []string
	w.Deliver = func(_ context.Context, output []byte) error {
		delivered = append(delivered, string(output))
		return nil
	}
	order := threeOfCertbot()
	require.NoError(t, w.run(w.performed(order)))
	require.Equal(t, []string{"", "", "handle of c.test and 3\n"}, delivered)
	for _, e := range order {
		empty := ""
		e.AuthOutput = &empty // what certbot got for it
		require.NoError(t, w.run(cleanup(e)))
	}
	require.Equal(t, []string{"a.test: handle of c.test and 3", "b.test: handle of c.test and 3", "c.test: handle of c.test and 3"}, w.log())
	w.requireEmptyJournal()
}

// TestBatchLineAndPhases: batch= changes how perform is called, and no other
// phase; phase= leaves the others out.
func TestBatchLineAndPhases(t *testing.T) {
	all := func(options string) []string {
		w := newWorld(t, "handler "+options+" "+logging(t, "A", "")+"\n")
		order := threeOfCertbot()
		require.NoError(t, w.run(w.performed(order)))
		for _, e := range order {
			require.NoError(t, w.run(cleanup(e)))
		}
		w.requireEmptyJournal()
		return w.log()
	}
	require.Equal(t, []string{"A pre-perform", "A perform", "A post-perform", "A pre-cleanup", "A cleanup", "A cleanup", "A cleanup", "A post-cleanup"}, all("batch=yes"))
	require.Equal(t, []string{"A perform"}, all("batch=yes phase=perform"))
	require.Equal(t, []string{"A perform", "A perform", "A perform"}, all("batch=no phase=perform"))
}

// TestBatchLineOfOrdersInParallel: each gets its own.
func TestBatchLineOfOrdersInParallel(t *testing.T) {
	hook := script(t, `shift; echo "$*" | sed 's/ `+value+`//g' >>"$LOG.$(echo "$1" | cut -c 1)"`)
	w := newWorld(t, "dehydrated phase=perform batch=yes "+hook+"\n")
	var all sync.WaitGroup
	errs := make(chan error, 30)
	for _, prefix := range strings.Split("a b c d e f g h i j", " ") {
		all.Add(1)
		go func() {
			defer all.Done()
			for _, e := range placed(perform(prefix+"1.test"), perform(prefix+"2.test"), perform(prefix+"3.test")) {
				errs <- w.run(e)
			}
		}()
	}
	all.Wait()
	for range 30 {
		require.NoError(t, <-errs)
	}
	for _, p := range strings.Split("a b c d e f g h i j", " ") {
		text, err := os.ReadFile(filepath.Join(w.dir, "log."+p))
		require.NoError(t, err)
		require.Equal(t, p+"1.test "+p+"2.test "+p+"3.test\n", string(text))
	}
}

// TestBatchLineIsInterrupted: a signal in the batch undoes the order.
func TestBatchLineIsInterrupted(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+script(t, `echo "$1 $2" >>"$LOG"; [ "$1" = clean_challenge ] || exec sleep 30`)+"\n")
	order := threeOfCertbot()
	last := w.performed(order)
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx, []envmap.Event{last}) }()
	require.Eventually(t, func() bool {
		info, err := os.Stat(filepath.Join(w.dir, "log"))
		return err == nil && info.Size() > 0
	}, 10*time.Second, time.Millisecond)
	cancel(&process.SignalError{Signal: 2})
	require.ErrorAs(t, <-done, new(*process.SignalError))
	require.ElementsMatch(t, []string{"deploy_challenge a.test", "clean_challenge a.test", "clean_challenge b.test", "clean_challenge c.test"}, w.log())
	w.requireSilentCleanup(order)
}

// TestBatchLineAfterAKilledRun: a run of the same names that was killed before
// its last challenge does not belong to the next one's order; its own
// challenges can still be cleaned up.
func TestBatchLineAfterAKilledRun(t *testing.T) {
	w := newWorld(t, "handler phase=perform,cleanup "+logging(t, "A", "")+"\ndehydrated batch=yes "+triplets(t, "B", "")+"\n")
	killed := threeOfCertbot()
	for i := range killed {
		killed[i].Validation = strings.Repeat("k", 43)
	}
	w.performed(killed)
	w.log()
	order := threeOfCertbot()
	last := w.performed(order)
	w.log()
	require.NoError(t, w.run(last))
	require.Equal(t, []string{"A perform", "B deploy_challenge a.test b.test c.test"}, w.log())
	left, err := w.Leftovers()
	require.NoError(t, err)
	require.Len(t, left, 5)
	for _, l := range left {
		require.NoError(t, w.CleanLeftover(context.Background(), l))
	}
	require.NoError(t, w.ForgetOrders())
	w.requireEmptyJournal()
}

// TestBatchLineAndPending: extauth-pending may clean what older runs left while
// an order is under way; nothing of that order is forgotten, though none of its
// challenges has been performed yet.
func TestBatchLineAndPending(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+triplets(t, "A", "")+"\n")
	order := threeOfCertbot()
	last := w.performed(order)
	require.NoError(t, w.ForgetOrders())
	require.NoError(t, w.run(last))
	require.Equal(t, []string{"A deploy_challenge a.test b.test c.test"}, w.log())
}

// TestBatchLinePlan: the plan is what is run.
func TestBatchLinePlan(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+triplets(t, "A", "")+"\n")
	order := threeOfCertbot()
	planned, err := w.Plan(order)
	require.NoError(t, err)
	require.Len(t, planned, 1, "%q", planned)
	require.Regexp(t, ` deploy_challenge a\.test \S+ \S+ b\.test \S+ \S+ c\.test \S+ \S+$`, planned[0])
	planned, err = w.Plan(order[:1])
	require.NoError(t, err)
	require.Empty(t, planned, "it is run after the last")
	require.Empty(t, w.log())
	w.requireEmptyJournal()
}

// TestBatchLineWithALostJournal: only the last call is known.
func TestBatchLineWithALostJournal(t *testing.T) {
	w := newWorld(t, "dehydrated batch=yes "+triplets(t, "A", "")+"\n")
	last := w.performed(threeOfCertbot())
	require.NoError(t, os.RemoveAll(w.State))
	require.NoError(t, w.run(last))
	require.Equal(t, []string{"A deploy_challenge c.test"}, w.log())
}

// publishing is a dehydrated hook that has a file for each record, and fails
// after its work if the test says so.
func publishing(t *testing.T, name string) string {
	return script(t, `operation=$1
shift
while [ $# -gt 0 ]; do
	case $operation in
	deploy_challenge) : >"$LOG.`+name+`.$1" ;;
	clean_challenge) rm -f "$LOG.`+name+`.$1" ;;
	esac
	shift 3
done
[ "`+name+` $operation" != "B deploy_challenge" ] || [ ! -e "$LOG.fails" ]`)
}

func (w *world) records() []string {
	files, err := filepath.Glob(filepath.Join(w.dir, "log.[AB].*"))
	require.NoError(w.t, err)
	return files
}

// stoppedAt runs an order up to its last call, and of that up to a step, at
// which stop is called. reached is false if there are fewer steps.
func stoppedAt(t *testing.T, step int, fails bool, stop func() error) (w *world, order []envmap.Event, reached bool, err error) {
	w = newWorld(t, "dehydrated "+publishing(t, "A")+"\ndehydrated batch=yes "+publishing(t, "B")+"\n")
	if fails {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "log.fails"), nil, 0o644))
	}
	order = threeOfCertbot()
	last := w.performed(order)
	w.Step = func(string) error {
		if step--; step != 0 {
			return nil
		}
		reached = true
		return stop()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = w.run(last)
	}()
	<-done
	w.Step = nil
	return w, order, reached, err
}

// requireCleanable: certbot's clean-ups leave nothing, and can be repeated.
func (w *world) requireCleanable(order []envmap.Event, note string) {
	for range 2 {
		for _, e := range order {
			require.NoError(w.t, w.run(cleanup(e)), note)
		}
	}
	require.Empty(w.t, w.records(), note)
	w.requireEmptyJournal()
}

// TestBatchLineEndsAtEveryStep: whenever a run of the last call ends suddenly,
// the journal names everything that must be cleaned up.
func TestBatchLineEndsAtEveryStep(t *testing.T) {
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("fails %v", fails), func(t *testing.T) {
			t.Parallel()
			endAtEveryStep(t, fails)
		})
	}
}

func endAtEveryStep(t *testing.T, fails bool) {
	for step, reached := 1, true; reached; step++ {
		var w *world
		var order []envmap.Event
		w, order, reached, _ = stoppedAt(t, step, fails, func() error { runtime.Goexit(); return nil })
		note := fmt.Sprintf("fails %v, step %d", fails, step)
		if step%2 == 0 {
			left, err := w.Leftovers()
			require.NoError(t, err, note)
			for _, l := range left {
				require.NoError(t, w.CleanLeftover(context.Background(), l), note)
			}
			require.Empty(t, w.records(), note)
		}
		w.requireCleanable(order, note)
		require.Less(t, step, 200, "it does not end")
	}
}

// requireUndone: nothing is left of the last call. What the calls before it did
// may stay if the batch had not begun: certbot cleans it up.
func (w *world) requireUndone(note string) {
	for _, file := range w.records() {
		require.Regexp(w.t, `log\.A\.[ab]\.test$`, file, note)
	}
	require.NotContains(w.t, w.remaining(), "c.test", note)
}

// TestBatchLineDiskErrorAtEveryStep: it is undone, or what is left is named.
func TestBatchLineDiskErrorAtEveryStep(t *testing.T) {
	t.Parallel()
	for step, reached := 1, true; reached; step++ {
		var w *world
		var order []envmap.Event
		var err error
		w, order, reached, err = stoppedAt(t, step, false, func() error { return syscall.ENOSPC })
		note := fmt.Sprintf("step %d: %v", step, err)
		if err != nil && !errors.As(err, new(*runner.RollbackError)) {
			w.requireUndone(note)
		}
		w.requireCleanable(order, note)
		require.Less(t, step, 200, "it does not end")
	}
}
