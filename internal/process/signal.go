package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// SignalError is the cause of a context that was ended by a signal.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string { return fmt.Sprintf("stopped by %s", e.Signal) }

// Interrupted reports whether an error comes from a signal, or from a context
// that was cancelled.
func Interrupted(err error) bool {
	var s *SignalError
	return errors.As(err, &s) || errors.Is(err, context.Canceled)
}

// NotifyContext returns a context that is ended by SIGINT, SIGTERM, SIGHUP or
// SIGQUIT, with a *SignalError as its cause. A signal that our parent ignores
// (nohup) stays ignored. SIGPIPE is caught and dropped, so that writing to a
// closed pipe is an error and does not end us; handlers still start with every
// signal at its default. All signals stay caught when the context is cancelled,
// since the process is about to end.
func NotifyContext(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range ending() {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		select {
		case s := <-signals:
			cancel(&SignalError{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Relay passes the signals that ask this process to end on to a process group. It
// is made before the group is, since a signal may come as soon as that starts.
type Relay struct{ signals chan os.Signal }

// NewRelay collects signals from now on.
func NewRelay() *Relay {
	r := &Relay{make(chan os.Signal, 4)}
	for _, s := range ending() {
		if !signal.Ignored(s) {
			signal.Notify(r.signals, s)
		}
	}
	return r
}

// To passes each signal on as it comes, and those that came before, until done is
// closed.
func (r *Relay) To(group int, done <-chan struct{}) {
	for {
		select {
		case s := <-r.signals:
			_ = syscall.Kill(-group, s.(syscall.Signal))
		case <-done:
			return
		}
	}
}

// Stop ends the collecting.
func (r *Relay) Stop() { signal.Stop(r.signals) }

// ending are the signals that ask a process to end.
func ending() []syscall.Signal {
	return []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
}

// Die ends this process by a signal, as it would have ended without us. From
// SIGPIPE a Go program dies only in a write to its standard streams. From SIGQUIT
// it would print its stacks, and exits instead.
func Die(s syscall.Signal) {
	if s == syscall.SIGQUIT {
		os.Exit(128 + int(s))
	}
	signal.Reset(s)
	if s == syscall.SIGPIPE {
		_, _ = os.Stdout.Write([]byte("\n"))
	}
	_ = syscall.Kill(os.Getpid(), s)
	time.Sleep(time.Second) // until it arrives
	os.Exit(128 + int(s))
}
