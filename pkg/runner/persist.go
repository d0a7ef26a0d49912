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

// persist gives an event to a program that waits for one, or starts one. If the
// program ends before it has read any of the event, the event is given to another:
// it is done once, or not at all.
func (c *call) persist(ctx context.Context, h *Handler, e envmap.Event, event []byte, timeout time.Duration) (process.Result, error) {
	started := time.Now()
	for starts := 0; ; {
		program, waited, err := c.next(ctx, h, e)
		if err != nil {
			return process.Result{}, err
		}
		if !waited {
			starts++
		}
		output, err := c.exchange(ctx, program, h, e, event, timeout)
		if ended := new(process.EndedError); errors.As(err, &ended) && ended.Unread && starts < maxStarts {
			continue
		}
		return process.Result{Stdout: output, Duration: time.Since(started)}, err
	}
}

// next is a program that waits for an event, or a fresh one.
func (c *call) next(ctx context.Context, h *Handler, e envmap.Event) (program *coprocess, waited bool, err error) {
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	for program := c.pool.take(lineOf(h)); program != nil; program = c.pool.take(lineOf(h)) {
		switch {
		case !program.Ready():
			continue // it has ended
		case maps.Equal(program.variables, c.variables(h)):
			return program, true, nil
		}
		program.Close()
	}
	p := c.program(h, e)
	p.Env = process.Environment(c.Environ, c.variables(h)) // the line says what differs from event to event
	started, err := process.StartCoprocess(p, func(message string) { c.warn(h.Name(e.Cmd) + ": " + message) })
	if err != nil {
		return nil, false, err
	}
	return &coprocess{started, c.variables(h)}, false, nil
}

// exchange has a program answer an event. One that did is kept; another has ended
// by then.
func (c *call) exchange(ctx context.Context, program *coprocess, h *Handler, e envmap.Event, event []byte, timeout time.Duration) ([]byte, error) {
	answer, err := program.Exchange(ctx, event, timeout)
	if unlike := new(process.ProtocolError); errors.As(err, &unlike) {
		return nil, &endpoint.AnswerError{Reason: unlike.Reason}
	}
	if err != nil {
		return nil, err
	}
	result, err := resultOf(answer, e)
	if err != nil {
		program.Stop()
		return nil, err
	}
	c.pool.put(lineOf(h), program)
	output, err := endpoint.Printed(result)
	if refused := new(endpoint.AnswerError); errors.As(err, &refused) { // it knows credentials
		err = &endpoint.AnswerError{Reason: envfile.Redactor(c.variables(h))(refused.Reason)}
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
