package envmap_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestConventionsAreComplete: a convention is a file, a row and a directory of
// traces; one that lacks any of them is not done.
func TestConventionsAreComplete(t *testing.T) {
	rows := map[string]bool{}
	for _, c := range envmap.Conventions() {
		rows[c.Name] = true
		require.FileExists(t, c.Name+".go")
		require.NotEmpty(t, c.Doc, c.Name)
		require.NotEmpty(t, c.Ref, c.Name)
		require.True(t, c.From.Decode != nil || c.To.Encode != nil, c.Name)
		recorded, err := filepath.Glob(filepath.Join(traces, c.Traces, "*.jsonl"))
		require.NoError(t, err)
		require.NotEmpty(t, c.Traces, c.Name)
		require.NotEmpty(t, recorded, "traces of "+c.Name)
	}
	directories, err := os.ReadDir(traces)
	require.NoError(t, err)
	for _, d := range directories {
		if d.IsDir() {
			require.True(t, used(d.Name()), "no convention has the traces "+d.Name())
		}
	}
}

func used(directory string) bool {
	for _, c := range envmap.Conventions() {
		if c.Traces == directory {
			return true
		}
	}
	return false
}

func TestLookupKnowsNothingElse(t *testing.T) {
	_, ok := envmap.Lookup("Certbot")
	require.False(t, ok)
}

// everyEvent returns each event of the recorded calls and documented lines.
func everyEvent(t testing.TB) []envmap.Event {
	var all []envmap.Event
	for _, client := range clients() {
		for _, recorded := range calls(t, client) {
			for _, call := range recorded {
				if events, err := lookup(t, client).Decode(call); !isProbe(call) {
					require.NoError(t, err)
					all = append(all, whole(events)...)
				}
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(traces, lookup(t, "json").Traces, "*.jsonl"))
	require.NoError(t, err)
	for _, file := range files {
		eachLine(t, file, func(line []byte) {
			events, err := lookup(t, "json").Decode(envmap.Call{Stdin: line})
			require.NoError(t, err)
			all = append(all, events...)
		})
	}
	return all
}

// whole leaves out clean-ups that name only where: handlers are told of what was
// performed there.
func whole(events []envmap.Event) []envmap.Event {
	return slices.DeleteFunc(events, func(e envmap.Event) bool { return e.Partial })
}

// TestEveryPair: every event goes to every convention, or is refused with a
// typed error; what a convention wrote it reads again as the same event.
func TestEveryPair(t *testing.T) {
	for _, e := range everyEvent(t) {
		for _, to := range envmap.Conventions() {
			call, err := to.Encode(e)
			missing, unsupported := new(envmap.MissingError), new(envmap.UnsupportedError)
			if err != nil {
				require.True(t, errors.As(err, &missing) || errors.As(err, &unsupported), "%s: %T", to.Name, err)
				require.NotEmpty(t, err.Error())
				continue
			}
			if to.From.Decode != nil {
				requireSameEvent(t, e, to, call)
			}
		}
	}
}

// requireSameEvent decodes what was encoded. A convention may say less than
// the event does; it must not say otherwise.
func requireSameEvent(t *testing.T, e envmap.Event, to *envmap.Convention, call envmap.Call) {
	call.Args = asDecoded(to, e.Cmd, call.Args) // with the word that certbot's user writes
	events, err := to.Decode(call)
	require.NoError(t, err, "%s: %v", to.Name, call)
	require.Len(t, events, 1)
	got := events[0]
	require.Equal(t, e.Cmd, got.Cmd)
	if !e.IsChallenge() {
		return
	}
	require.Equal(t, e.Type, got.Type)
	require.Equal(t, e.Domain, got.Domain)
	requireSameValue(t, e, got)
	require.Equal(t, e.TXTDomain, got.TXTDomain)
	if got.Token != "" && call.Env["EXTAUTH_TOKEN_SYNTHETIC"] == "" {
		require.Equal(t, e.Token, got.Token)
	}
}

// requireSameValue compares what is to be published. The digest of tls-alpn-01
// has two forms.
func requireSameValue(t *testing.T, want, got envmap.Event) {
	if want.Type == envmap.TLSALPN01 {
		require.Equal(t, envmap.ALPNHex(want.Validation), envmap.ALPNHex(got.Validation))
		return
	}
	require.Equal(t, want.Validation, got.Validation)
}

// TestWhichConventionHasWhichCall is the design's table of events.
func TestWhichConventionHasWhichCall(t *testing.T) {
	const all = "certbot dehydrated handler json"
	for cmd, who := range map[envmap.Cmd]string{
		envmap.PerformChallenge: everyone(), envmap.Cleanup: everyone(), envmap.DeployCert: all + " getssl lego",
		envmap.UnchangedCert: "dehydrated handler json",
		envmap.Startup:       "certbot dehydrated json lego", envmap.Exit: "certbot dehydrated json lego",
		envmap.PrePerform: "handler json", envmap.PostPerform: "handler json",
		envmap.PreCleanup: "handler json", envmap.PostCleanup: "handler json",
		envmap.SyncCert: "dehydrated json", envmap.DeployOCSP: "dehydrated json", envmap.GenerateCSR: "dehydrated json",
		envmap.InvalidChallenge: "dehydrated json", envmap.RequestFailure: "dehydrated json",
		envmap.Save: "json", envmap.Restart: "json", envmap.Report: "json",
	} {
		for _, c := range envmap.Conventions() {
			_, err := c.Encode(placed(c.Name, full(cmd)))
			unsupported := new(envmap.UnsupportedError)
			require.Equal(t, !slices.Contains(strings.Fields(who), c.Name), errors.As(err, &unsupported), "%s %s: %v", c.Name, cmd, err)
			if !errors.As(err, &unsupported) {
				require.NoError(t, err, "%s %s", c.Name, cmd)
			}
		}
	}
}

// everyone are the conventions of handlers, all of which know challenges; a
// template does where a chain line has it.
func everyone() string {
	var names []string
	for _, c := range envmap.Conventions() {
		if c.To.Encode != nil && c.Name != "template" {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}

// placed is an event whose certificate's files are where a convention has them.
func placed(convention string, e envmap.Event) envmap.Event {
	if convention == "getssl" {
		e.CertPath, e.KeyPath = "/c/example.org/example.org.crt", "/c/example.org/example.org.key"
		e.ChainPath, e.FullchainPath = "/c/example.org/chain.crt", "/c/example.org/fullchain.crt"
	}
	return e
}

// full is an event of which everything is known.
func full(cmd envmap.Cmd) envmap.Event {
	printed := "handle"
	return envmap.Event{
		Cmd: cmd, Type: envmap.DNS01, Domain: "example.org", Token: "token", Validation: value, TXTDomain: "_acme-challenge.example.org",
		CertPath: "/c/cert.pem", KeyPath: "/c/privkey.pem", ChainPath: "/c/chain.pem", FullchainPath: "/c/fullchain.pem",
		CSRPath: "/c/cert.csr", OCSPPath: "/c/ocsp.der", CertDir: "/c", Timestamp: "1", Status: "400", Body: "b", Method: "get",
		Domains: []string{"example.org"}, AuthOutput: &printed,
	}
}
