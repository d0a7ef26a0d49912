package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// session is the stream that exec writes: what the plugin certbot-external-auth
// wrote in its JSON mode, for one run of a client.
type session struct {
	*front
	started time.Time

	mu       sync.Mutex     // one event after another
	answers  chan error     // a line of the reader's, or why there will be none
	asked    chan struct{}  // a line is wanted
	standing []envmap.Event // performed and confirmed, and not cleaned up
	undone   []envmap.Event // rolled back: the client's own clean-up comes too late
	broken   error          // why nobody answers any more
	notes    []string       // for the report
}

func (f *front) newSession() *session {
	s := &session{front: f, started: time.Now(), answers: make(chan error), asked: make(chan struct{})}
	go s.read()
	return s
}

// read takes a line of standard input each time that one is wanted. What it
// says does not matter.
func (s *session) read() {
	lines := bufio.NewReader(s.Stdin)
	for range s.asked {
		_, err := lines.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		s.answers <- err
	}
}

// serve takes the events of one call of a hook. ctx ends with a signal.
func (s *session) serve(ctx context.Context, caller Caller) {
	if uid := caller.UID(); uid != 0 && uid != os.Geteuid() {
		s.warn(fmt.Sprintf("a process of the user %d is not listened to", uid))
		return
	}
	own := *s.front
	own.Stdin, own.Stdout, own.Stderr = caller, caller, io.Discard // the hook says what went wrong
	_, err := own.eachLine(context.Background(), func(e envmap.Event) error {
		err := s.take(ctx, e)
		return errors.Join(err, own.write(result(e, nil, err)))
	})
	if err != nil {
		s.warn("hook: " + err.Error())
	}
}

// take writes an event as the plugin would have, and waits for the reader where
// the plugin did.
func (s *session) take(ctx context.Context, e envmap.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Cmd {
	case envmap.PerformChallenge:
		return s.perform(ctx, e)
	case envmap.Cleanup:
		return s.cleanup(e)
	case envmap.DeployCert, envmap.UnchangedCert:
		e.Timestamp = strconv.FormatInt(s.started.Unix(), 10)
	case envmap.InvalidChallenge, envmap.RequestFailure, envmap.Exit:
		s.note(e)
	}
	return s.tell(e)
}

// note keeps for the report what a client says of its failures.
func (s *session) note(e envmap.Event) {
	for _, text := range []string{e.Error, e.Body} {
		if text != "" {
			s.notes = append(s.notes, runner.Printable(e.Domain+" "+text))
		}
	}
}

// tell writes an event. What the plugin had no words for is not written.
func (s *session) tell(e envmap.Event) error {
	json, _ := envmap.Lookup("json")
	for _, said := range envmap.PluginEvents(e) {
		call, err := json.Encode(said)
		if err != nil {
			return err
		}
		if err := s.write(call.Stdin); err != nil {
			s.broken = err
			return err
		}
	}
	return nil
}

// perform waits until the reader confirms. When it does not, all that it was
// asked for is given back to it: the client may never do so.
func (s *session) perform(ctx context.Context, e envmap.Event) error {
	if s.broken != nil {
		return s.broken
	}
	s.forget(e)
	s.standing = append(s.standing, e)
	err := s.tell(e)
	if err == nil {
		err = s.confirmation(ctx)
	}
	if err != nil {
		s.broken = err
		return errors.Join(err, s.rollback())
	}
	return nil
}

var errNoReader = errors.New("standard input ended before the challenge was confirmed")

// confirmation waits for a line, at most for --timeout.
func (s *session) confirmation(ctx context.Context) error {
	if limit := s.options.timeout; limit > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, limit, &runner.TimeoutError{After: limit})
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

// cleanup says what the challenge was performed with: clients tell less when
// they clean up.
func (s *session) cleanup(e envmap.Event) error {
	for _, u := range s.undone {
		if sameChallenge(u, e) {
			return nil
		}
	}
	if performed := s.forget(e); performed != nil {
		performed.Status, performed.Error, performed.Validated = e.Status, e.Error, e.Validated
		e = *performed
	}
	e.Cmd = envmap.Cleanup
	return s.tell(e)
}

// forget takes a challenge off those that stand, and returns it.
func (s *session) forget(e envmap.Event) *envmap.Event {
	for i, p := range s.standing {
		if sameChallenge(p, e) {
			s.standing = append(s.standing[:i:i], s.standing[i+1:]...)
			return &p
		}
	}
	return nil
}

// rollback gives back all that stands, last first.
func (s *session) rollback() error {
	for len(s.standing) > 0 {
		e := s.standing[len(s.standing)-1]
		e.Cmd = envmap.Cleanup
		if err := s.tell(e); err != nil {
			return err
		}
		s.undone = append(s.undone, e)
		s.standing = s.standing[:len(s.standing)-1]
	}
	return nil
}

// close gives back what the client left performed, and writes the report that
// ends the stream. The error says why the stream did not go well.
func (s *session) close(failed bool, outcome string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.Join(s.rollback(), s.tell(envmap.PluginReport(failed || s.broken != nil, append(s.notes, outcome))))
	if err != nil {
		s.broken = err
	}
	for _, e := range s.standing {
		s.warn(fmt.Sprintf("left performed: %s %q", e.Type, e.Domain))
	}
	return s.broken
}
