package envmap_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

var update = flag.Bool("update", false, "write the golden files anew")

const traces = "../../testdata/traces"

// recorded is a line of a trace, as far as a hook sees it.
type recorded struct {
	Argv       []string
	EnvAdded   map[string]string            `json:"env_added"`
	EnvChanged map[string]map[string]string `json:"env_changed"`
	Stdin      struct{ Data string }
}

// clients are the conventions with recordings of a client.
func clients() []string {
	return []string{"acmesh", "acmetool", "certbot", "dehydrated", "getssl", "lego", "mod_md", "uacme"}
}

// operandsOf gives the operands that a client's user writes where the recorder's
// hooks were named after them; others are as they were recorded.
func operandsOf(client string, argv []string) []string {
	if client == "acmesh" && !slices.Contains([]string{"add", "rm", "deploy"}, strings.Join(argv[1:min(2, len(argv))], "")) {
		return nil // its --pre-hook, --post-hook, --renew-hook and --reloadcmd are commands of its user
	}
	if client == "lego" && strings.HasSuffix(argv[0], "hook") { // runhook, renewhook
		return []string{"run"}
	}
	if client == "certbot" {
		return []string{operand(argv[0])}
	}
	if client == "getssl" { // dns_add, dns_del, reload with words of its own
		word, isDNS := strings.CutPrefix(filepath.Base(argv[0]), "dns_")
		if !isDNS {
			return []string{word}
		}
		return append([]string{word}, argv[1:]...)
	}
	return argv[1:]
}

// call is what the client's front end would be given.
func (r recorded) call(client string) envmap.Call {
	env := map[string]string{}
	for name, value := range r.EnvAdded {
		env[name] = value
	}
	for name, change := range r.EnvChanged {
		env[name] = change["to"]
	}
	return envmap.Call{Args: operandsOf(client, r.Argv), Env: env, Stdin: []byte(r.Stdin.Data)}
}

// operand tells the operand from the recorded hook's name: auth-fail, or a
// file in renewal-hooks/deploy.
func operand(argv0 string) string {
	word, _, _ := strings.Cut(filepath.Base(argv0), "-")
	for _, known := range []string{"auth", "cleanup", "deploy", "pre", "post"} {
		if word == known || filepath.Base(filepath.Dir(argv0)) == known {
			return known
		}
	}
	return word
}

// eachLine calls f with every line of a file.
func eachLine(t testing.TB, file string, f func(line []byte)) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		f(scanner.Bytes())
	}
	require.NoError(t, scanner.Err())
}

// calls reads a client's traces: file name to calls.
func calls(t testing.TB, client string) map[string][]envmap.Call {
	c := lookup(t, client)
	files, err := filepath.Glob(filepath.Join(traces, c.Traces, "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string][]envmap.Call{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		eachLine(t, file, func(line []byte) {
			var r recorded
			require.NoError(t, json.Unmarshal(line, &r))
			if call := r.call(client); call.Args != nil {
				all[name] = append(all[name], call)
			}
		})
	}
	return all
}

func lookup(t testing.TB, name string) *envmap.Convention {
	c, ok := envmap.Lookup(name)
	require.True(t, ok, name)
	return c
}

func isProbe(call envmap.Call) bool {
	return len(call.Args) > 0 && strings.HasPrefix(call.Args[0], "this_hookscript_is_broken__")
}

// jsonOf returns the canonical line of each event of a call.
func jsonOf(t *testing.T, c *envmap.Convention, call envmap.Call) string {
	var unknown *envmap.OperationError
	events, err := c.Decode(call)
	if isProbe(call) {
		require.ErrorAs(t, err, &unknown)
		return "unknown operation\n"
	}
	require.NoError(t, err, call.Args)
	lines := ""
	for _, e := range events {
		require.NoError(t, e.Validate())
		line, err := lookup(t, "json").Encode(e)
		require.NoError(t, err)
		lines += string(line.Stdin)
	}
	return lines
}

// TestTracesDecode decodes every recorded call; the golden files hold what
// each says, in the JSON protocol's words.
func TestTracesDecode(t *testing.T) {
	for _, client := range clients() {
		for name, recorded := range calls(t, client) {
			t.Run(client+"/"+name, func(t *testing.T) {
				got := ""
				for _, call := range recorded {
					got += jsonOf(t, lookup(t, client), call)
				}
				golden(t, filepath.Join("testdata", "golden", client, name+".jsonl"), got)
			})
		}
	}
}

func golden(t *testing.T, file, got string) {
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// TestTracesEncode encodes every decoded call for its own client again: a
// hook under extauth gets what the client itself would have given it.
func TestTracesEncode(t *testing.T) {
	for _, client := range clients() {
		c := lookup(t, client)
		for name, recorded := range calls(t, client) {
			t.Run(client+"/"+name, func(t *testing.T) {
				for _, call := range recorded {
					if isProbe(call) || client == "acmesh" && call.Args[0] == "deploy" { // no plugin of its dnsapi
						continue
					}
					requireSameCall(t, c, call)
				}
			})
		}
	}
}

func requireSameCall(t *testing.T, c *envmap.Convention, call envmap.Call) {
	events, err := c.Decode(call)
	require.NoError(t, err)
	if len(events) == 0 {
		return // a message of mod_md's that no hook has a use for
	}
	var args []string
	for _, e := range events {
		again, err := c.Encode(e)
		require.NoError(t, err)
		require.Equal(t, ownVariables(c, call, e), again.Env, call.Args)
		if args == nil || len(again.Args) == 0 {
			args = again.Args
		} else {
			args = append(args, again.Args[1:]...) // one more triplet
		}
	}
	if c.Name == "certbot" {
		require.Empty(t, args, "certbot gives its hooks no arguments")
	} else {
		require.Equal(t, call.Args, asDecoded(c, events[0].Cmd, args))
	}
}

// asDecoded puts before an encoded call's arguments the word that tells the
// front end which of a handler's commands it is for.
func asDecoded(c *envmap.Convention, cmd envmap.Cmd, args []string) []string {
	if c.Name == "lego" && len(args) == 0 { // a hook's word, which lego's user writes
		return []string{map[envmap.Cmd]string{envmap.DeployCert: "run", envmap.Startup: "pre", envmap.Exit: "post"}[cmd]}
	}
	if word := c.To.Operands[cmd]; word != "" {
		return append([]string{word}, args...)
	}
	return args
}

// documented is a line of the traces of a convention that no recorded client
// speaks: an event, and what its documentation says a handler is called with.
type documented struct {
	Settings map[string]string // of the chain line
	Event    json.RawMessage
	Args     []string
	Env      map[string]string
	Stdin    string
}

// TestDocumentedCalls encodes the events of such traces.
func TestDocumentedCalls(t *testing.T) {
	for _, c := range envmap.Conventions() {
		files, err := filepath.Glob(filepath.Join(traces, c.Traces, "calls.jsonl"))
		require.NoError(t, err)
		for _, file := range files {
			eachLine(t, file, func(line []byte) {
				var d documented
				require.NoError(t, json.Unmarshal(line, &d), "%s: %s", file, line)
				requireDocumented(t, c, d)
			})
		}
	}
}

func requireDocumented(t *testing.T, c *envmap.Convention, d documented) {
	events, err := lookup(t, "json").Decode(envmap.Call{Stdin: d.Event})
	require.NoError(t, err)
	if c.To.With != nil {
		c, err = c.To.With(d.Settings)
		require.NoError(t, err)
	}
	call, err := c.Encode(events[0])
	require.NoError(t, err)
	require.Equal(t, d.Args, call.Args)
	require.Equal(t, d.Stdin, string(call.Stdin))
	for name, value := range d.Env {
		require.Equal(t, value, call.Env[name], name)
	}
}

// ownVariables are the client's variables that belong to the event: certbot
// leaves those of earlier ones in the environment.
func ownVariables(c *envmap.Convention, call envmap.Call, e envmap.Event) map[string]string {
	own := map[string]string{}
	for name, value := range call.Env {
		if c.OwnsVariable(name) && !isStale(e.Cmd, name) {
			own[name] = value
		}
	}
	return own
}

func isStale(cmd envmap.Cmd, name string) bool {
	renewed := strings.HasPrefix(name, "RENEWED_")
	output := name == "CERTBOT_AUTH_OUTPUT"
	switch cmd {
	case envmap.PerformChallenge:
		return renewed || output
	case envmap.Cleanup:
		return renewed
	case envmap.DeployCert:
		return strings.HasPrefix(name, "CERTBOT_")
	case envmap.Startup:
		return renewed || strings.HasPrefix(name, "CERTBOT_")
	case envmap.Exit:
		return output
	}
	return false
}

// TestDocumentedLines: what certbot-external-auth's documentation prints is
// canonical to the byte.
func TestDocumentedLines(t *testing.T) {
	c := lookup(t, "json")
	files, err := filepath.Glob(filepath.Join(traces, c.Traces, "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		eachLine(t, file, func(line []byte) {
			events, err := c.Decode(envmap.Call{Stdin: line})
			require.NoError(t, err, "%s: %s", file, line)
			again, err := c.Encode(events[0])
			require.NoError(t, err)
			require.Equal(t, string(line)+"\n", string(again.Stdin))
		})
	}
}
