package envmap_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// plainResult is a line as programs answer with.
const plainResult = `{"cmd":"result","for":"perform_challenge","domain":"host000001.dept01.example.org","ok":true,"output":""}` + "\n"

// TestResults: what programs in other languages answer, and how they write it.
func TestResults(t *testing.T) {
	for line, want := range map[string]envmap.Result{
		plainResult:                     {For: envmap.PerformChallenge, Domain: "host000001.dept01.example.org", OK: true},
		`{"cmd":"result","ok":true}`:    {OK: true},
		`{"ok": false,"cmd": "result"}`: {},
		`{"cmd":"result","ok":false,"error":"one\ntwo \ud83d\ude00"}`:                {Error: "one\ntwo \U0001f600"},
		`{"cmd":"result","ok":true,"for":null,"domain":null,"output":null}`:          {OK: true},
		`{"cmd":"result","ok":true,"time":1.5e0,"x":{"ok":[false]},"output":"a"}`:    {OK: true, Output: "a"},
		"\t{ \"cmd\" : \"result\" ,\r\n \"ok\" : true , \"output\" : \"a\\tb\" } \n": {OK: true, Output: "a\tb"},
		"{\"cmd\":\"result\",\"ok\":true,\"output\":\"\xff\xfe\\ud800\\ud800x\"}":    {OK: true, Output: "\ufffd\ufffd\ufffd\ufffdx"},
		`{"CMD":"result","Ok":true,"o\u0075tput":"a"}`:                               {OK: true, Output: "a"},
	} {
		got, err := envmap.ParseResult([]byte(line))
		require.NoError(t, err, line)
		require.Equal(t, want, got, line)
	}
}

func TestLinesThatAreNotResults(t *testing.T) {
	for _, line := range []string{
		``, `hello`, `null`, `[]`, `{}`, `{"cmd":"result"}`, `{"cmd":"result","ok":null}`, `{"cmd":"result","ok":"true"}`, `{"cmd":"result","ok":1}`,
		`{"cmd":"startup","ok":true}`, `{"ok":true}`, `{"cmd":"result","ok":true`, `{"cmd":"result","ok":true}{}`, `{"cmd":"result","ok":true,}`,
		`{"cmd":"result","ok":true,"output":[]}`, `{"cmd":"result","ok":true,"output":1}`, `{"cmd":"result","ok":true,"output":"\x"}`,
	} {
		_, err := envmap.ParseResult([]byte(line))
		require.EqualError(t, err, "line is not a result", line)
	}
}

// TestResultOfAnEvent: what a result repeats of an event is the event's.
func TestResultOfAnEvent(t *testing.T) {
	line, err := lookup(t, "json").Encode(envmap.Event{Cmd: envmap.InvalidChallenge, Domain: "a.test", Error: "one\ntwo",
		Extra: []envmap.Member{{Name: "ok", Value: "7"}}})
	require.NoError(t, err)
	cmd, domain := envmap.Asked(line.Stdin)
	require.Equal(t, envmap.InvalidChallenge, cmd)
	require.Equal(t, "a.test", domain)
	for _, of := range []envmap.Result{{}, {For: cmd}, {Domain: domain}, {For: cmd, Domain: domain}} {
		require.True(t, of.IsFor(cmd, domain))
	}
	for _, other := range []envmap.Result{{For: envmap.Cleanup}, {Domain: "b.test"}, {For: cmd, Domain: "b.test"}} {
		require.False(t, other.IsFor(cmd, domain))
	}
}

func TestResultLine(t *testing.T) {
	for want, r := range map[string]envmap.Result{
		plainResult: {For: envmap.PerformChallenge, Domain: "host000001.dept01.example.org", OK: true},
		`{"cmd":"result","ok":true,"output":"<a> & \"b\"\\\n\u001b\u2028` + "\u00fc\x7f" + `\ufffd"}` + "\n": {
			OK: true, Output: "<a> & \"b\"\\\n\x1b\u2028\u00fc\x7f\xff", Error: "says nothing"},
		`{"cmd":"result","ok":false,"error":"no"}` + "\n": {Error: "no", Output: "is not told"},
		`{"cmd":"result","ok":false}` + "\n":              {},
	} {
		require.Equal(t, want, string(r.Line()))
	}
}

// FuzzParseResult: a line is a result if encoding/json takes it for one, and says
// the same.
func FuzzParseResult(f *testing.F) {
	for _, line := range []string{
		plainResult, `{"cmd":"result","ok":false,"error":"one\ntwo \ud83d\ude00\ud800"}`, `{"CMD":"result","o\u212a":true,"ok":null,"output":null}`,
		"{\"cmd\":\"result\",\"ok\":true,\"output\":\"\xff\",\"x\":[{\"\":[1,\"]\"]}]}", `null`, `{"cmd":"result","ok":true}x`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var want struct {
			Cmd, Domain, Output, Error string

			For envmap.Cmd
			OK  *bool
		}
		refused := json.Unmarshal(line, &want) != nil || want.Cmd != "result" || want.OK == nil
		got, err := envmap.ParseResult(line)
		require.Equal(t, refused, err != nil, string(line))
		if err == nil {
			require.Equal(t, envmap.Result{For: want.For, Domain: want.Domain, OK: *want.OK, Output: want.Output, Error: want.Error}, got)
		}
	})
}

// FuzzResultLine: lines are those of encoding/json, and are results.
func FuzzResultLine(f *testing.F) {
	f.Add("perform_challenge", "a.test", true, "\x00\b\f\n\r\t\x1b\"\\/<&>\x7f\u2028\u2029\xff\ufffd\U0001f600", "")
	f.Add("", "", false, "", "no such zone")
	f.Fuzz(func(t *testing.T, cmd, domain string, ok bool, output, reason string) {
		want := struct {
			Cmd    string  `json:"cmd"`
			For    string  `json:"for,omitempty"`
			Domain string  `json:"domain,omitempty"`
			OK     bool    `json:"ok"`
			Output *string `json:"output,omitempty"`
			Error  string  `json:"error,omitempty"`
		}{Cmd: "result", For: cmd, Domain: domain, OK: ok}
		if ok {
			want.Output = &output
		} else {
			want.Error = reason
		}
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		require.NoError(t, encoder.Encode(want))
		line := envmap.Result{For: envmap.Cmd(cmd), Domain: domain, OK: ok, Output: output, Error: reason}.Line()
		require.Equal(t, b.String(), string(line))
		again, err := envmap.ParseResult(line)
		require.NoError(t, err)
		require.Equal(t, ok, again.OK)
	})
}

func BenchmarkParseResult(b *testing.B) {
	line := []byte(plainResult)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := envmap.ParseResult(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResultLine(b *testing.B) {
	r, err := envmap.ParseResult([]byte(plainResult))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if r.Line() == nil {
			b.Fatal("is not a line")
		}
	}
}
