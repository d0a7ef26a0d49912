package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// replayer runs the calls of a trace again.
type replayer struct {
	*front
	words  []string // HANDLER and its arguments
	target *target
	runner *runner.Runner
	failed bool // a call could not be done
}

// replay is the command replay: words are FILE, further options, and the HANDLER
// behind them or behind --.
func (f *front) replay(words []string, parse func([]string) ([]string, error)) (worst int, err error) {
	if len(words) == 0 {
		return 0, &usageError{"replay needs a FILE"}
	}
	p := &replayer{front: f}
	if p.words, err = parse(words[1:]); errors.Is(err, errDone) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	if p.target, err = f.target(p.words); err != nil {
		return 0, err
	}
	if err := p.target.locate(); err != nil {
		return 0, err
	}
	if words[0] == "-" {
		return p.inOwnJournal()
	}
	file, err := os.Open(words[0])
	if err != nil {
		return 0, err
	}
	defer file.Close()
	f.Stdin = file
	return p.inOwnJournal()
}

// inOwnJournal replays with a journal that is not the one of real challenges,
// unless --state-dir names one. It stays where something is left performed.
func (p *replayer) inOwnJournal() (worst int, err error) {
	runner.Unblock(p.Args, p.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	own := p.options.stateDir == ""
	if own {
		if p.options.stateDir, err = os.MkdirTemp("", "extauth-replay-"); err != nil {
			return 0, err
		}
	}
	if p.runner, err = p.front.runner(p.target); err != nil {
		return 0, err
	}
	if own {
		defer p.tidy()
	}
	return p.eachCall(ctx)
}

// eachCall replays the calls, with the programs of lines with persist=yes kept
// between them.
func (p *replayer) eachCall(ctx context.Context) (worst int, err error) {
	p.runner.Kept = &runner.Pool{}
	defer p.runner.Kept.Close()
	err = p.readLines(ctx, nil, func(number int, line []byte, err error) error {
		severity, err := p.report(number, p.line(ctx, number, line, err))
		worst = max(worst, severity)
		return err
	})
	if p.failed {
		worst = statusFailed
	}
	return worst, err
}

// tidy removes the journal, unless something is in it.
func (p *replayer) tidy() {
	left, err := p.runner.Leftovers()
	if len(left) == 0 && err == nil {
		_ = os.RemoveAll(p.options.stateDir)
		return
	}
	p.warn("left performed: " + runner.Quote([]string{"extauth-pending", "--state-dir", p.options.stateDir, "clean"}) + " cleans it up")
}

// line replays one line. Its error is about the line alone.
func (p *replayer) line(ctx context.Context, number int, line []byte, err error) error {
	var t envmap.Trace
	if err == nil {
		t, err = envmap.ParseTrace(line)
	}
	if err != nil {
		return &refusal{err}
	}
	name := t.From
	if name == "" {
		name = p.lines.from
	}
	c, known := envmap.Lookup(name)
	switch {
	case name == "":
		return &stopError{&usageError{"does not tell whose convention it is; --from says it"}}
	case !known || c.From.Decode == nil:
		return &stopError{&usageError{fmt.Sprintf("no client speaks a convention %q", name)}}
	}
	own := &replayer{front: p.as(c), words: p.words, target: p.target, runner: p.runner}
	err = own.again(ctx, c, &t)
	return p.judge(number, c, &t, err)
}

// as is the front end of a client.
func (f *front) as(c *envmap.Convention) *front {
	own := *f
	own.client = c.Name
	own.abandons = c.From.Abandons
	own.strict = c.From.Strict
	return &own
}

// again brings a call's events to the handlers as its front end did.
func (p *replayer) again(ctx context.Context, c *envmap.Convention, t *envmap.Trace) error {
	args := operandsOf(c, t)
	events, err := c.Decode(envmap.Call{Args: args, Env: p.environmentOf(t), Stdin: t.Call.Stdin})
	switch {
	case c.Name == "dehydrated" && is[*envmap.OperationError](err), err == nil && len(events) == 0:
		return nil // what every hook lets pass
	case err != nil && t.From == "" && (is[*envmap.CallError](err) || is[*envmap.OperationError](err)):
		return &passedOver{err} // recorded beside the hooks of the convention
	case err != nil && c.Name == "dehydrated" && len(args) > 0:
		err = p.refuse(err, args[0], p.words)
	}
	for i := range events {
		events[i] = withFileTimes(events[i])
	}
	switch {
	case err != nil:
		return errors.Join(err, p.say(result(envmap.Event{}, nil, err)))
	case p.target.prints:
		return p.print(events)
	case p.options.dryRun:
		return p.dryRun(p.target, events)
	}
	r := *p.runner
	r.Abandons = p.abandons
	return p.answeredAll(ctx, p.target, &r, events)
}

// say writes a result, where results are written.
func (p *replayer) say(line []byte) error {
	if p.target.prints || p.options.dryRun {
		return nil
	}
	return p.write(line)
}

// environmentOf is the environment of a call: that of this process in place of
// the client's, but for what conventions own, and what was recorded.
func (p *replayer) environmentOf(t *envmap.Trace) map[string]string {
	env := map[string]string{}
	for name, value := range p.env {
		if !envmap.Owned(name) {
			env[name] = value
		}
	}
	for name, value := range t.Call.Env {
		env[name] = value
	}
	return env
}

// passedOver is a recorded call that is none of its convention's.
type passedOver struct{ err error }

func (e *passedOver) Error() string { return "passed over: " + e.err.Error() }

// judge says where a call ended otherwise than it did when it was recorded. Of a
// recorder's line, the exit status is a hook's own, of which 0 alone has a meaning.
func (p *replayer) judge(number int, c *envmap.Convention, t *envmap.Trace, err error) error {
	if is[*passedOver](err) {
		p.warn(fmt.Sprintf("line %d: %v", number, err))
		return nil
	}
	now := exitOf(err)
	if c.From.Declines != 0 && isForOthers(err) {
		now, err = c.From.Declines, nil
	}
	p.failed = p.failed || err != nil
	ran := !p.target.prints && !p.options.dryRun
	if ran && t.Exit != nil && *t.Exit != now && (t.From != "" || (*t.Exit == 0) != (now == 0)) {
		p.warn(fmt.Sprintf("line %d: ended with %d, and with %d when it was recorded", number, now, *t.Exit))
	}
	return err
}

// operandsOf are the operands that a client's front end is given. A recorder's
// hooks are named after the word for which a front end takes them (auth-fail,
// dns_add, runhook, renewal-hooks/deploy/50-reload), where a convention has words.
func operandsOf(c *envmap.Convention, t *envmap.Trace) []string {
	if t.From != "" {
		return t.Call.Args
	}
	name, directory := filepath.Base(t.Program), filepath.Base(filepath.Dir(t.Program))
	if word, hook := strings.CutSuffix(name, "hook"); hook && c.Name == "lego" {
		return []string{word}
	}
	name, _, _ = strings.Cut(name, "-")
	word, isDNS := strings.CutPrefix(name, "dns_")
	for _, word := range []string{word, directory} {
		switch {
		case !isOperand(c, word):
		case isDNS:
			return append([]string{word}, t.Call.Args...)
		default:
			return []string{word} // the rest are its user's words
		}
	}
	return t.Call.Args
}

// isOperand tells whether a word says which of a client's hooks is meant.
func isOperand(c *envmap.Convention, word string) bool {
	for _, operand := range c.To.Operands {
		if operand == word {
			return true
		}
	}
	return false
}
