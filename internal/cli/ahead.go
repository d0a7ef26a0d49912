package cli

import (
	"context"
	"iter"
	"slices"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// atATime is how many events may be under way for a program that stays, where
// limit= does not say less.
const atATime = 16

// ahead runs events for a program that stays: while one waits for its answer,
// the next are given to it. All is done by one goroutine, since waking another
// would take longer than an event does. Results come in the order of the lines.
type ahead struct {
	*front
	serve   func(*front, *runner.Runner, envmap.Event) error
	runner  runner.Runner
	most    int // that may be under way
	spare   []*worker
	waiting []*worker // in the order in which they began to wait
	worst   int
	fatal   error
}

// worker runs one event after another.
type worker struct {
	number int
	event  envmap.Event
	names  []string               // of its order
	err    error                  // how it ended
	goOn   func() (ended, _ bool) // goes on with it, until it waits or has ended
	stop   func()
}

// aheadOfAnswers is eachLine for a chain of one program that stays. Events of
// one order wait for each other, and one that belongs to none for all.
func (f *front) aheadOfAnswers(ctx context.Context, r *runner.Runner, serve func(*front, *runner.Runner, envmap.Event) error) (worst int, err error) {
	a := &ahead{front: f, serve: serve, runner: *r, most: atATime}
	if limit := r.Chain[0].Limit; limit > 0 {
		a.most = min(limit, atATime)
	}
	err = f.readLines(ctx, a.finish, a.take)
	if also := a.finish(); err == nil {
		err = also
	}
	for _, w := range a.spare {
		w.stop()
	}
	return a.worst, err
}

// newWorker has a runner of its own, which returns here where it waits.
func (a *ahead) newWorker() *worker {
	w, f, r := &worker{}, *a.front, a.runner
	w.goOn, w.stop = iter.Pull(func(yield func(ended bool) bool) {
		r.Pause = func() { yield(false) }
		f.inTurn = func() {
			for !a.isFirst(w) {
				yield(false)
			}
		}
		for more := true; more; more = yield(true) {
			w.err = guarded(func() error { return a.serve(&f, &r, w.event) })
		}
	})
	return w
}

// isFirst tells whether all lines before a worker's have their results.
func (a *ahead) isFirst(w *worker) bool {
	return !slices.ContainsFunc(a.waiting, func(other *worker) bool { return other.number < w.number })
}

// guarded turns a panic into an error.
func guarded(do func() error) (err error) {
	defer runner.Recovered(&err)
	return do()
}

// take begins one line. Its error ends the reading.
func (a *ahead) take(number int, line []byte, err error) error {
	var e envmap.Event
	if err == nil {
		e, err = a.decodeLine(line)
	}
	if err != nil {
		if end := a.finish(); end != nil {
			return end
		}
		return a.note(number, a.refuseLine(line, err))
	}
	names := orderNames(e)
	for len(a.waiting) >= a.most || a.mustWait(names) {
		a.next()
	}
	if a.fatal != nil {
		return a.fatal
	}
	w := a.idle()
	w.number, w.event, w.names = number, e, names
	a.run(w)
	return a.fatal
}

// mustWait tells whether an event has to wait for one that is under way.
func (a *ahead) mustWait(names []string) bool {
	return slices.ContainsFunc(a.waiting, func(w *worker) bool {
		return len(names) == 0 || len(w.names) == 0 || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(w.names, name) })
	})
}

func (a *ahead) idle() *worker {
	if len(a.spare) == 0 {
		return a.newWorker()
	}
	last := len(a.spare) - 1
	w := a.spare[last]
	a.spare = a.spare[:last]
	return w
}

// run goes on with an event.
func (a *ahead) run(w *worker) {
	if ended, _ := w.goOn(); !ended {
		a.waiting = append(a.waiting, w)
		return
	}
	a.spare = append(a.spare, w)
	if err := a.note(w.number, w.err); a.fatal == nil {
		a.fatal = err
	}
}

// next goes on with the event that has waited longest.
func (a *ahead) next() {
	w := a.waiting[0]
	a.waiting = slices.Delete(a.waiting, 0, 1)
	a.run(w)
}

// finish brings all that are under way to their end.
func (a *ahead) finish() error {
	for len(a.waiting) > 0 {
		a.next()
	}
	return a.fatal
}

func (a *ahead) note(number int, err error) error {
	severity, err := a.report(number, err)
	a.worst = max(a.worst, severity)
	return err
}
