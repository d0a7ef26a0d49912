package runner

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestRecordsOfVersion1: a record that stands there since before an upgrade says
// what it said, as far as a clean-up needs it.
func TestRecordsOfVersion1(t *testing.T) {
	remaining, printed := 0, "one\n\U0001f600"
	want := record{
		Started: time.Date(2026, 11, 22, 15, 39, 14, 123456789, time.UTC),
		Event: envmap.Event{
			Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: "a.test", Token: "t", Validation: "v", TXTDomain: "_acme-challenge.a.test",
			URI: "u", ZDomain: "z", KeyAuth: "k", CertPath: "/c", KeyPath: "/k", Remaining: &remaining, Domains: []string{"a.test", "b.test"},
			Order: "a.test,b.test", AuthOutput: &printed, Client: "certbot", Via: "unix:/run/x", Undone: true,
			ClientEnv: map[string]string{"CERTBOT_DOMAIN": "a.test", "CERTBOT_EMPTY": ""}, Nulls: []string{"validated"},
		},
		Steps: []step{
			{Handler: Handler{Convention: "handler", Command: []string{"/bin/x", "a b", ""}, Domains: []string{"*.test"}, Types: []string{envmap.DNS01},
				Phases: []string{"perform"}, EnvFiles: []string{"/e"}, Timeout: time.Minute, Optional: true, User: "nobody",
				Settings: map[string]string{"mode": "raw"}, Aliases: map[string]string{"_acme-challenge.a.test": "b.test"}, Line: 7}, Output: "x\x1b"},
			{Handler: Handler{Convention: "certbot", Commands: map[string][]string{"auth": {"/a", "-q"}, "cleanup": {"/b"}}}},
		},
	}
	body, err := json.Marshal(want)
	require.NoError(t, err)
	got, err := parseRecord(append([]byte(inJSON+header(body)[len(version):]+"\n"), body...))
	require.NoError(t, err)
	require.Equal(t, want, *got)
}

// TestNoRecordsOfVersion1: what is none is not taken for one.
func TestNoRecordsOfVersion1(t *testing.T) {
	for _, body := range []string{``, `[]`, `{"Event":{"Remaining":"x"}}`, `{"Started":"today"}`, `{"Steps":[{"Handler":{"Timeout":1.5}}]}`} {
		_, err := readVersion1([]byte(body))
		require.Error(t, err, body)
	}
	for _, body := range []string{`{}`, `{"Steps":null,"Event":null}`, `{"Steps":[1,"x"],"Event":[{}]}`, `{"Steps":[{"Handler":{"Commands":{"a b":["c"]}}}]}`} {
		require.NotPanics(t, func() { _, _ = readVersion1([]byte(body)) }, body)
	}
}

// TestInstant: what encoding/json writes of a time is read as time.Parse does.
func TestInstant(t *testing.T) {
	for _, text := range []string{"2026-11-22T15:39:14Z", "2026-11-22T15:39:14.5Z", "2026-11-22T15:39:14.123456789+05:30", "2026-01-01T00:10:00-08:00"} {
		want, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		got, err := instant(text)
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s: %s", text, got)
	}
	for _, text := range []string{"", "today", "2026-11-22", "2026-11T15:39:14Z", "2026-11-22T15:39Z ", "2026-11-22Tx:39:14Z", "2026-11-22T15:39:14+x"} {
		_, err := instant(text)
		require.Error(t, err, text)
	}
}
