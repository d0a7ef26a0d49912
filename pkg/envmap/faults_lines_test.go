package envmap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// withSecret is a good line with a member of its writer's own.
const withSecret = `{"cmd": "perform_challenge", "type": "dns-01", "domain": "example.org", "validation": "` + value +
	`", "remaining": 0, "domains": ["example.org"], "credentials": {"user": "u", "password": "SENTINEL-hunter2"}}`

// TestLineCutAnywhere: a line that is cut is refused, wherever that is; the
// message says where it ends and shows nothing of it.
func TestLineCutAnywhere(t *testing.T) {
	_, err := decodeLine(t, withSecret, "")
	require.NoError(t, err)
	for i := 1; i < len(withSecret); i++ {
		_, err := decodeLine(t, withSecret[:i], "")
		require.Error(t, err, withSecret[:i])
		require.Regexp(t, `^line is not JSON near byte [0-9]+$`, err.Error(), withSecret[:i])
	}
}

// TestDuplicateMembers: readers differ in which of two they take, and
// some do not tell capitals from small letters.
func TestDuplicateMembers(t *testing.T) {
	for _, members := range []string{
		`"cmd": "save"`, `"CMD": "save"`, `"Cmd": "save"`, `"\u0063md": "save"`, `"c\u004dd": "save"`,
		`"domain": "b.test"`, `"DOMAIN": "b.test"`, `"key_path": "/b"`, `"KEY_PATH": "/b"`,
		`"\u212aey_path": "/b"`,   // KELVIN SIGN
		`"domain\u017f": ["b"]`,   // LATIN SMALL LETTER LONG S
		`"timeſtamp": 2`,          // the same
		`"x": 1, "X": 2`,          // unknown ones
		`"x": {"a": 1, "a": 2}`,   // below
		`"x": [{"a": 1, "A": 2}]`, //
		`"": 1, "": 2`,            //
	} {
		line := `{"cmd": "deploy_cert", "domain": "a.test", "domains": ["a.test"], "key_path": "/a", "timestamp": 1, ` + members + `}`
		_, err := decodeLine(t, line, "")
		require.Error(t, err, line)
		require.ErrorContains(t, err, "duplicate member", line)
	}
	// A name in capitals is not the member.
	for _, line := range []string{`{"CMD": "startup"}`, `{"Cmd": "startup", "x": 1}`} {
		_, err := decodeLine(t, line, "")
		require.EqualError(t, err, "cmd is missing")
	}
}

// TestLineInsideALine: if one writer's line lands in the middle of another's,
// neither line is accepted, nor a mixture of the two.
func TestLineInsideALine(t *testing.T) {
	lines := []string{
		`{"cmd": "cleanup", "type": "dns-01", "domain": "a.test", "token": "t", "validation": "` + value + `", "x": {"y": [1, "2"]}}`,
		`{"cmd": "perform_challenge", "type": "http-01", "domain": "b.test", "validation": "` + keyAuth + `"}`,
		`{"cmd": "startup"}`,
	}
	for _, outer := range lines {
		for _, inner := range lines {
			for i := 1; i < len(outer); i++ {
				for _, line := range strings.Split(outer[:i]+inner+"\n"+outer[i:], "\n") {
					_, err := decodeLine(t, line, "")
					require.Error(t, err, line)
				}
			}
		}
	}
}

// FuzzHostileLines: no line brings the decoder down, makes much of little,
// or gets what no reader of JSON understands past it.
func FuzzHostileLines(f *testing.F) {
	start := `{"cmd": "startup", "x": `
	for _, line := range []string{
		withSecret, start + "1e999}", start + "-1e-999}", start + "123456789012345678901234567890}", start + "NaN}", start + "1e}",
		start + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", start + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 41),
		start + "\"\xff\"}", start + "\"\xed\xa0\x80\"}", start + `"\ud800"}`, start + `"\udc00\ud800"}`, start + `"\ud83d\ude00"}`, start + `"\ud8`,
		`{"cmd": "exit", "error": "\u0000"}`, `{"cmd": "deploy_cert", "timestamp": 1e999}`, `{"\ud800": 1}`, "\ufeff{}", "[[[[", `"`, `\`, "{}\x00",
		`{"cmd": "post_perform", "challenges": [{"cmd": "post_perform", "challenges": []}]}`, `{"cmd": "report", "messages": [[[[]]]]}`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c := lookup(t, "json")
		events, err := c.Decode(envmap.Call{Stdin: []byte(line)})
		if err != nil {
			require.Empty(t, events)
			require.Less(t, len(err.Error()), 600)
			requirePlain(t, err.Error())
			return
		}
		again, err := c.Encode(events[0])
		require.NoError(t, err)
		require.Less(t, len(again.Stdin), 2000+6*len(line))
		require.NotContains(t, string(again.Stdin), "\x00")
	})
}
