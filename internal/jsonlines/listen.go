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

// service runs the events of many clients.
type service struct {
	responder
	address string
	queue   *cli.Queue
}

// listenAt serves clients until a signal ends it.
func (c *command) listenAt(ctx context.Context, r *responder) error {
	s := &service{responder: *r, address: cli.AbsoluteAddress(c.listen), queue: cli.NewQueue(c.jobs)}
	options := c.socket
	options.Passed = cli.PassedSockets(c.program.Env)
	l, err := endpoint.Listen(s.address, options)
	if err != nil {
		return listenError(err)
	}
	return accept(ctx, l, c.program.Warn, s.serve)
}

// listenError gives an address that cannot be listened at its exit status.
func listenError(err error) error {
	switch {
	case cli.Status(err) != cli.StatusInternal:
		return err
	case errors.Is(err, fs.ErrInvalid):
		return &cli.StatusError{Status: cli.StatusUsage, Err: err}
	}
	return &cli.StatusError{Status: cli.StatusSystem, Err: err}
}

// accept serves each caller until the context ends, and then waits for those
// that are being served.
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

// next waits for a caller, also while the system refuses one: it is out of
// descriptors, most likely, and some will come back.
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

// serve answers the lines of one caller. What is wrong with them is its own
// affair, and only it is told; standard error has it too.
func (s *service) serve(ctx context.Context, caller endpoint.Caller) {
	answers := &answers{ctx: ctx, Caller: caller}
	own := s.of(caller, answers)
	_, err := own.each(ctx, func(events []envmap.Event) error {
		events[0] = events[0].From(s.address, caller.UID())
		return s.answerOne(ctx, own, answers, events)
	})
	if err != nil && ctx.Err() == nil {
		own.program.Warn(err.Error())
	}
}

// of is the stream of one caller.
func (s *service) of(caller endpoint.Caller, answers *answers) *stream {
	own, program := *s.stream, *s.stream.program
	program.Stdin, program.Stdout = caller, answers
	program.Name = fmt.Sprintf("%s: user %d", program.Name, caller.UID())
	own.program = &program
	return &own
}

// answerOne runs one event of one caller. Those of one order run one after another,
// those of others at the same time.
func (s *service) answerOne(ctx context.Context, own *stream, to *answers, events []envmap.Event) (err error) {
	defer fault.Recover(&err)
	done, leave, err := s.queue.Enter(ctx, orderOf(events[0]))
	if err != nil {
		return err
	}
	defer leave()
	to.before = done
	r := responder{stream: own, target: s.target, runner: s.runner}
	return r.answer(ctx, events)
}

// answers is where a caller's results are written. A caller that does not read them
// holds up nobody else, nor the end of the program.
type answers struct {
	endpoint.Caller
	ctx    context.Context
	before func() // gives the turn back; nil if there is none
}

func (a *answers) Write(b []byte) (int, error) {
	if a.before != nil {
		a.before()
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

// orderOf names the order that an event belongs to, or is "".
func orderOf(e envmap.Event) string { return cmp.Or(e.Order, e.Domain) }
