package jsonlines

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// session is the stream that exec writes for one run of a client, as the JSON
// mode of the plugin certbot-external-auth did.
type session struct {
	program *cli.Program
	started time.Time
	answers chan error    // a line of the reader, or why there are no more
	asked   chan struct{} // a line is wanted

	mu         sync.Mutex     // one event after another
	performed  []envmap.Event // performed and confirmed, and not yet cleaned up
	rolledBack []envmap.Event // cleaned up already, or never performed
	broken     error          // why there are no more answers
	blocked    bool           // a write may never end
	notes      []string       // for the report
}

func newSession(p *cli.Program) *session {
	s := &session{program: p, started: time.Now(), answers: make(chan error), asked: make(chan struct{})}
	go s.read()
	return s
}

// read reads a line of standard input each time that one is wanted. Its content
// does not matter.
func (s *session) read() {
	lines := bufio.NewReader(s.program.Stdin)
	for range s.asked {
		_, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		s.answers <- err
	}
}

// serve takes the events of one call of a hook. ctx ends with a signal, alive
// with the client.
func (s *session) serve(ctx, alive context.Context, caller endpoint.Caller) {
	if uid := caller.UID(); uid != 0 && uid != os.Geteuid() {
		s.program.Warn(fmt.Sprintf("a process of the user %d may not connect", uid))
		return
	}
	either, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(alive, func() { cancel(context.Cause(alive)) })()
	own := *s.program
	own.Stdin, own.Stdout, own.Stderr = caller, caller, io.Discard // the hook says what went wrong
	events := newStream(&own)
	_, _ = events.each(alive, func(one []envmap.Event) error {
		err := s.take(either, one[0])
		return errors.Join(err, own.Write(results(one, nil, err)))
	})
}

// take writes an event as the plugin did, and waits for the reader if the
// plugin did.
func (s *session) take(ctx context.Context, e envmap.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Cmd {
	case envmap.PerformChallenge:
		return s.perform(ctx, e)
	case envmap.Cleanup:
		return s.cleanup(ctx, e)
	case envmap.DeployCert, envmap.UnchangedCert:
		e.Timestamp = strconv.FormatInt(s.started.Unix(), 10)
	case envmap.InvalidChallenge, envmap.RequestFailure, envmap.Exit:
		s.note(e)
	}
	return s.send(ctx, e)
}

const (
	maxNote   = 16 << 10 // of a text, in bytes
	maxReport = 60 << 10 // of all, as JSON: what is read again may have 64 KiB
)

// note keeps the client's messages about failures for the report.
func (s *session) note(e envmap.Event) {
	for _, text := range []string{e.Error, e.Body} {
		if text == "" {
			continue
		}
		text = strings.TrimSpace(e.Domain + " " + strings.ReplaceAll(text, "\n", " "))
		notes := append(s.notes[:len(s.notes):len(s.notes)], process.Printable(text[:min(len(text), maxNote)]))
		if len(envmap.PluginReport(true, notes).Messages) < maxReport {
			s.notes = notes
		}
	}
}

// send writes an event. Events that the plugin did not know are left out.
func (s *session) send(ctx context.Context, e envmap.Event) error {
	json, _ := envmap.Lookup("json")
	for _, event := range envmap.PluginEvents(e) {
		call, err := json.Encode(event)
		if err != nil {
			return err
		}
		if err := s.writeLine(ctx, call.Stdin); err != nil {
			s.broken = err
			return err
		}
	}
	return nil
}

// patience is how long the reader may take to read a line when the program must
// end.
const patience = 2 * time.Second

// writeLine gives up at the end of the context if nobody reads. Nothing is
// written after that.
func (s *session) writeLine(ctx context.Context, line []byte) error {
	if s.blocked {
		return s.broken
	}
	written := make(chan error, 1)
	go func() { written <- s.program.Write(line) }()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-written:
		return err
	case <-time.After(patience):
		s.blocked = true
		return &cli.OutputError{Err: errors.New("nobody reads it")}
	}
}

// perform waits until the reader confirms. If it does not, the reader is asked
// to clean up everything, since the client may never do so.
func (s *session) perform(ctx context.Context, e envmap.Event) error {
	if s.broken != nil {
		s.rolledBack = append(s.rolledBack, e) // the reader was never asked to perform it
		return s.broken
	}
	s.forget(e)
	s.performed = append(s.performed, e)
	err := s.send(ctx, e)
	if err == nil {
		err = s.confirmation(ctx)
	}
	if err != nil {
		s.broken = err
		return errors.Join(err, s.rollback(ctx))
	}
	return nil
}

var errNoReader = errors.New("standard input ended before the challenge was confirmed")

// confirmation waits for a line, at most for --timeout.
func (s *session) confirmation(ctx context.Context) error {
	if limit := s.program.Options.Timeout; limit > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, limit, &process.TimeoutError{After: limit})
		defer cancel()
		ctx = limited
	}
	select {
	case s.asked <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-s.answers:
		if err != nil {
			return errNoReader
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// cleanup writes the cleanup with the members of the perform, since clients say
// less when they clean up.
func (s *session) cleanup(ctx context.Context, e envmap.Event) error {
	for _, u := range s.rolledBack {
		if sameChallenge(u, e) {
			return nil
		}
	}
	performed := s.forget(e)
	if performed == nil {
		return s.send(ctx, e)
	}
	event := *performed
	event.Cmd, event.Status, event.Error, event.Validated = e.Cmd, e.Status, e.Error, e.Validated
	err := s.send(ctx, event)
	if err != nil {
		s.performed = append(s.performed, *performed) // for the last words
	}
	return err
}

// forget removes a challenge from the performed ones, and returns it.
func (s *session) forget(e envmap.Event) *envmap.Event {
	for i, p := range s.performed {
		if sameChallenge(p, e) {
			s.performed = append(s.performed[:i:i], s.performed[i+1:]...)
			return &p
		}
	}
	return nil
}

// rollback asks the reader to clean up all that is performed, last first.
func (s *session) rollback(ctx context.Context) error {
	for len(s.performed) > 0 {
		e := s.performed[len(s.performed)-1]
		e.Cmd = envmap.Cleanup
		if err := s.send(ctx, e); err != nil {
			return err
		}
		s.rolledBack = append(s.rolledBack, e)
		s.performed = s.performed[:len(s.performed)-1]
	}
	return nil
}

// close rolls back what the client left performed, and writes the report that
// ends the stream. The error says what failed.
func (s *session) close(ctx context.Context, failed bool, ending string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.Join(s.rollback(ctx), s.send(ctx, envmap.PluginReport(failed || s.broken != nil, append(s.notes, ending))))
	if err != nil {
		s.broken = err
	}
	for _, e := range s.performed {
		s.program.Warn(fmt.Sprintf("left performed: %s %q", e.Type, e.Domain))
	}
	return s.broken
}
