package runner

import (
	"errors"
	"slices"
	"time"
)

// A program that stays is given events ahead of its answers where Runner.Pause
// lets others go on meanwhile. All of them are run by one goroutine.

// trusted is how many events a program has to answer one at a time before: it is
// known by then that it prints a line for each.
const trusted = 100

// isTrusted tells whether it may be given events ahead of its answers.
func (c *coprocess) isTrusted() bool { return !c.lost && c.answered >= trusted }

// join puts an event behind those of its line that are under way; leave takes it
// out.
func (t *turn) join() (leave func()) {
	if t.pause == nil {
		return func() {}
	}
	p := t.pool
	if p.queues == nil {
		p.queues = map[string][]*turn{}
	}
	p.queues[t.line] = append(p.queues[t.line], t)
	return func() {
		p.queues[t.line] = slices.DeleteFunc(p.queues[t.line], func(other *turn) bool { return other == t })
	}
}

// isFirst tells whether all events before it have ended.
func (t *turn) isFirst() bool { return t.pool.queues[t.line][0] == t }

// awaitPlace lets others go on until the event can be given to a program: the one
// that has the event before it, or any where there is none before it.
func (t *turn) awaitPlace() {
	for t.pause != nil && !t.isFirst() && !t.canFollow() {
		t.pause()
	}
}

func (t *turn) canFollow() bool {
	queue := t.pool.queues[t.line]
	before := queue[slices.Index(queue, t)-1]
	return before.given != nil && before.given.isTrusted()
}

// letOthers has others go on until all that the program was given before are
// answered, or it is lost. They may be given to it, too.
func (t *turn) letOthers(c *coprocess) {
	t.given = c
	t.pool.put(t.line, c)
	for t.pause(); !t.isFirst(); t.pause() {
	}
	t.pool.withdraw(t.line, c)
	t.until = time.Now().Add(t.timeout)
}

// withdraw takes a program that was put back, and not taken since.
func (p *Pool) withdraw(line string, c *coprocess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle[line] = slices.DeleteFunc(p.idle[line], func(other *coprocess) bool { return other == c })
}

// errNotBegun says that a program was lost before it began the event.
var errNotBegun = errors.New("not begun")

// left says what became of an event that was given to a program which was lost
// with one before it.
func (t *turn) left(c *coprocess) error {
	t.given = nil
	if c.begun(t.text) {
		return &EndedError{End: c.end()}
	}
	return errNotBegun
}
