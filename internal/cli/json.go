package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const jsonUsage = `Usage: extauth-json [OPTION]... run [--] [HANDLER [ARG]...]

Reads events on standard input, one JSON object a line as certbot-external-auth
wrote them, runs each, and writes a line with its result. With --to json and no
HANDLER it checks every line and writes it again in canonical form.

  extauth-dehydrated --to json "$@" | extauth-json --to certbot run -- /etc/le/hook.sh

` + optionsUsage

// maxLine is the longest line that is read, in bytes without its line feed.
const maxLine = 1 << 20

// JSON is extauth-json, the front end of pipelines.
func JSON(io IO) int {
	f := newFront(io, "extauth-json", jsonUsage, "json")
	worst := 0
	err := f.work(func() (err error) {
		worst, err = f.json()
		return err
	})
	return max(f.finish(err), worst)
}

// json returns the worst status of a line; its error is about the whole.
func (f *front) json() (worst int, err error) {
	operand, words, err := f.operands()
	if errors.Is(err, errDone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if operand != "run" {
		return 0, &usageError{fmt.Sprintf("%q is no command; there is run", operand)}
	}
	t, err := f.target(words)
	if err != nil {
		return 0, err
	}
	if t.prints || f.options.dryRun {
		return f.eachLine(context.Background(), func(e envmap.Event) error { return f.run([]envmap.Event{e}, words) })
	}
	return f.supervised(t)
}

// supervised runs every line under the runner and answers each.
func (f *front) supervised(t *target) (worst int, err error) {
	if err := t.locate(); err != nil {
		return 0, err
	}
	runner.Unblock(f.Args, f.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	r, err := f.runner(t)
	if err != nil {
		return 0, err
	}
	return f.eachLine(ctx, func(e envmap.Event) error { return f.answered(ctx, t, r, e) })
}

// answered runs one event and writes its result.
func (f *front) answered(ctx context.Context, t *target, r *runner.Runner, e envmap.Event) error {
	e = withFileTimes(e)
	r.Deliver = func(output []byte) error { return f.write(result(e, output, nil)) }
	err := f.expressible(t, []envmap.Event{e})
	if err == nil {
		err = r.Run(ctx, []envmap.Event{e})
	}
	if err != nil && !fatal(err) {
		err = errors.Join(err, f.write(result(e, nil, err)))
	}
	return err
}

// fatal tells whether no further line can be served.
func fatal(err error) bool {
	return is[*outputError](err) || is[*runner.SignalError](err)
}

// eachLine decodes line after line. A line that is refused, or that fails, is
// reported and does not keep the next from being served.
func (f *front) eachLine(ctx context.Context, serve func(envmap.Event) error) (worst int, err error) {
	lines := bufio.NewReaderSize(f.Stdin, maxLine+2)
	for number := 1; ; number++ {
		line, err := awaitLine(ctx, lines)
		if ctx.Err() != nil {
			return worst, context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return worst, nil
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err == nil {
			err = f.serveLine(line, serve)
		} else {
			err = f.refuseLine(err)
		}
		if fatal(err) {
			return worst, err
		}
		if err != nil {
			f.warn(fmt.Sprintf("line %d: %v", number, err))
			worst = max(worst, status(err))
		}
	}
}

func (f *front) serveLine(line []byte, serve func(envmap.Event) error) error {
	convention, _ := envmap.Lookup(f.client)
	events, err := convention.Decode(envmap.Call{Stdin: line, Env: f.env})
	if err != nil {
		return f.refuseLine(&refusal{err})
	}
	return serve(events[0])
}

// refuseLine answers a line that was not understood, where lines are answered.
func (f *front) refuseLine(err error) error {
	if f.options.to == "json" || f.options.dryRun {
		return err
	}
	return errors.Join(err, f.write(result(envmap.Event{}, nil, err)))
}

// awaitLine is readLine, but for a signal: it ends a program also while that
// waits for its client.
func awaitLine(ctx context.Context, r *bufio.Reader) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := readLine(r)
		read <- result{line, err}
	}()
	select {
	case got := <-read:
		return got.line, got.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readLine reads a line without its line feed. One that is too long is read to
// its end and refused; one that the input ends in is refused, even where it is
// whole by chance.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case err == nil && len(line) <= maxLine+1:
		return bytes.TrimSuffix(line, []byte("\n")), nil
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF):
		return nil, &refusal{errors.New("input ends inside of it")}
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, &refusal{fmt.Errorf("is longer than %d bytes", maxLine)}
}
