package jsonlines

import (
	"context"
	"errors"
	"fmt"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// stream is a program's lines of events.
type stream struct {
	program    *cli.Program // with the stream's own input and output
	convention *envmap.Convention
	recorder   *cli.Recorder
	flush      func() error // called before a read that may block; may be nil
	stops      bool         // a refused line ends the stream
	silent     bool         // no line is answered
}

func newStream(p *cli.Program) *stream {
	convention, _ := envmap.Lookup(p.Client)
	return &stream{program: p, convention: convention}
}

// each decodes line after line, and calls serve with the one event of each.
func (s *stream) each(ctx context.Context, serve func([]envmap.Event) error) (worst int, err error) {
	return s.eachLine(ctx, func(line []byte) error { return s.serve(line, serve) })
}

// eachLine calls serve with each line. A line that is refused, or that fails,
// is reported, and the next is served.
func (s *stream) eachLine(ctx context.Context, serve func([]byte) error) (worst int, err error) {
	err = cli.ReadLines(ctx, s.program.Stdin, s.flush, func(number int, line []byte, err error) error {
		if err == nil {
			err = serve(line)
		} else {
			err = s.refuse(nil, err)
		}
		severity, err := s.report(number, err)
		worst = max(worst, severity)
		return err
	})
	return worst, err
}

func (s *stream) serve(line []byte, serve func([]envmap.Event) error) error {
	events, err := s.decode(line)
	if err != nil {
		return s.refuse(line, err)
	}
	return serve(events)
}

func (s *stream) decode(line []byte) ([]envmap.Event, error) {
	events, err := s.convention.Decode(envmap.Call{Stdin: line, Env: s.program.Env})
	if err != nil {
		return nil, cli.Refused(err)
	}
	return events, nil
}

// refuse answers a refused line, if lines are answered.
func (s *stream) refuse(line []byte, err error) error {
	s.recorder.Begin(envmap.Call{Stdin: line}).End(err)
	switch {
	case s.stops:
		return &stopError{err}
	case s.silent:
		return err
	}
	return errors.Join(err, s.program.Write(result(envmap.Event{}, nil, err)))
}

// report reports the result of a line to people, after flushing earlier output.
// It returns the exit status, or why no further line can be served.
func (s *stream) report(number int, err error) (severity int, end error) {
	if stopped := new(stopError); errors.As(err, &stopped) {
		return 0, &stopError{fmt.Errorf("line %d: %w", number, stopped.err)}
	}
	if err == nil || fatal(err) {
		return 0, err
	}
	if s.flush != nil {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	s.program.Warn(fmt.Sprintf("line %d: %v", number, err))
	return cli.Status(err), nil
}

// stopError is a failure after which no further line is served.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

// fatal reports whether no further line can be served.
func fatal(err error) bool {
	return is[*cli.OutputError](err) || is[*process.SignalError](err)
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
