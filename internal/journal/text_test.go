package journal

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/pkg/envmap"
)

// TestTextOnDisk: what later versions have to read.
func TestTextOnDisk(t *testing.T) {
	remaining := 0
	r := recordOf(perform("a.test"))
	r.Event.Remaining, r.Event.Domains, r.Event.Order = &remaining, []string{"b.test", "a.test"}, "b.test,a.test"
	r.Event.ClientEnv = map[string]string{"CERTBOT_DOMAIN": "a.test"}
	r.Steps = append(r.Steps, Step{Handler: chain.Handler{
		Convention: "certbot", Commands: map[string][]string{"auth": {"/a", "<b>"}, "cleanup": {"/c"}}, Domains: []string{"*.test"},
		Types: []string{"dns-01"}, Phases: []string{"perform"}, EnvFiles: []string{"/e"}, Timeout: 90 * time.Second, Optional: true,
		Strict: true, User: "nobody", Settings: map[string]string{"mode": "raw"}, Aliases: map[string]string{"a": "b"},
		Batch: true, Verify: "dns", Persist: true, Limit: 2, Line: 7,
	}})
	text, err := formatRecord(r)
	require.NoError(t, err)
	require.Equal(t, `extauth-journal 3 705 2f1df09bdcbf71634c274462a0293e5ccf4ae77c8bb61961fd7caa6c2e370fc3
{"event":{"Client":"certbot","ClientEnv":{"CERTBOT_DOMAIN":"a.test"},"Cmd":"perform_challenge","Domain":"a.test","Domains":["b.test","a.test"],"Order":"b.test,a.test","Remaining":0,"Type":"dns-01","Validation":"value"},"started":"2025-11-22T09:58:24.324791778Z","steps":[{"handler":{"convention":"handler","command":["/bin/sh","-c","a && b"],"line":3},"output":"kept\n"},{"handler":{"convention":"certbot","commands":{"auth":["/a","<b>"],"cleanup":["/c"]},"domain":["*.test"],"type":["dns-01"],"phase":["perform"],"env":["/e"],"timeout":90000000000,"optional":true,"strict":true,"user":"nobody","settings":{"mode":"raw"},"alias":{"a":"b"},"batch":true,"verify":"dns","persist":true,"limit":2,"line":7}}]}
`, string(text))
}

// fill puts something into each field of a struct, but for those left out.
func fill(t *testing.T, place any, without ...string) {
	v := reflect.ValueOf(place).Elem()
	odd, number := "a \"b\"\n\x00<&> é\u2028", 7
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if slices.Contains(without, name) {
			continue
		}
		switch f := v.Field(i).Addr().Interface().(type) {
		case *envmap.Cmd:
			*f = envmap.PerformChallenge
		case *string:
			*f = odd + name
		case *bool:
			*f = true
		case *int:
			*f = number
		case **int:
			*f = &number
		case **string:
			*f = &odd
		case *time.Duration:
			*f = time.Minute
		case *[]string:
			*f = []string{odd, "", name}
		case *map[string]string:
			*f = map[string]string{odd: "", "": name}
		case *map[string][]string:
			*f = map[string][]string{"auth": {odd, ""}, "pre": {}}
		default:
			t.Fatalf("%s: nothing to fill it with", name)
		}
	}
}

// TestRecordsComeBack: a field that somebody adds to a handler or to an event is
// written down, or is named here.
func TestRecordsComeBack(t *testing.T) {
	r := &Record{Started: time.Unix(1763805504, 324791778).UTC(), Steps: []Step{{Output: "kept\n"}, {}}}
	fill(t, &r.Event, "CertPEM", "KeyPEM", "Extra", "Challenges")
	fill(t, &r.Steps[0].Handler, "convention", "closer")
	text, err := formatRecord(r)
	require.NoError(t, err)
	read, err := parseRecord(text)
	require.NoError(t, err)
	require.Equal(t, r, read)
	again, err := formatRecord(read)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
	require.Equal(t, 2, strings.Count(string(text), "\n"), "a line with the version, and one")
}

// TestEmptyAndUnknownOutput: a handler that printed nothing is not one of which
// nothing is known.
func TestEmptyAndUnknownOutput(t *testing.T) {
	empty := ""
	for _, output := range []*string{nil, &empty} {
		e := perform("a.test")
		e.AuthOutput = output
		text, err := formatRecord(recordOf(e))
		require.NoError(t, err)
		r, err := parseRecord(text)
		require.NoError(t, err)
		require.Equal(t, output, r.Event.AuthOutput)
	}
}

// TestRecordsHaveNoSecrets: key material, members that nobody knows, and
// passwords among the client's variables.
func TestRecordsHaveNoSecrets(t *testing.T) {
	e := envmap.Event{
		Cmd: envmap.PerformChallenge, CertPEM: "SENTINEL", KeyPEM: "SENTINEL", Extra: []envmap.Member{{Name: "x", Value: "SENTINEL"}},
		Challenges: []envmap.Event{{Validation: "SENTINEL"}},
		ClientEnv:  map[string]string{"Le_PFXPassword": "SENTINEL", "Le_Domain": "a.test", "Le_Dir": "\xffSENTINEL"},
	}
	record, err := formatRecord(&Record{Event: e})
	require.NoError(t, err)
	member, err := encode(memberText{Event: eventText(e)})
	require.NoError(t, err)
	for _, text := range []string{string(record), string(member)} {
		require.NotContains(t, text, "SENTINEL")
		require.Contains(t, text, `"ClientEnv":{"Le_Domain":"a.test"}`)
	}
	require.Len(t, e.ClientEnv, 3, "the handler gets it")
}

// TestStepIsFoundOnce: that of an earlier run, wherever its line is by now, and
// one for each line of a chain that has it twice.
func TestStepIsFoundOnce(t *testing.T) {
	text, err := formatRecord(recordOf(perform("a.test")))
	require.NoError(t, err)
	r, err := parseRecord(text)
	require.NoError(t, err)
	h := r.Steps[0].Handler
	h.Line = 9
	s, added := r.Step(h)
	require.False(t, added)
	require.Equal(t, "kept\n", s.Output)
	s, added = r.Step(h)
	require.True(t, added)
	require.Empty(t, s.Output)
	require.Len(t, r.Steps, 2)
	h.Optional = true
	_, added = r.Step(h)
	require.True(t, added, "another handler")
}

// FuzzParseRecord: what is taken for a record has the length and the checksum of
// its first line.
func FuzzParseRecord(f *testing.F) {
	written, err := formatRecord(recordOf(perform("a.test")))
	require.NoError(f, err)
	f.Add(written)
	f.Add([]byte("extauth-journal 3 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := parseRecord(text); err == nil {
			require.NotNil(t, r)
			require.False(t, isOtherVersion(text))
			head, body, _ := bytes.Cut(text, []byte("\n"))
			require.Equal(t, header(version, body), string(head))
		}
	})
}

// FuzzReadRecord: any text is read or refused, and what is read is written as it
// was.
func FuzzReadRecord(f *testing.F) {
	f.Add(`{"event":{"Cmd":"perform_challenge","Remaining":0},"started":"2026-11-22T09:58:24Z","steps":[{"handler":{"convention":"json","command":["a"]}}]}`)
	f.Add(`{"event":{"Domains":[]},"steps":[{"handler":{"commands":{"auth":["c"]},"timeout":5},"output":"x"}]}`)
	f.Add(`{"event":{"AuthOutput":""}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := parseRecord([]byte(header(version, []byte(body)) + "\n" + body))
		if err != nil {
			return
		}
		text, err := formatRecord(r)
		require.NoError(t, err)
		read, err := parseRecord(text)
		require.NoError(t, err)
		again, err := formatRecord(read)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	})
}
