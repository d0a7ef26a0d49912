package cli

import (
	"cmp"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// traceVariable names the trace for clients that can only be given a path.
const traceVariable = "EXTAUTH_TRACE"

// recorder writes the calls that a program got to its trace. nil: there is none.
type recorder struct {
	*front
	file *runner.AppendFile
	hide func(string) string // takes credentials out of a text
	told bool                // whose credentials they are: the handlers are known
}

// recording is a call that has come in. nil: it is not recorded.
type recording struct {
	*recorder
	started time.Time
	trace   envmap.Trace
	written bool
}

// record opens the trace, if one is asked for, before anything is run. One that
// others could replace is refused; one that cannot be written is a warning: no
// certificate is to fail for it.
func (f *front) record() error {
	path := cmp.Or(f.options.trace, f.env[traceVariable])
	if path == "" || f.options.dryRun {
		return nil
	}
	file, err := runner.Append(path)
	switch {
	case is[*runner.UnsafeError](err):
		return err
	case err != nil:
		f.warn("warning: trace: " + err.Error())
	default:
		f.recorder = &recorder{front: f, file: file, hide: runner.FilesRedactor(f.options.envFiles)}
	}
	return nil
}

// withTrace has the hooks of a client write the trace: the calls are theirs.
func (f *front) withTrace(environ []string) ([]string, error) {
	if f.options.trace == "" {
		return environ, nil
	}
	path, err := filepath.Abs(f.options.trace)
	if err == nil {
		err = f.record()
	}
	f.recorder = nil
	return append(environ, traceVariable+"="+path), err
}

// took begins to record the call that the program was started for.
func (f *front) took(call envmap.Call) error {
	if err := f.record(); err != nil {
		return err
	}
	f.taken = f.recorder.begin(call)
	return nil
}

// heed keeps the credentials of a chain out of the trace.
func (r *recorder) heed(chain []runner.Handler) {
	if r == nil {
		return
	}
	files := r.options.envFiles
	for _, h := range chain {
		files = append(files[:len(files):len(files)], h.EnvFiles...)
	}
	r.hide, r.told = runner.FilesRedactor(files), true
}

// begin is a call of the client's, without what a trace must not have.
func (r *recorder) begin(call envmap.Call) *recording {
	if r == nil {
		return nil
	}
	convention, _ := envmap.Lookup(r.client)
	started := time.Now()
	return &recording{recorder: r, started: started, trace: envmap.Trace{
		From: r.client, Version: version(), Program: r.name, Call: convention.Public(call),
		Time: started.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}}
}

// beginEvent is begin for an event of a stream or a request: the call is what
// the client's convention would have said.
func (r *recorder) beginEvent(e envmap.Event) *recording {
	if r == nil {
		return nil
	}
	convention, _ := envmap.Lookup(r.client)
	if convention.To.With != nil && e.KeyAuth != "" { // httpreq's raw mode
		convention, _ = convention.To.With(map[string]string{"mode": "raw"})
	}
	call, _ := convention.Encode(e) // it came in that convention
	return r.begin(call)
}

// end writes the call and how it ended.
func (c *recording) end(status int, err error) {
	if c == nil {
		return
	}
	c.trace.Exit = &status
	c.trace.Seconds = time.Since(c.started).Seconds()
	if err != nil {
		c.trace.Error = err.Error()
	}
	c.write()
}

// write writes the call, once: as this process becomes its handler, how it ends
// is not known.
func (c *recording) write() {
	if c == nil || c.written {
		return
	}
	c.written = true
	if err := c.file.WriteLine(c.hidden().Line()); err != nil {
		c.warn("warning: trace: " + err.Error())
	}
}

// hidden is the line without credentials. What handlers printed, as certbot gives
// it back, is left out where theirs are not known.
func (c *recording) hidden() *envmap.Trace {
	t := c.trace
	t.Error = c.hide(t.Error)
	t.Call = envmap.Call{Env: map[string]string{}}
	for _, word := range c.trace.Call.Args {
		t.Call.Args = append(t.Call.Args, c.hide(word))
	}
	for name, value := range c.trace.Call.Env {
		if c.told || !strings.HasSuffix(name, "_AUTH_OUTPUT") {
			t.Call.Env[name] = c.hide(value)
		}
	}
	if c.trace.Call.Stdin != nil {
		t.Call.Stdin = []byte(c.hide(string(c.trace.Call.Stdin)))
	}
	return &t
}

// exitOf is the exit status of a program that an error ends, 128+N where it
// dies of a signal.
func exitOf(err error) int {
	signal := new(runner.SignalError)
	switch {
	case err == nil:
		return 0
	case is[*outputError](err) && errors.Is(err, syscall.EPIPE):
		return 128 + int(syscall.SIGPIPE)
	case errors.As(err, &signal):
		return 128 + int(signal.Signal)
	}
	return status(err)
}
