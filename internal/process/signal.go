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

// SignalError is the cause of a context that a signal ended.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string { return fmt.Sprintf("stopped by %s", e.Signal) }

// interrupted tells whether a failure came from a signal.
func interrupted(err error) bool {
	var s *SignalError
	return errors.As(err, &s) || errors.Is(err, context.Canceled)
}

// NotifyContext is ended by SIGINT, SIGTERM, SIGHUP or SIGQUIT, with a *SignalError as
// its cause. A signal that our parent ignores (nohup) stays ignored. SIGPIPE is
// caught and dropped, so that writing to a closed pipe is an error and not the
// end: handlers still start with every signal at its default. All stay caught
// when the context is cancelled: to let go of them takes as long as a handler,
// and the process is about to end.
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

// Relay gives the signals that ask this process to end to a process group. It
// is made before the group is: a signal may come as soon as that begins.
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

// To passes each signal on as it comes, those that came before too, until done
// is closed.
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

// Die ends the process by a signal, as it would have ended without us. Of
// SIGPIPE a Go program dies only in a write to its standard streams; of SIGQUIT
// it would show its stacks, and exits instead.
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
