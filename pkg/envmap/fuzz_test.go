package envmap_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// A fuzzed call is text: arguments and variables, each after a NUL or LF, as
// execve would have them.
func textOf(c envmap.Call) (args, env string) {
	var variables []string
	for name, value := range c.Env {
		variables = append(variables, name+"="+value)
	}
	return strings.Join(c.Args, "\x00"), strings.Join(variables, "\x00")
}

func callOf(args, env string) envmap.Call {
	c := envmap.Call{Env: map[string]string{}}
	if args != "" {
		c.Args = strings.Split(args, "\x00")
	}
	for _, variable := range strings.Split(env, "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		c.Env[name] = value
	}
	return c
}

// requireSound: whatever is accepted is valid, and goes to every convention or
// is refused with a typed error; nothing that a handler gets has a NUL.
func requireSound(t *testing.T, events []envmap.Event, err error) {
	if err != nil {
		require.Empty(t, events)
		return
	}
	for _, e := range events {
		require.NoError(t, e.Validate())
		for _, to := range envmap.Conventions() {
			call, err := to.Encode(e)
			if err != nil {
				continue
			}
			for name, value := range call.Env {
				require.False(t, strings.Contains(value, "\x00"), name)
			}
		}
	}
}

func fuzzCalls(f *testing.F, client string) {
	for _, recorded := range calls(f, client) {
		for _, call := range recorded {
			args, env := textOf(call)
			f.Add(args, env)
		}
	}
	f.Fuzz(func(t *testing.T, args, env string) {
		events, err := lookup(t, client).Decode(callOf(args, env))
		requireSound(t, events, err)
	})
}

func FuzzDecodeCertbot(f *testing.F)    { fuzzCalls(f, "certbot") }
func FuzzDecodeDehydrated(f *testing.F) { fuzzCalls(f, "dehydrated") }

func FuzzDecodeHandler(f *testing.F) {
	for _, e := range everyEvent(f) {
		if call, err := lookup(f, "handler").Encode(e); err == nil {
			args, env := textOf(call)
			f.Add(args, env)
		}
	}
	f.Fuzz(func(t *testing.T, args, env string) {
		events, err := lookup(t, "handler").Decode(callOf(args, env))
		requireSound(t, events, err)
	})
}

// FuzzDecodeJSON: a line that is accepted is JSON to others too, with the same
// event, and its canonical form is a fixed point.
func FuzzDecodeJSON(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(traces, lookup(f, "json").Traces, "*.jsonl"))
	require.NoError(f, err)
	for _, file := range files {
		eachLine(f, file, func(line []byte) { f.Add(string(line)) })
	}
	f.Fuzz(func(t *testing.T, line string) {
		c := lookup(t, "json")
		events, err := c.Decode(envmap.Call{Stdin: []byte(line)})
		requireSound(t, events, err)
		if err != nil {
			return
		}
		require.True(t, json.Valid([]byte(line)))
		require.True(t, utf8.ValidString(line))
		var other struct{ Cmd string }
		require.NoError(t, json.Unmarshal([]byte(line), &other))
		require.Equal(t, other.Cmd, string(events[0].Cmd))
		once, err := c.Encode(events[0])
		require.NoError(t, err)
		again, err := c.Decode(once)
		require.NoError(t, err, "%s", once.Stdin)
		twice, err := c.Encode(again[0])
		require.NoError(t, err)
		require.Equal(t, string(once.Stdin), string(twice.Stdin))
	})
}
