package cli

import (
	"cmp"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// TraceVariable has the path of the trace, for clients that accept only a path.
const TraceVariable = "EXTAUTH_TRACE"

// Recorder writes the calls that a program gets to its trace. nil: there is none.
type Recorder struct {
	program *Program
	file    *trust.AppendFile
	hide    func(string) string // removes credentials from a text
	known   bool                // whether the handlers' credentials are among them
}

// Recording is a received call. nil: it is not recorded.
type Recording struct {
	*Recorder
	started time.Time
	trace   envmap.Trace
	written bool
}

// OpenTrace opens the trace, if one is asked for, before anything is run. One that
// others could replace is refused; one that cannot be written is only a warning: no
// certificate is to fail for it.
func (p *Program) OpenTrace() (*Recorder, error) {
	path := cmp.Or(p.Options.Trace, p.Env[TraceVariable])
	if path == "" || p.Options.DryRun {
		return nil, nil
	}
	file, err := trust.Append(path)
	if is[*trust.UnsafeError](err) {
		return nil, err
	}
	if err != nil {
		p.Warn("warning: trace: " + err.Error())
		return nil, nil
	}
	return &Recorder{program: p, file: file, hide: envfile.FilesRedactor(p.Options.EnvFiles)}, nil
}

// Hide keeps the credentials of a chain out of the trace.
func (r *Recorder) Hide(chain []runner.Handler) {
	if r == nil {
		return
	}
	files := r.program.Options.EnvFiles
	for _, h := range chain {
		files = append(files[:len(files):len(files)], h.EnvFiles...)
	}
	r.hide, r.known = envfile.FilesRedactor(files), true
}

// Begin begins to record a call of the client, without what a trace must not
// contain.
func (r *Recorder) Begin(call envmap.Call) *Recording {
	if r == nil {
		return nil
	}
	convention, _ := envmap.Lookup(r.program.Client)
	started := time.Now()
	return &Recording{Recorder: r, started: started, trace: envmap.Trace{
		From: r.program.Client, Version: version(), Program: r.program.Name, Call: convention.Public(call),
		Time: started.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}}
}

// BeginEvent is Begin for an event of a stream or a request: it records the
// call that the client's convention has for it.
func (r *Recorder) BeginEvent(e envmap.Event) *Recording {
	if r == nil {
		return nil
	}
	convention, _ := envmap.Lookup(r.program.Client)
	if convention.To.With != nil && e.KeyAuth != "" { // httpreq's raw mode
		convention, _ = convention.To.With(map[string]string{"mode": "raw"})
	}
	call, _ := convention.Encode(e) // it came in that convention
	return r.Begin(call)
}

// End writes the call and how it ended.
func (c *Recording) End(err error) { c.EndWith(ExitStatus(err), err) }

// EndWith is End for a status that does not follow from the error.
func (c *Recording) EndWith(status int, err error) {
	if c == nil {
		return
	}
	c.trace.Exit = &status
	c.trace.Seconds = time.Since(c.started).Seconds()
	if err != nil {
		c.trace.Error = err.Error()
	}
	c.Write()
}

// Write writes the call, once. Before the process becomes its handler, how it ends
// is not known.
func (c *Recording) Write() {
	if c == nil || c.written {
		return
	}
	c.written = true
	if err := c.file.WriteLine(c.hidden().Line()); err != nil {
		c.program.Warn("warning: trace: " + err.Error())
	}
}

// hidden returns the line without credentials. The output of handlers, which
// certbot passes on, is left out if the handlers' credentials are not known.
func (c *Recording) hidden() *envmap.Trace {
	t := c.trace
	t.Error = c.hide(t.Error)
	t.Call = envmap.Call{Env: map[string]string{}}
	for _, word := range c.trace.Call.Args {
		t.Call.Args = append(t.Call.Args, c.hide(word))
	}
	for name, value := range c.trace.Call.Env {
		if c.known || !strings.HasSuffix(name, "_AUTH_OUTPUT") {
			t.Call.Env[name] = c.hide(value)
		}
	}
	if c.trace.Call.Stdin != nil {
		t.Call.Stdin = []byte(c.hide(string(c.trace.Call.Stdin)))
	}
	return &t
}
