package runner

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// pool has the programs of lines with persist=yes that wait for an event, and
// counts the calls of lines with limit=. Its zero value is ready for use, by
// several goroutines at once.
type pool struct {
	settled sync.Once

	mu     sync.Mutex
	idle   map[string][]*coprocess  // by line; the last is the one that was used last
	calls  map[string]chan struct{} // by line, with room for as many calls as its limit allows
	closed bool
}

// coprocess is a program that stays, started with the variables of its env files.
type coprocess struct {
	*process.Coprocess
	variables map[string]string
}

// close ends the programs, and returns when all that wait have ended. One that is
// still at work ends after its event.
func (p *pool) close() {
	var ending sync.WaitGroup
	for _, c := range p.empty() {
		ending.Add(1)
		go func() {
			defer ending.Done()
			c.Close()
		}()
	}
	ending.Wait()
}

func (p *pool) empty() (all []*coprocess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, idle := range p.idle {
		all = append(all, idle...)
	}
	p.idle, p.closed = nil, true
	return all
}

// enter waits until fewer calls of the handler are being made than its limit=
// allows. leave makes room for the next. The error is the context's cause.
func (p *pool) enter(ctx context.Context, h *Handler) (leave func(), err error) {
	if h.Limit == 0 {
		return func() {}, nil
	}
	calls := p.callsOf(h)
	select {
	case calls <- struct{}{}:
		return func() { <-calls }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pool) callsOf(h *Handler) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls = map[string]chan struct{}{}
	}
	line := strconv.Itoa(h.Line) + " " + strconv.Itoa(h.Limit)
	if p.calls[line] == nil {
		p.calls[line] = make(chan struct{}, h.Limit)
	}
	return p.calls[line]
}

// take returns a program that waits for the line's next event, or nil.
func (p *pool) take(line string) *coprocess {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle[line]
	if len(idle) == 0 {
		return nil
	}
	c := idle[len(idle)-1]
	p.idle[line] = idle[:len(idle)-1]
	return c
}

// put keeps a program that has answered, unless the run is over.
func (p *pool) put(line string, c *coprocess) {
	if !p.keep(line, c) {
		c.Close()
	}
}

func (p *pool) keep(line string, c *coprocess) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if p.idle == nil {
		p.idle = map[string][]*coprocess{}
	}
	p.idle[line] = append(p.idle[line], c)
	return true
}

// lineOf names a line, also one of a chain file that was changed since the journal
// was written.
func lineOf(h *Handler) string {
	words := append([]string{strconv.Itoa(h.Line), h.User, strings.Join(h.EnvFiles, "\x00")}, h.Command...)
	return strings.Join(words, "\x00")
}

// maxStarts is how often a program is started for an event that it ends without
// reading.
const maxStarts = 3

// persistent is one event for a program that stays.
type persistent struct {
	*call
	handler *Handler
	event   envmap.Event
	line    []byte // the event's
	timeout time.Duration
}

// run gives the event to a program that waits for one, or starts one. If the
// program ends before it has read any of the event, the event is given to another:
// it is done once, or not at all.
func (p *persistent) run(ctx context.Context) (process.Result, error) {
	started := time.Now()
	for starts := 0; ; {
		program, waited, err := p.next(ctx)
		if err != nil {
			return process.Result{}, err
		}
		if !waited {
			starts++
		}
		output, err := p.exchange(ctx, program)
		if ended := new(process.EndedError); errors.As(err, &ended) && ended.Unread && starts < maxStarts {
			continue
		}
		return process.Result{Stdout: output, Duration: time.Since(started)}, err
	}
}

// next returns a program that waits for an event, or a fresh one.
func (p *persistent) next(ctx context.Context) (program *coprocess, waited bool, err error) {
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	variables := p.variables(p.handler)
	for program := p.pool.take(lineOf(p.handler)); program != nil; program = p.pool.take(lineOf(p.handler)) {
		switch {
		case !program.Ready():
			continue // it has ended
		case maps.Equal(program.variables, variables):
			return program, true, nil
		}
		program.Close()
	}
	command := p.program(p.handler, p.event)
	command.Env = process.Environment(p.Environ, variables) // the line says what differs from event to event
	started, err := process.StartCoprocess(command, func(message string) { p.warn(p.handler.Name(p.event.Cmd) + ": " + message) })
	if err != nil {
		return nil, false, err
	}
	return &coprocess{started, variables}, false, nil
}

// exchange has a program answer the event. One that did is kept; another has ended
// by then.
func (p *persistent) exchange(ctx context.Context, program *coprocess) ([]byte, error) {
	answer, err := program.Exchange(ctx, p.line, p.timeout)
	if broken := new(process.ProtocolError); errors.As(err, &broken) {
		return nil, &endpoint.AnswerError{Reason: broken.Reason}
	}
	if err != nil {
		return nil, err
	}
	result, err := resultOf(answer, p.event)
	if err != nil {
		program.Stop()
		return nil, err
	}
	p.pool.put(lineOf(p.handler), program)
	output, err := endpoint.Printed(result)
	if refused := new(endpoint.AnswerError); errors.As(err, &refused) { // it knows credentials
		err = &endpoint.AnswerError{Reason: envfile.Redactor(p.variables(p.handler))(refused.Reason)}
	}
	if len(output) > process.MaxOutput {
		output = process.Clean(output[:process.MaxOutput], true)
	}
	return output, err
}

// resultOf reads an answer: a result line, or an empty one of a program that has
// nothing to say.
func resultOf(answer []byte, e envmap.Event) (envmap.Result, error) {
	if string(answer) == "\n" {
		return envmap.Result{OK: true}, nil
	}
	return endpoint.ReadResult(answer, e.Cmd, e.Domain)
}
