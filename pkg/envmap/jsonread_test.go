package envmap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhereALineStopsBeingJSON: the message leads to the place, or to the start of
// the string or word that is wrong.
func TestWhereALineStopsBeingJSON(t *testing.T) {
	for text, want := range map[string]string{
		``:                "line is not a JSON object",
		" \n":             "line is not a JSON object",
		`[1,`:             "line is not a JSON object",
		`1 x`:             "line is not a JSON object",
		`hello`:           "line is not JSON near byte 0",
		`"abc`:            "line is not JSON near byte 0",
		`{`:               "line is not JSON near byte 1",
		`{"a"`:            "line is not JSON near byte 4",
		`{"a"x`:           "line is not JSON near byte 4",
		`{"a" "b"}`:       "line is not JSON near byte 5",
		`{"a":1,}`:        "line is not JSON near byte 7",
		`{"a":01}`:        "line is not JSON near byte 6",
		`{"a":nul}`:       "line is not JSON near byte 5",
		`torn`:            "line is not JSON near byte 0",
		`{"a":"b`:         "line is not JSON near byte 5",
		`{"a":"\`:         "line is not JSON near byte 5",
		`{"a":"b\x"}`:     "line is not JSON near byte 5",
		"{\"a\":\"b\n\"}": "line is not JSON near byte 5",
		`{"\"}":"b\"}`:    "line is not JSON near byte 7",
		`{"a":1}x`:        "unexpected data after the JSON object at byte 8",
		`{"a":1} {}`:      "unexpected data after the JSON object at byte 9",
		"{\"a\":1}\x00":   "unexpected data after the JSON object at byte 8",
	} {
		_, err := ParseObject([]byte(text))
		require.EqualError(t, err, want, text)
	}
}

// TestDepth: values nest as deep as maxDepth, and no deeper.
func TestDepth(t *testing.T) {
	nested := func(open, inner, end string, n int) []byte {
		return []byte(`{"x":` + strings.Repeat(open, n) + inner + strings.Repeat(end, n) + `}`)
	}
	for _, deepest := range [][]byte{nested("[", "", "]", maxDepth), nested("[", "1", "]", maxDepth-1), nested(`{"a":`, "1", "}", maxDepth-1)} {
		_, err := ParseObject(deepest)
		require.NoError(t, err, string(deepest))
	}
	for _, deeper := range [][]byte{nested("[", "", "]", maxDepth+1), nested("[", "1", "]", maxDepth), nested(`{"a":`, "1", "}", maxDepth)} {
		_, err := ParseObject(deeper)
		require.EqualError(t, err, "line nests deeper than 32", string(deeper))
	}
}

// FuzzAnyObject: what is read of an object is what encoding/json reads, and what
// it takes for none is refused.
func FuzzAnyObject(f *testing.F) {
	for _, text := range append(plainObjects(),
		`{"a": [1.50, {"b": -0e5, "c": []}, true, null, {}], "\u00fc\n": "\ud83d\ude00\ufffd\\ud800\u0000\/"}`,
		"{\"a\": \"\u2028\x7f\U0001f600\", \"b\": [[[\"\\\"]\"]]]}", `{"a":1}x`, `{"a":nul`, `{"a":"b\`,
	) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object, err := ParseObject([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), "not JSON") || strings.Contains(err.Error(), "after") {
				require.False(t, json.Valid([]byte(text)), err)
			}
			return
		}
		want := readByTheLibrary(t, []byte(text))
		require.Len(t, object, len(want))
		for _, m := range object {
			require.Equal(t, want[m.Name], readByTheLibrary(t, []byte(`{"x":`+m.Value+`}`))["x"])
		}
	})
}

func readByTheLibrary(t *testing.T, text []byte) (object map[string]any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&object))
	return object
}

// plainObjects are objects as streams have them.
func plainObjects() []string {
	return []string{
		`{"cmd": "restart"}`, `{"cmd":"restart","x":1}`,
		` { "cmd" : "restart" , "x" : [ "a" ,"b"] } `,
		`{"a":-0e5,"b":10,"c":1.50,"d":true,"e":false,"f":null,"":"","g":["a"]}`,
		`{"cmd": "cleanup", "type": "dns-01", "domains": ["a.test", "b.test"], "validated": null}`,
		manyMembers(32),
	}
}

// manyMembers is an object of n members.
func manyMembers(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"%d":0`, i))
	}
	return "{" + strings.Join(names, ",") + "}"
}
