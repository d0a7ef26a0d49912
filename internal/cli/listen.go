package cli

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// Listen opens an address that others hand their events in at: unix:PATH or
// fifo:DIRECTORY. It is package listen's, which only the program that listens
// links: package net would cost the others a part of their start-up.
type Listen func(address string, options SocketOptions) (Listener, error)

// Listener is an open address.
type Listener = endpoint.Listener

// Caller is a process that is connected.
type Caller = endpoint.Caller

// SocketOptions says who may connect.
type SocketOptions struct {
	Mode   Mode
	Group  string // name or number; "": as it is
	Passed int    // how many sockets systemd opened for us: one of them is meant
}

// Mode is a file's permissions, written in octal.
type Mode fs.FileMode

// Set reads up to four octal digits.
func (m *Mode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%q is no mode such as 0660", text)
	}
	*m = Mode(n)
	return nil
}

// listenError says that an address cannot be listened at.
type listenError struct{ err error }

func (e *listenError) Error() string { return e.err.Error() }
func (e *listenError) Unwrap() error { return e.err }

// atOnce is how many events are run at once, unless --jobs says less; further
// ones wait for their turn.
// Each takes a process or more and half a dozen descriptors.
const atOnce = 64

// service runs the events of many clients.
type service struct {
	*front
	address string
	target  *target
	runner  *runner.Runner
	orders  orders
	turns   chan struct{}
}

// listen serves clients until a signal ends it.
func (f *front) listen(ctx context.Context, listen Listen, t *target, r *runner.Runner) error {
	address := absoluteAddress(*f.lines.listen)
	options := f.lines.socket
	options.Passed = endpoint.PassedSockets(f.env)
	l, err := listen(address, options)
	if err != nil {
		return &listenError{err}
	}
	s := &service{front: f, address: address, target: t, runner: r, turns: f.turns()}
	return f.accept(ctx, l, s.serve)
}

// turns has room for as many events as are run at once.
func (f *front) turns() chan struct{} {
	return make(chan struct{}, cmp.Or(int(f.lines.jobs), atOnce))
}

// absoluteAddress is an address in one spelling: the journal goes by it.
func absoluteAddress(address string) string {
	scheme, path, found := strings.Cut(address, ":")
	if !found || scheme != "unix" && scheme != "fifo" {
		return address // not ours to judge
	}
	if absolute, err := filepath.Abs(path); err == nil && path != "" {
		path = absolute
	}
	return scheme + ":" + path
}

// accept serves each caller until the context ends, and then waits for those
// that are being served.
func (f *front) accept(ctx context.Context, l Listener, serve func(context.Context, Caller)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }()
	var served sync.WaitGroup
	defer served.Wait()
	for {
		caller, err := f.next(ctx, l)
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
func (f *front) next(ctx context.Context, l Listener) (Caller, error) {
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
			f.warn(err.Error())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// serve answers the lines of one caller. What is wrong with them is its own
// affair, and is told to it alone; standard error has it too.
func (s *service) serve(ctx context.Context, caller Caller) {
	own := *s.front
	answers := &answers{ctx: ctx, Caller: caller}
	own.Stdin, own.Stdout = caller, answers
	own.name = fmt.Sprintf("%s: user %d", s.name, caller.UID())
	_, err := own.eachLine(ctx, func(e envmap.Event) error {
		return s.answer(ctx, &own, answers, e.From(s.address, caller.UID()))
	})
	if err != nil && ctx.Err() == nil {
		own.warn(err.Error())
	}
}

// answer runs one event of one caller. Those of one order run one after
// another, those of others at the same time.
func (s *service) answer(ctx context.Context, own *front, to *answers, e envmap.Event) (err error) {
	defer runner.Recovered(&err)
	leave, err := s.orders.enter(ctx, orderOf(e))
	if err != nil {
		return err
	}
	defer leave()
	select {
	case s.turns <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	to.before = sync.OnceFunc(func() { <-s.turns })
	defer to.before()
	r := *s.runner
	return own.answered(ctx, s.target, &r, e)
}

// answers is where a caller's results are written. One who does not read them
// holds up nobody else, and not the end of the program.
type answers struct {
	Caller
	ctx    context.Context
	before func() // gives the turn back; nil where there is none
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
func orderOf(e envmap.Event) string {
	if e.Order != "" {
		return e.Order
	}
	return e.Domain
}

// orders keeps the events of an order one behind another.
type orders struct {
	mu   sync.Mutex
	busy map[string]*order
}

// order lets one event in at a time.
type order struct {
	turn  chan struct{}
	users int
}

// enter waits until no other event of the order is being run. leave lets the
// next one in. The error is the context's cause.
func (o *orders) enter(ctx context.Context, name string) (leave func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	one := o.join(name)
	select {
	case one.turn <- struct{}{}:
		return func() { <-one.turn; o.left(name, one) }, nil
	case <-ctx.Done():
		o.left(name, one)
		return nil, context.Cause(ctx)
	}
}

func (o *orders) join(name string) *order {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy == nil {
		o.busy = map[string]*order{}
	}
	one := o.busy[name]
	if one == nil {
		one = &order{turn: make(chan struct{}, 1)}
		o.busy[name] = one
	}
	one.users++
	return one
}

func (o *orders) left(name string, one *order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(o.busy, name)
	}
}
