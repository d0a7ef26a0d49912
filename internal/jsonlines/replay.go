package jsonlines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/hook"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// replayer runs the calls of a trace again.
type replayer struct {
	program *cli.Program
	from    string   // convention of lines that do not name one
	words   []string // HANDLER and its arguments
	target  *cli.Target
	runner  *runner.Runner
	worst   int
	failed  bool // a call failed
}

// replay is the command replay: words are FILE, further options, and HANDLER,
// which may follow --.
func (c *command) replay(words []string) (worst int, err error) {
	if len(words) == 0 {
		return 0, cli.Usage("replay needs a FILE")
	}
	if err := errors.Join(c.program.Parse(c.flags, words[1:]), c.check("replay")); err != nil {
		return 0, err
	}
	p := &replayer{program: c.program, from: c.from, words: c.flags.Args()}
	if p.target, err = c.program.Target(p.words); err != nil {
		return 0, err
	}
	if err := p.target.Locate(); err != nil {
		return 0, err
	}
	if words[0] != "-" {
		file, err := os.Open(words[0])
		if err != nil {
			return 0, err
		}
		defer file.Close()
		c.program.Stdin = file
	}
	err = p.inOwnJournal()
	if p.failed {
		p.worst = cli.StatusFailed
	}
	return p.worst, err
}

// inOwnJournal replays with a journal of its own, unless --state-dir names one.
// It is kept if something is still performed.
func (p *replayer) inOwnJournal() error {
	state := &p.program.Options.StateDir
	own := *state == ""
	return p.program.Supervise(p.target, func(ctx context.Context, r *runner.Runner) (err error) {
		p.runner = r
		if own {
			if *state, err = os.MkdirTemp("", "extauth-replay-"); err != nil {
				return err
			}
			r.State = *state
			defer p.removeJournal()
		}
		return p.each(ctx)
	})
}

// each replays the calls.
func (p *replayer) each(ctx context.Context) error {
	s := newStream(p.program)
	return cli.ReadLines(ctx, p.program.Stdin, nil, func(number int, line []byte, err error) error {
		severity, err := s.report(number, p.line(ctx, number, line, err))
		p.worst = max(p.worst, severity)
		return err
	})
}

// removeJournal removes the journal, unless it has a record.
func (p *replayer) removeJournal() {
	state := p.program.Options.StateDir
	left, err := p.runner.Leftovers()
	if len(left) == 0 && err == nil {
		_ = os.RemoveAll(state)
		return
	}
	p.program.Warn("left performed: " + commandline.Quote("extauth-pending", "--state-dir", state, "clean") + " cleans it up")
}

// line replays one line. Its error is only about the line.
func (p *replayer) line(ctx context.Context, number int, line []byte, err error) error {
	var t envmap.Trace
	if err == nil {
		t, err = envmap.ParseTrace(line)
	}
	if err != nil {
		return cli.Refused(err)
	}
	name := cmp.Or(t.From, p.from)
	c, known := envmap.Lookup(name)
	switch {
	case name == "":
		return &stopError{cli.Usage("does not name a convention; --from does")}
	case !known || c.From.Decode == nil:
		return &stopError{cli.Usage("no client speaks a convention %q", name)}
	}
	program := *p.program
	program.Client = c.Name
	again := &replay{program: &program, words: p.words, target: p.target, runner: p.runner, convention: c, trace: &t}
	return p.judge(number, again, again.run(ctx))
}

// replay is the replay of one call.
type replay struct {
	program    *cli.Program // as the client's front end
	words      []string
	target     *cli.Target
	runner     *runner.Runner
	convention *envmap.Convention
	trace      *envmap.Trace
}

// run passes the call's events to the handlers as its front end did.
func (r *replay) run(ctx context.Context) error {
	args := operandsOf(r.convention, r.trace)
	events, err := r.convention.Decode(envmap.Call{Args: args, Env: r.environment(), Stdin: r.trace.Call.Stdin})
	if err == nil && len(events) > 0 {
		return r.handle(ctx, events)
	}
	dehydrated := r.convention.Name == "dehydrated"
	switch {
	case err == nil, dehydrated && is[*envmap.OperationError](err):
		return nil // every hook ignores it
	case r.trace.From == "" && (is[*envmap.CallError](err) || is[*envmap.OperationError](err)):
		return &skippedCall{err} // not one of the convention's hooks
	case dehydrated && len(args) > 0:
		if err = hook.Refuse(r.program, r.words, args[0], err); err == nil {
			return nil
		}
	}
	if r.runs() {
		err = errors.Join(err, r.program.Write(result(envmap.Event{}, nil, err)))
	}
	return err
}

func (r *replay) handle(ctx context.Context, events []envmap.Event) error {
	cli.SetFileTimes(events)
	switch {
	case r.target.Prints:
		return r.program.WriteEvents(events)
	case r.program.Options.DryRun:
		return r.program.DryRun(r.target, events)
	}
	own := *r.runner
	a := &responder{stream: newStream(r.program), target: r.target, runner: &own}
	return a.answerCall(ctx, events)
}

// runs reports whether handlers are run, and results written.
func (r *replay) runs() bool { return !r.target.Prints && !r.program.Options.DryRun }

// environment returns that of the call: this process's environment without
// variables of conventions, and the recorded variables.
func (r *replay) environment() map[string]string {
	env := map[string]string{}
	for name, value := range r.program.Env {
		if !envmap.Owned(name) {
			env[name] = value
		}
	}
	maps.Copy(env, r.trace.Call.Env)
	return env
}

// skippedCall is a recorded call that does not belong to its convention.
type skippedCall struct{ err error }

func (e *skippedCall) Error() string { return "passed over: " + e.err.Error() }

// judge reports a call that ended differently from the recorded one. The exit
// status in a line of a recorder is that of a hook, of which only 0 has a
// meaning.
func (p *replayer) judge(number int, r *replay, err error) error {
	if is[*skippedCall](err) {
		p.program.Warn(fmt.Sprintf("line %d: %v", number, err))
		return nil
	}
	now, t := cli.ExitStatus(err), r.trace
	if hook.Declined(r.convention, err) {
		now, err = r.convention.From.Declines, nil
	}
	p.failed = p.failed || err != nil
	if r.runs() && t.Exit != nil && *t.Exit != now && (t.From != "" || (*t.Exit == 0) != (now == 0)) {
		p.program.Warn(fmt.Sprintf("line %d: ended with %d, and with %d when it was recorded", number, now, *t.Exit))
	}
	return err
}

// operandsOf returns the operands for the client's front end. A recorder's
// hooks are named after the word for which a front end takes them (auth-fail,
// dns_add, runhook, renewal-hooks/deploy/50-reload), if the convention has
// words.
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
			return []string{word} // the rest are the user's words
		}
	}
	return t.Call.Args
}

// isOperand reports whether a word names one of a client's hooks.
func isOperand(c *envmap.Convention, word string) bool {
	for _, operand := range c.To.Operands {
		if operand == word {
			return true
		}
	}
	return false
}
