package envmap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainObjects are read without encoding/json.
func plainObjects() []string {
	return []string{
		`{"cmd": "restart"}`, `{"cmd":"restart","x":1}`,
		` { "cmd" : "restart" , "x" : [ "a" ,"b"] } `,
		`{"a":-0e5,"b":10,"c":1.50,"d":true,"e":false,"f":null,"":"","g":["a"]}`,
		`{"cmd": "cleanup", "type": "dns-01", "domains": ["a.test", "b.test"], "validated": null}`,
		manyMembers(32),
	}
}

func TestPlainObjects(t *testing.T) {
	for _, text := range plainObjects() {
		object, ok := plainObject(nil, []byte(text))
		require.True(t, ok, text)
		any, err := parseAnyObject([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, any, object)
	}
}

// TestObjectsThatAreNotPlain: encoding/json reads, or refuses, them.
func TestObjectsThatAreNotPlain(t *testing.T) {
	for _, text := range []string{
		"", "{}", "[]", "{", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`, `{"a":1}{}`, `{"a":1}x`, `{"a" "b"}`, "{\v\"a\":1}",
		`{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a\u0062":1}`, `{"ä":1}`, `{"a":"\n"}`, "{\"a\":\"\n\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\xff\"}", `{"a":"é"}`,
		`{"a":01}`, `{"a":-}`, `{"a":+1}`, `{"a":1.}`, `{"a":.1}`, "{\"a\":\n1}", "{\"a\":1}\r", `{"a":nul}`, `{"a":nulll}`, `{"a":True}`, `{"a":NaN}`,
		`{"a":{}}`, `{"a":[1]}`, `{"a":[]}`, `{"a":["a",]}`, `{"a":["a" "b"]}`, `{"a":["a"`, `{"a":"b`, `{"a`,
		manyMembers(33),
	} {
		_, ok := plainObject(nil, []byte(text))
		require.False(t, ok, text)
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

// FuzzPlainObject: what is read without encoding/json is what that reads.
func FuzzPlainObject(f *testing.F) {
	for _, text := range plainObjects() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object, ok := plainObject(nil, []byte(text))
		if !ok {
			return
		}
		any, err := parseAnyObject([]byte(text))
		require.NoError(t, err)
		require.Equal(t, any, object)
	})
}

func TestIsPlain(t *testing.T) {
	for i := range 11 {
		for c := range 256 {
			text := []byte(`aaaaa "~}zA`)
			text[i] = byte(c)
			require.Equal(t, ' ' <= c && c <= '~' && c != '\\', isPlain(string(text), '\\'), "%q", text)
		}
	}
}
