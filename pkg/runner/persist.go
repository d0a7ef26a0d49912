package runner

import (
	"context"
	"errors"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// Pool is what one run has for all of its events: the programs of lines with
// persist=yes, the journal's directory, and a count of the calls of lines with
// limit=. Its zero value is
// ready for use, by several goroutines at once. Without one (nil) a program is
// started for each event, and ended behind it.
type Pool struct {
	mu     sync.Mutex
	idle   map[string][]*coprocess // by line; the last is the one that was used last
	queues map[string][]*turn      // by line; see turn.join
	zones  map[zone]chan struct{}
	closed bool

	begin     sync.Once
	directory directory // of the journal
}

// zone is a line, and how many calls of it there may be at once.
type zone struct{ line, limit int }

// Close ends the programs: their standard input ends, and one that does not
// follow within its grace gets SIGTERM, and SIGKILL. It returns when all have
// ended. A program that is still at work then is ended behind its event.
func (p *Pool) Close() {
	var ending sync.WaitGroup
	for _, c := range p.empty() {
		ending.Add(1)
		go func() {
			defer ending.Done()
			c.dismiss()
		}()
	}
	ending.Wait()
	p.directory.close()
}

func (p *Pool) empty() (all []*coprocess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, idle := range p.idle {
		all = append(all, idle...)
	}
	p.idle, p.closed = nil, true
	return all
}

// enter waits until fewer calls of the handler are being made than its limit=
// has. leave makes room for the next. The error is the context's cause.
func (p *Pool) enter(ctx context.Context, h Handler) (leave func(), err error) {
	if p == nil || h.Limit == 0 {
		return func() {}, nil
	}
	calls := p.calls(zone{h.Line, h.Limit})
	select {
	case calls <- struct{}{}:
		return func() { <-calls }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *Pool) calls(at zone) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.zones == nil {
		p.zones = map[zone]chan struct{}{}
	}
	if p.zones[at] == nil {
		p.zones[at] = make(chan struct{}, at.limit)
	}
	return p.zones[at]
}

// take returns a program that waits for the line's next event, or nil.
func (p *Pool) take(line string) *coprocess {
	if p == nil {
		return nil
	}
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
func (p *Pool) put(line string, c *coprocess) {
	if p == nil || !p.keep(line, c) {
		c.dismiss()
	}
}

func (p *Pool) keep(line string, c *coprocess) bool {
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

// turn is one event for a program that stays. It is a worker.
type turn struct {
	pool      *Pool
	line      string // the handler's name in the pool
	cmd       envmap.Cmd
	domain    string
	text      []byte            // the event's line
	variables map[string]string // of the handler's env files
	timeout   time.Duration
	until     time.Time       // how long the answer is waited for
	program   func() *process // what is started where none waits
	pause     func()          // see Runner.Pause
	given     *coprocess      // that has the event behind others
	warn      func(string)
}

// turn is an event of a handler with persist=yes. What differs from event to
// event is in no variable: the line says it.
func (c *call) turn(h Handler, e envmap.Event, encoded *envmap.Call) *turn {
	variables := c.env[strings.Join(h.EnvFiles, "\x00")]
	return &turn{
		pool: c.Kept, line: h.identity(), cmd: e.Cmd, domain: e.Domain, text: encoded.Stdin, variables: variables,
		timeout: firstSet(h.Timeout, c.Timeout, DefaultTimeout), pause: c.Pause,
		warn: func(message string) { c.Warn(h.name(e) + ": " + message) },
		program: func() *process {
			return &process{
				argv: h.argv(e.Cmd), env: Environment(c.Environ, variables), user: h.User,
				grace: firstSet(c.Grace, DefaultGrace), stderr: c.stderr(h, e),
			}
		},
	}
}

// identity tells lines apart, also those of a chain file that was changed since
// the journal was written.
func (h *Handler) identity() string {
	words := append([]string{strconv.Itoa(h.Line), h.User, strings.Join(h.EnvFiles, "\x00")}, h.Command...)
	return strings.Join(words, "\x00")
}

// maxStarts is how often a program is started for an event that it ends without
// reading.
const maxStarts = 3

// run gives the event to a program that waits for one, or starts one. Where one
// ended that had read nothing of the event, it is given to another: it is done
// once, or not at all. The error is a *StartError, an *AnswerError, a
// *TimeoutError, an *EndedError or the context's cause.
func (t *turn) run(ctx context.Context) (outcome, error) {
	started := time.Now()
	t.until = started.Add(t.timeout)
	defer t.join()()
	for starts := 0; ; {
		t.awaitPlace()
		c, fresh, err := t.next(ctx)
		if err != nil {
			return outcome{}, err
		}
		if fresh {
			starts++
		}
		output, err := t.ask(ctx, c)
		if ended := new(EndedError); errors.Is(err, errNotBegun) || errors.As(err, &ended) && ended.Unread && starts < maxStarts {
			continue
		}
		return outcome{stdout: output, took: time.Since(started)}, err
	}
}

// next is a program that waits, or a fresh one.
func (t *turn) next(ctx context.Context) (c *coprocess, fresh bool, err error) {
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	for c := t.pool.take(t.line); c != nil; c = t.pool.take(t.line) {
		switch {
		case c.owed > 0 && !maps.Equal(c.variables, t.variables):
			t.pool.put(t.line, c) // it is replaced when it has nothing more to do
			t.pause()
		case c.owed > 0 || t.fits(c):
			return c, false, nil
		}
	}
	c, err = startCoprocess(t.program(), t.variables, t.warn)
	return c, true, err
}

// fits tells whether a program that waited can be given the event. It has ended
// otherwise.
func (t *turn) fits(c *coprocess) bool {
	gone, spoken := c.waited()
	switch {
	case spoken:
		t.warn("printed what it was not asked for; it is started again")
		c.stop(0)
	case gone && !c.endsWithin(c.grace):
		t.warn("closed a pipe while it waited; it is started again")
		c.stop(0)
	case gone:
		if end := c.end(); end.Status != 0 {
			t.warn("ended while it waited: " + end.Error() + "; it is started again")
		}
	case !maps.Equal(c.variables, t.variables):
		c.dismiss()
		return false
	default:
		return true
	}
	c.release()
	return false
}

// ask has one program answer the event. One that did is kept; another has ended
// when ask returns.
func (t *turn) ask(ctx context.Context, c *coprocess) ([]byte, error) {
	c.give(t.text)
	if t.pause != nil && c.isTrusted() {
		t.letOthers(c)
	}
	if c.lost {
		return nil, t.left(c)
	}
	line, err := c.receive(ctx, t.until)
	var told envmap.Result
	if err == nil {
		told, err = t.understand(line)
	}
	if err != nil {
		return nil, t.lost(ctx, c, err)
	}
	c.settle(t.text)
	c.answered++
	t.pool.put(t.line, c)
	output, err := printed(told)
	if refused := new(AnswerError); errors.As(err, &refused) { // it knows credentials
		err = &AnswerError{redactor(t.variables)(refused.Reason)}
	}
	return capped(output), err
}

// understand reads an answer: a result line, or an empty one of a program that
// has nothing to say.
func (t *turn) understand(line []byte) (envmap.Result, error) {
	if string(line) == "\n" {
		return envmap.Result{OK: true}, nil
	}
	return parseResult(line, t.cmd, t.domain)
}

// lost ends a program that did not answer as it should, and says what is known
// of the event.
func (t *turn) lost(ctx context.Context, c *coprocess, err error) error {
	broken := errors.As(err, new(*AnswerError))
	defer c.release()
	defer func() { c.lose(t.text, broken) }()
	switch late := errors.Is(err, os.ErrDeadlineExceeded) && !c.hasEnded(); {
	case late && ctx.Err() != nil:
		err = context.Cause(ctx)
	case late:
		err = &TimeoutError{t.timeout}
	case !broken:
		c.stop(c.grace)
		c.signal(syscall.SIGKILL) // to what it left behind: nobody else may do the event
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &EndedError{c.unread(), c.end()}
	}
	c.stop(0)
	return err
}
