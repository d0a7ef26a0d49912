package runner

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// fill puts something into each field of a struct, but for those left out.
func fill(t *testing.T, place any, without ...string) {
	v := reflect.ValueOf(place).Elem()
	odd, number := "a \"b\"\n\x00\xff é\u2028", 7
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
		case *[]closer:
			*f = []closer{{"a.test", []string{"dns-01", "http-01"}}, {"b.test", nil}}
		default:
			t.Fatalf("%s: nothing to fill it with", name)
		}
	}
}

// TestRecordsComeBack: a field that somebody adds to a handler or to an event
// is written down, or stands here.
func TestRecordsComeBack(t *testing.T) {
	r := &record{Started: time.Unix(1763805504, 324791778).UTC(), Steps: []step{{Output: "kept\n"}, {}}}
	notOfAChallenge := []string{"ChainPath", "FullchainPath", "CSRPath", "OCSPPath", "CertDir", "Timestamp", "CertTimestamp",
		"FailedDomains", "Body", "Method", "Headers", "Title", "Temporary", "Messages"}
	fill(t, &r.Event, append(notOfAChallenge, "CertPEM", "KeyPEM", "Extra", "Challenges")...)
	fill(t, &r.Steps[0].Handler)
	text := appendRecord(r)
	again, err := readRecord(string(text))
	require.NoError(t, err)
	require.Equal(t, r, again)
	require.Equal(t, text, appendRecord(again))
	require.Equal(t, 3, strings.Count(string(text), "\n"), "a line for the event and for each step")
}

// TestRecordsHaveNoSecrets: key material, members that nobody knows, and
// passwords among the client's variables.
func TestRecordsHaveNoSecrets(t *testing.T) {
	e := envmap.Event{
		Cmd: envmap.PerformChallenge, CertPEM: "SENTINEL", KeyPEM: "SENTINEL", Extra: []envmap.Member{{Name: "x", Value: "SENTINEL"}},
		ClientEnv: map[string]string{"Le_PFXPassword": "SENTINEL", "Le_Domain": "a.test"},
	}
	text := string(appendRecord(&record{Event: e}))
	require.NotContains(t, text, "SENTINEL")
	require.Contains(t, text, `client_env "Le_Domain" "a.test"`)
	require.Len(t, e.ClientEnv, 2, "the handler gets it")
}

// TestTornMembers: what a crash left of a line never becomes another's.
func TestTornMembers(t *testing.T) {
	m := member{Event: envmap.Event{Cmd: envmap.PerformChallenge, Type: "dns-01", Domain: "a b.test", Domains: []string{"a", "b"}}, Awaited: true}
	line := string(write("member", func(n *notes) { n.member(&m) }))
	for n := range len(line) - 1 {
		var read member
		require.Error(t, readMember(line[:n], &read), line[:n])
		if err := readMember(line[:n]+line, &read); err == nil {
			require.Equal(t, m, read, line[:n])
		}
	}
}

// FuzzReadRecord: any text is read or refused, and what is read is written as
// it was.
func FuzzReadRecord(f *testing.F) {
	f.Add("event started \"1\" cmd \"perform_challenge\" remaining \"0\"\nstep convention \"json\" command \"a\" \"b\" command=auth \"c\" closer \"d\" \"\" timeout \"5\"\n")
	f.Add("event domains\nstep settings \"a\"\n")
	f.Add("event limit \"x\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readRecord(text)
		if err != nil {
			return
		}
		again, err := readRecord(string(appendRecord(r)))
		require.NoError(t, err)
		require.Equal(t, appendRecord(r), appendRecord(again))
	})
}
