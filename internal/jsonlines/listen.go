package jsonlines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/fault"
	"github.com/extauth/extauth/pkg/envmap"
)

// socketService runs the events of many clients.
type socketService struct {
	responder
	address string
	queue   *cli.Queue
}

// listenAt serves clients until a signal ends it.
func (c *command) listenAt(ctx context.Context, r *responder) error {
	s := &socketService{responder: *r, address: cli.AbsoluteAddress(c.listen), queue: cli.NewQueue(c.jobs)}
	options := c.socket
	options.Passed = cli.PassedSockets(c.program.Env)
	l, err := endpoint.Listen(s.address, options)
	if err != nil {
		return listenError(err)
	}
	return accept(ctx, l, c.program.Warn, s.serve)
}

// listenError returns the error, with its exit status, of an address that
// cannot be opened.
func listenError(err error) error {
	switch {
	case cli.Status(err) != cli.StatusInternal:
		return err
	case errors.Is(err, fs.ErrInvalid):
		return &cli.StatusError{Status: cli.StatusUsage, Err: err}
	}
	return &cli.StatusError{Status: cli.StatusSystem, Err: err}
}

// accept serves callers until the context ends, and then waits for those that
// are being served.
func accept(ctx context.Context, l endpoint.Listener, warn func(string), serve func(context.Context, endpoint.Caller)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }()
	var served sync.WaitGroup
	defer served.Wait()
	for {
		caller, err := next(ctx, l, warn)
		if err != nil {
			return err
		}
		served.Add(1)
		go func() {
			defer served.Done()
			defer func() { _ = caller.Close() }()
			serve(ctx, caller)
		}()
	}
}

// next waits for a caller. It tries again if the system refuses one, most
// likely since descriptors have run out.
func next(ctx context.Context, l endpoint.Listener, warn func(string)) (endpoint.Caller, error) {
	for tries := 0; ; tries++ {
		caller, err := l.Accept()
		switch {
		case ctx.Err() != nil && err == nil:
			_ = caller.Close()
			return nil, context.Cause(ctx)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == nil:
			return caller, nil
		case tries == 0:
			warn(err.Error())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// serve answers the lines of one caller. Errors in them are only answered to
// this caller, and reported on standard error.
func (s *socketService) serve(ctx context.Context, caller endpoint.Caller) {
	answers := &resultWriter{ctx: ctx, Caller: caller}
	own := s.of(caller, answers)
	_, err := own.each(ctx, func(events []envmap.Event) error {
		events[0] = events[0].From(s.address, caller.UID())
		return s.answerOne(ctx, own, answers, events)
	})
	if err != nil && ctx.Err() == nil {
		own.program.Warn(err.Error())
	}
}

// of returns the stream of one caller.
func (s *socketService) of(caller endpoint.Caller, answers *resultWriter) *stream {
	own, program := *s.stream, *s.stream.program
	program.Stdin, program.Stdout = caller, answers
	program.Name = fmt.Sprintf("%s: user %d", program.Name, caller.UID())
	own.program = &program
	return &own
}

// answerOne runs one event of one caller. Those of one order run one after another,
// those of others at the same time.
func (s *socketService) answerOne(ctx context.Context, own *stream, to *resultWriter, events []envmap.Event) (err error) {
	defer fault.Recover(&err)
	done, leave, err := s.queue.Enter(ctx, orderOf(events[0]))
	if err != nil {
		return err
	}
	defer leave()
	to.release = done
	r := responder{stream: own, target: s.target, runner: s.runner}
	return r.answer(ctx, events)
}

// resultWriter writes the results of a caller. A caller that does not read them
// delays neither others nor the end of the program.
type resultWriter struct {
	endpoint.Caller
	ctx     context.Context
	release func() // lets the next event in; nil: none waits
}

func (a *resultWriter) Write(b []byte) (int, error) {
	if a.release != nil {
		a.release()
	}
	written := make(chan struct{})
	defer close(written)
	stop := context.AfterFunc(a.ctx, func() {
		select {
		case <-written:
		case <-time.After(time.Second):
			_ = a.Close()
		}
	})
	defer stop()
	return a.Caller.Write(b)
}

// orderOf returns the name of the order that an event belongs to, or "".
func orderOf(e envmap.Event) string { return cmp.Or(e.Order, e.Domain) }
