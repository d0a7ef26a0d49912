package jsonlines

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/fault"
	"github.com/extauth/extauth/pkg/envmap"
)

// jobs runs events of different orders at the same time, and those of one order
// in the order of their lines.
type jobs struct {
	responder
	room  chan struct{} // for running events, and as many waiting ones
	turns chan struct{} // for running events
	all   sync.WaitGroup
	stop  context.CancelCauseFunc

	mu         sync.Mutex
	lastEvents map[string]chan struct{} // by name of an order: closed when its last event has ended
	worst      int
	fatal      []error
}

// inParallel is stream.each for several events at once. An event that belongs to
// no order waits for all before it, and all after it wait for its end.
func inParallel(ctx context.Context, r *responder, count int) (worst int, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j := &jobs{
		responder: responder{stream: wholeResults(r.stream), target: r.target, runner: r.runner},
		stop:      stop, lastEvents: map[string]chan struct{}{},
		room: make(chan struct{}, 2*count), turns: make(chan struct{}, count),
	}
	err = cli.ReadLines(ctx, j.stream.program.Stdin, nil, func(number int, line []byte, err error) error {
		return j.take(ctx, number, line, err)
	})
	j.all.Wait()
	if len(j.fatal) > 0 {
		err = errors.Join(j.fatal...)
	}
	return j.worst, err
}

// wholeResults returns a stream whose results are written one at a time.
func wholeResults(s *stream) *stream {
	own, program := *s, *s.program
	program.Stdout = &wholeWrites{Writer: program.Stdout}
	own.program = &program
	return &own
}

// take begins one line. Its error ends the reading.
func (j *jobs) take(ctx context.Context, number int, line []byte, err error) error {
	var events []envmap.Event
	var names []string
	if err == nil {
		events, err = j.stream.decode(bytes.Clone(line)) // the next is read before this one has ended
	}
	if err == nil {
		names = orderNames(events[0])
	}
	switch {
	case err != nil:
		j.note(number, j.stream.refuse(line, err))
	case len(names) == 0:
		j.all.Wait()
		j.perform(ctx, number, events)
	default:
		return j.begin(ctx, names, number, events)
	}
	return nil
}

// begin runs an event after the last ones of its names, when there is room for
// it.
func (j *jobs) begin(ctx context.Context, names []string, number int, events []envmap.Event) error {
	select {
	case j.room <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := make(chan struct{})
	before := j.join(names, done)
	j.all.Add(1)
	go func() {
		defer func() { close(done); j.remove(names, done); <-j.room; j.all.Done() }()
		j.follow(ctx, before, number, events)
	}()
	return nil
}

// orderNames returns the names that an event has in common with others of its
// order: its identifiers, and the client's name of the order.
func orderNames(e envmap.Event) []string {
	var names []string
	for _, name := range append([]string{cmp.Or(e.Domain, e.TXTDomain), e.Order}, e.Domains...) {
		if name != "" {
			names = append(names, strings.TrimPrefix(name, "*."))
		}
	}
	return names
}

// join makes an event the last one of each name, and returns the former ones.
func (j *jobs) join(names []string, done chan struct{}) (before []chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, name := range names {
		if last := j.lastEvents[name]; last != nil && last != done {
			before = append(before, last)
		}
		j.lastEvents[name] = done
	}
	return before
}

func (j *jobs) remove(names []string, done chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, name := range names {
		if j.lastEvents[name] == done {
			delete(j.lastEvents, name)
		}
	}
}

// follow runs an event after others, when it is its turn.
func (j *jobs) follow(ctx context.Context, before []chan struct{}, number int, events []envmap.Event) {
	for _, ended := range before {
		<-ended
	}
	j.turns <- struct{}{}
	defer func() { <-j.turns }()
	j.perform(ctx, number, events)
}

// perform runs an event, unless the jobs are stopping.
func (j *jobs) perform(ctx context.Context, number int, events []envmap.Event) {
	if ctx.Err() == nil {
		j.note(number, j.guard(ctx, events))
	}
}

// guard answers an event; a panic becomes its error.
func (j *jobs) guard(ctx context.Context, events []envmap.Event) (err error) {
	defer fault.Recover(&err)
	return j.answer(ctx, events)
}

// note records the result of a line. If no further one can be served, running
// events are stopped.
func (j *jobs) note(number int, err error) {
	severity, err := j.stream.report(number, err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.worst = max(j.worst, severity)
	if err != nil {
		j.fatal = append(j.fatal, err)
		j.stop(err)
	}
}

// wholeWrites writes one result at a time.
type wholeWrites struct {
	io.Writer
	mu sync.Mutex
}

func (w *wholeWrites) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Writer.Write(b)
}
