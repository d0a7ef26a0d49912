package envmap_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// pluginTraces are the streams that the plugin's JSON mode printed, by file.
func pluginTraces(t *testing.T) map[string][]string {
	files, err := filepath.Glob(filepath.Join(traces, lookup(t, "json").Traces, "json-*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	streams := map[string][]string{}
	for _, file := range files {
		eachLine(t, file, func(line []byte) {
			streams[filepath.Base(file)] = append(streams[filepath.Base(file)], string(line))
		})
	}
	return streams
}

func pluginLines(t *testing.T, e envmap.Event) []string {
	var lines []string
	for _, p := range envmap.PluginEvents(e) {
		require.NoError(t, p.Validate())
		call, err := lookup(t, "json").Encode(p)
		require.NoError(t, err)
		lines = append(lines, strings.TrimSuffix(string(call.Stdin), "\n"))
	}
	return lines
}

// fromHooks is a recorded challenge as extauth's front ends have it of the same
// run: without what only the plugin said, with the order that certbot tells.
func fromHooks(e envmap.Event) envmap.Event {
	remaining := 1
	e.Command, e.Nulls = "", nil
	if e.Cmd == envmap.Cleanup && e.Status == "pending" {
		e.Status = ""
	}
	e.Remaining, e.Domains, e.Order = &remaining, []string{"a.test", "b.test"}, "a.test,b.test"
	e.Extra = []envmap.Member{{Name: "via", Value: `"hook"`}}
	e.ClientEnv = map[string]string{"CERTBOT_DOMAIN": e.Domain}
	if e.Cmd == envmap.Cleanup {
		e.TXTDomain, e.Validated, e.Error = "delegated.example.net", "", ""
	}
	return e
}

// TestPluginChallenges: each recorded line is what comes out again, member for
// member; http-01's command is there, and its text is ours.
func TestPluginChallenges(t *testing.T) {
	seen := map[string]int{}
	for file, stream := range pluginTraces(t) {
		for _, line := range stream {
			e := decoded(t, line)
			if !e.IsChallenge() {
				continue
			}
			if e.Type == envmap.TLSSNI01 {
				require.Equal(t, []string{line}, pluginLines(t, e), file)
				continue
			}
			seen[e.Type+string(e.Cmd)]++
			got := pluginLines(t, fromHooks(e))
			require.Len(t, got, 1)
			if e.Type == envmap.HTTP01 && e.Cmd == envmap.PerformChallenge {
				requireSameButCommand(t, line, got[0])
				continue
			}
			require.Equal(t, line, got[0], file)
		}
	}
	require.Len(t, seen, 4, "%v", seen)
}

// requireSameButCommand compares lines by their members in their order.
func requireSameButCommand(t *testing.T, want, got string) {
	var command struct{ Command string }
	require.NoError(t, json.Unmarshal([]byte(got), &command))
	require.NotEmpty(t, command.Command)
	text, err := json.Marshal(command.Command)
	require.NoError(t, err)
	before, rest, found := strings.Cut(want, `"command": `)
	require.True(t, found)
	_, after, found := strings.Cut(rest, `, "key_auth"`)
	require.True(t, found)
	ours := strings.NewReplacer(`\u003e`, ">", `\u003c`, "<", `\u0026`, "&").Replace(string(text))
	require.Equal(t, before+`"command": `+ours+`, "key_auth"`+after, got)
}

// TestPluginCommand: the command says the values of its own challenge, and what
// the client said itself stays.
func TestPluginCommand(t *testing.T) {
	e := decoded(t, textEvents[6].line)
	got := envmap.PluginEvents(e)[0].Command
	require.Contains(t, got, "'%s' "+keyAuth+" >.well-known/acme-challenge/"+token+"\n")
	e.Command = "true"
	require.Equal(t, "true", envmap.PluginEvents(e)[0].Command)
	require.Empty(t, envmap.PluginEvents(decoded(t, textEvents[0].line))[0].Command, "dns-01 had none")
}

// TestPluginCleanup: status, validated and error are always said.
func TestPluginCleanup(t *testing.T) {
	for status, validated := range map[string]string{"": "", "valid": "2016-10-27T15:30:44Z", "invalid": ""} {
		e := envmap.Event{Cmd: envmap.Cleanup, Type: envmap.DNS01, Domain: "a.test", Validation: value, Status: status, Validated: validated}
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(pluginLines(t, e)[0]), &got))
		if status == "" {
			status = "pending"
		}
		require.Equal(t, status, got["status"])
		require.Contains(t, got, "error")
		require.Nil(t, got["error"])
		require.Contains(t, got, "validated")
		require.Equal(t, validated != "", got["validated"] != nil)
	}
}

// TestPluginDeploy: one event of a certificate is the plugin's whole sequence,
// line for line.
func TestPluginDeploy(t *testing.T) {
	var want []string
	var e envmap.Event
	for _, line := range pluginTraces(t)["json-dns-01-run.jsonl"] {
		got := decoded(t, line)
		switch got.Cmd {
		case envmap.DeployCert:
			if e.Cmd == "" {
				e = got
			}
			e.Domains = append(e.Domains, got.Domain)
		case envmap.Save, envmap.Restart:
		default:
			continue
		}
		want = append(want, line)
	}
	require.Equal(t, want, pluginLines(t, e))
	require.Len(t, e.Domains, 2, "the event itself stays")
	e.Domains = nil
	require.Len(t, pluginLines(t, e), 4, "a client that names one: its own")
}

// TestPluginHasNoWordsForTheRest: what the plugin never said is left out.
func TestPluginHasNoWordsForTheRest(t *testing.T) {
	for _, cmd := range []envmap.Cmd{envmap.Startup, envmap.Exit, envmap.PrePerform, envmap.PostPerform, envmap.PreCleanup,
		envmap.PostCleanup, envmap.SyncCert, envmap.DeployOCSP, envmap.GenerateCSR, envmap.InvalidChallenge, envmap.RequestFailure} {
		require.Empty(t, envmap.PluginEvents(full(cmd)), cmd)
	}
	for _, cmd := range []envmap.Cmd{envmap.Save, envmap.Restart, envmap.Report} {
		require.Len(t, envmap.PluginEvents(envmap.Event{Cmd: cmd}), 1, cmd)
	}
}

// TestPluginReport: the recorded lines come out again; a text for people may
// have anything in it that UTF-8 has.
func TestPluginReport(t *testing.T) {
	for file, stream := range pluginTraces(t) {
		last := stream[len(stream)-1]
		var report struct {
			Messages []struct{ Lines []string }
		}
		require.NoError(t, json.Unmarshal([]byte(last), &report))
		require.Equal(t, []string{last}, pluginLines(t, envmap.PluginReport(false, report.Messages[0].Lines)), file)
	}
	for _, lines := range [][]string{nil, {}, {""}, {"a", "b"}, {"\x1b[2J\x00\t\r\n\"\\"}, {"caf\u00e9 \U0001f600"}, {"\xff\xfe"}} {
		line := pluginLines(t, envmap.PluginReport(true, lines))[0]
		require.True(t, json.Valid([]byte(line)), line)
		require.Contains(t, line, `"priority": 0, "on_crash": true`)
		again := decoded(t, line)
		require.Equal(t, envmap.Report, again.Cmd)
		require.NotContains(t, line, "\x1b")
	}
}
