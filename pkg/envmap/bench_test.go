package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// typical is a line as streams are made of.
const typical = `{"cmd": "perform_challenge", "type": "http-01", "domain": "host000001.dept01.example.org", "token": "` + token + `", "validation": "` + keyAuth +
	`", "uri": "http://host000001.dept01.example.org/.well-known/acme-challenge/` + token + `", "key_auth": "` + keyAuth + `"}`

func BenchmarkDecodeJSON(b *testing.B) {
	c, call := lookup(b, "json"), envmap.Call{Stdin: []byte(typical)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(call); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeJSON(b *testing.B) {
	c := lookup(b, "json")
	events, err := c.Decode(envmap.Call{Stdin: []byte(typical)})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encode(events[0]); err != nil {
			b.Fatal(err)
		}
	}
}
