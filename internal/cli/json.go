package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const jsonUsage = `Usage: extauth-json [OPTION]... run [--] [HANDLER [ARG]...]
       extauth-json [OPTION]... exec [--] CLIENT [ARG]...
       extauth-json [OPTION]... replay FILE [--] [HANDLER [ARG]...]

run reads events on standard input, one JSON object a line as
certbot-external-auth wrote them, runs each, and writes a line with its result.
With --to json and no HANDLER it checks every line and writes it again in
canonical form.

  extauth-dehydrated --to json "$@" | extauth-json --to certbot run -- /etc/le/hook.sh

exec starts an ACME client and writes what it asks of its hooks, as the plugin
did: behind each perform_challenge it waits for a line on standard input. What
the client itself prints goes to standard error.

  extauth-json exec -- certbot certonly --preferred-challenges dns -d example.org

replay runs the calls of a file that --trace wrote once more, as run does, with a
journal of its own unless --state-dir names one, and says which ended otherwise
than they did. exec gives --trace to the hooks of the client.

  extauth-json --dry-run -c /etc/extauth/chain replay calls.jsonl

      --ack              run: answer as the plugin's callers did, with an empty line
                         for each perform_challenge; stop at the first failure
      --jobs N           run: events of different orders at the same time, up to N
                         (1, with --listen 64); each result line as its event ends
      --listen ADDRESS   run: serve many clients, at unix:PATH (a socket, or the one
                         that systemd passes) or fifo:DIRECTORY (named pipes)
      --socket-mode MODE permissions of what others connect to (0600)
      --socket-group GROUP
                         its group
      --client CLIENT    exec: whose hook options are added: certbot, dehydrated or
                         none (by the program's name)
      --from CONVENTION  replay: that of lines which do not tell theirs

` + optionsUsage

// linesOptions are extauth-json's own.
type linesOptions struct {
	ack    bool
	mute   bool // no line is answered
	jobs   jobCount
	listen *string
	socket SocketOptions
	client string
	from   string // convention of a trace's lines that do not tell theirs
}

// JSON is extauth-json, the front end of pipelines.
func JSON(io IO, listen Listen) int {
	f := newFront(io, "extauth-json", jsonUsage, "json")
	worst := 0
	err := f.work(func() (err error) {
		worst, err = f.json(listen)
		return err
	})
	return max(f.finish(err), worst)
}

// json returns the worst status of a line, or the client's; its error is about
// the whole.
func (f *front) json(listen Listen) (worst int, err error) {
	set := f.flags()
	f.linesFlags(set)
	operand, words, err := f.operandsOf(set)
	if errors.Is(err, errDone) {
		return 0, nil
	}
	if err == nil {
		err = f.checkOperand(set, operand)
	}
	switch {
	case err != nil:
		return 0, err
	case operand == "exec":
		return f.exec(listen, words)
	case operand == "replay":
		return f.replay(words, func(args []string) ([]string, error) {
			err := f.parse(set, args)
			return set.Args(), errors.Join(err, f.checkOperand(set, operand))
		})
	}
	return f.runLines(listen, words)
}

func (f *front) linesFlags(set *getopt.Set) {
	set.Bool(&f.lines.ack, "", "ack")
	set.Func("listen", "", func(address string) error { f.lines.listen = &address; return nil })
	set.Var(&f.lines.jobs, "", "jobs")
	f.lines.socket.Mode = 0o600
	set.Var(&f.lines.socket.Mode, "", "socket-mode")
	set.String(&f.lines.socket.Group, "", "socket-group")
	set.String(&f.lines.client, "", "client")
	set.String(&f.lines.from, "", "from")
}

// checkOperand refuses options that are not the command's.
func (f *front) checkOperand(set *getopt.Set, operand string) error {
	others := map[string][]string{
		"run":    {"client", "from"},
		"exec":   {"ack", "jobs", "listen", "socket-mode", "socket-group", "t", "to", "c", "chain", "e", "env-file", "n", "dry-run", "from"},
		"replay": {"ack", "jobs", "listen", "socket-mode", "socket-group", "client", "trace"},
	}
	foreign, known := others[operand]
	if !known {
		return &usageError{fmt.Sprintf("%q is no command; there are run, exec and replay", operand)}
	}
	for _, name := range foreign {
		if set.Has(name) {
			return &usageError{fmt.Sprintf("%s is no option of %s", getopt.Dashed(name), operand)}
		}
	}
	if f.lines.listen != nil && (f.lines.ack || f.options.dryRun) {
		return &usageError{"--listen excludes --ack and --dry-run"}
	}
	if f.lines.ack && f.lines.jobs > 1 {
		return &usageError{"--ack excludes --jobs: its answers do not say what they are for"}
	}
	if f.lines.listen == nil && (set.Has("socket-mode") || set.Has("socket-group")) {
		return &usageError{"--socket-mode and --socket-group are for --listen"}
	}
	return nil
}

// runLines is the command run.
func (f *front) runLines(listen Listen, words []string) (worst int, err error) {
	t, err := f.target(words)
	switch {
	case err != nil:
		return 0, err
	case t.prints && f.options.trace != "":
		return 0, &usageError{"--to json without a HANDLER calls nobody; --trace needs a HANDLER or a chain"}
	case t.prints && (f.lines.listen != nil || f.lines.ack):
		return 0, &usageError{"--to json without a HANDLER answers nobody; --listen and --ack need a HANDLER or a chain"}
	case t.prints:
		f.lines.mute = true
		return f.newRelay().run()
	case f.options.dryRun:
		f.lines.mute = true
		return f.eachLine(context.Background(), func(e envmap.Event) error { return f.run([]envmap.Event{e}, words) })
	}
	if err := t.locate(); err != nil {
		return 0, err
	}
	runner.Unblock(f.Args, f.Environ)
	if err := f.record(); err != nil {
		return 0, err
	}
	f.recorder.heed(t.chain)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	r, err := f.runner(t)
	if err != nil {
		return 0, err
	}
	r.Kept = &runner.Pool{}
	defer r.Kept.Close()
	switch {
	case f.lines.listen != nil:
		return 0, f.listen(ctx, listen, t, r)
	case f.lines.ack:
		return f.acknowledge(ctx, t, r)
	case f.lines.jobs > 1:
		return f.inParallel(ctx, func(ctx context.Context, own *front, e envmap.Event) error {
			one := *r
			return own.answered(ctx, t, &one, e)
		})
	case len(t.chain) == 1 && t.chain[0].Persist:
		return f.aheadOfAnswers(ctx, r, func(own *front, r *runner.Runner, e envmap.Event) error { return own.answered(ctx, t, r, e) })
	}
	return f.eachLine(ctx, func(e envmap.Event) error { return f.answered(ctx, t, r, e) })
}

// answered runs one event and writes its result.
func (f *front) answered(ctx context.Context, t *target, r *runner.Runner, e envmap.Event) (err error) {
	call := f.recorder.beginEvent(e)
	defer func() { call.end(exitOf(err), err) }()
	return f.answeredAll(ctx, t, r, []envmap.Event{withFileTimes(e)})
}

// answeredAll runs the events of one call and writes the result of each.
func (f *front) answeredAll(ctx context.Context, t *target, r *runner.Runner, events []envmap.Event) error {
	r.Deliver = func(ctx context.Context, output []byte) error {
		f.awaitTurn()
		return f.deliver(ctx, results(events, output, nil))
	}
	err := f.expressible(t, events)
	if err == nil {
		err = r.Run(ctx, events)
	}
	if err != nil && !fatal(err) {
		f.awaitTurn()
		err = errors.Join(err, f.write(results(events, nil, err)))
	}
	return err
}

func (f *front) awaitTurn() {
	if f.inTurn != nil {
		f.inTurn()
	}
}
