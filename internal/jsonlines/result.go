package jsonlines

import (
	"context"
	"errors"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// responder runs the events of a stream and writes their results.
type responder struct {
	stream *stream
	target *cli.Target
	runner *runner.Runner
}

// answer runs the one event of a line and writes its result.
func (a *responder) answer(ctx context.Context, events []envmap.Event) (err error) {
	recording := a.stream.recorder.BeginEvent(events[0])
	defer func() { recording.End(err) }()
	cli.SetFileTimes(events)
	return a.answerCall(ctx, events)
}

// answerCall runs the events of one call and writes the result of each.
func (a *responder) answerCall(ctx context.Context, events []envmap.Event) error {
	p, r := a.stream.program, *a.runner
	r.Deliver = func(ctx context.Context, output []byte) error {
		return p.Deliver(ctx, results(events, output, nil))
	}
	err := a.target.Expressible(p.Client, events)
	if err == nil {
		err = r.Run(ctx, events)
	}
	if err != nil && !fatal(err) {
		err = errors.Join(err, p.Write(results(events, nil, err)))
	}
	return err
}

// results returns the lines that answer the events of one call. The first has
// the output of all.
func results(events []envmap.Event, output []byte, err error) []byte {
	var lines []byte
	for _, e := range events {
		lines = append(lines, result(e, output, err)...)
		output = nil
	}
	return lines
}

// result returns the line that answers an event. It names no event if the line
// was not understood.
func result(e envmap.Event, output []byte, err error) []byte {
	r := envmap.Result{For: e.Cmd, Domain: e.Domain, OK: err == nil, Output: string(output)}
	if err != nil {
		r.Error = err.Error()
	}
	return r.Line()
}
