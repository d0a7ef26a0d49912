package envmap_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// kinds are what a hook is called for, as the matrix in docs/conventions.md abbreviates it.
func kinds() []struct {
	letter, challenge string
	cmd               envmap.Cmd
} {
	return []struct {
		letter, challenge string
		cmd               envmap.Cmd
	}{
		{"D", envmap.DNS01, envmap.PerformChallenge}, {"H", envmap.HTTP01, envmap.PerformChallenge},
		{"A", envmap.TLSALPN01, envmap.PerformChallenge}, {"C", "", envmap.DeployCert},
	}
}

// TestMatrix: which client can drive which handler is what the conventions
// make of the recorded calls. -update writes it.
func TestMatrix(t *testing.T) {
	const page, begin, end = "../../docs/conventions.md", "<!-- matrix: go test ./pkg/envmap -update -->\n", "<!-- end of the matrix -->\n"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	got, after, found := strings.Cut(rest, end)
	require.True(t, found)
	want := matrix(t)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+want+end+after), 0o644))
		got = want
	}
	require.Equal(t, want, got)
}

// matrix has a row for each handler convention and a column for each client, and
// says below why something is refused.
func matrix(t *testing.T) string {
	var from []*envmap.Convention
	head, rule := "| handler \\ client |", "|---|"
	for _, c := range envmap.Conventions() {
		if c.From.Decode != nil {
			from = append(from, c)
			head, rule = head+" "+c.Name+" |", rule+"---|"
		}
	}
	table := head + "\n" + rule + "\n"
	refused := map[string][]string{}
	for _, to := range envmap.Conventions() {
		if to.To.Encode == nil {
			continue
		}
		table += "| `" + to.Name + "` |"
		for _, client := range from {
			table += " " + cell(t, client, settled(t, to), refused) + " |"
		}
		table += "\n"
	}
	var reasons []string
	for reason, clients := range refused {
		reasons = append(reasons, fmt.Sprintf("- %s: not from %s.\n", reason, strings.Join(slices.Compact(clients), ", ")))
	}
	slices.Sort(reasons)
	return table + "\n" + strings.Join(reasons, "")
}

// cell says what works from a client to a handler, and notes why something that
// the client has and the handler knows is refused.
func cell(t *testing.T, client, to *envmap.Convention, refused map[string][]string) string {
	letters := ""
	for _, kind := range kinds() {
		e, has := toldBy(t, client, kind.cmd, kind.challenge)
		if !has {
			continue
		}
		call, err := to.Encode(e)
		missing := new(envmap.MissingError)
		switch {
		case err == nil && call.Env["EXTAUTH_TOKEN_SYNTHETIC"] != "":
			letters += kind.letter + "*"
		case err == nil:
			letters += kind.letter
		case errors.As(err, &missing):
			reason := fmt.Sprintf("`%s` %s needs %s", to.Name, kind.letter, missing.Field)
			refused[reason] = append(refused[reason], client.Name)
		}
	}
	if letters == "" {
		return "-"
	}
	return letters
}

// toldBy is the first event of a kind in a client's recordings; of a client that
// was not recorded, what it would tell of one of which everything is known.
func toldBy(t *testing.T, client *envmap.Convention, cmd envmap.Cmd, challenge string) (envmap.Event, bool) {
	var all []envmap.Event
	switch {
	case slices.Contains(clients(), client.Name):
		all = recordedEvents(t, client.Name)
	case client.Name == "json" || client.Name == "handler":
		all = documentedLines(t)
	default:
		all = retold(t, client)
	}
	for _, e := range all {
		if e.Cmd == cmd && e.Type == challenge {
			e.Timestamp = cmp.Or(e.Timestamp, "1") // the programs take it from the certificate's file
			return e, true
		}
	}
	return envmap.Event{}, false
}

func recordedEvents(t *testing.T, client string) []envmap.Event {
	var all []envmap.Event
	recordings := calls(t, client)
	var names []string
	for name := range recordings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, call := range recordings[name] {
			if events, err := lookup(t, client).Decode(call); err == nil {
				all = append(all, events...)
			}
		}
	}
	return all
}

// retold are events of which everything is known, as a convention repeats them.
func retold(t *testing.T, client *envmap.Convention) []envmap.Event {
	var all []envmap.Event
	for _, e := range documentedLines(t) {
		if client.To.Encode == nil {
			break
		}
		call, err := client.Encode(e)
		if err != nil {
			continue
		}
		if events, err := client.Decode(call); err == nil {
			all = append(all, events...)
		}
	}
	return all
}

// documentedLines are the plugin's, and a tls-alpn-01 challenge in their style.
func documentedLines(t *testing.T) []envmap.Event {
	var all []envmap.Event
	line, err := json.Marshal(map[string]string{
		"cmd": "perform_challenge", "type": envmap.TLSALPN01, "domain": "example.org", "token": envmap.TokenOf(keyAuth), "key_auth": keyAuth,
	})
	require.NoError(t, err)
	decode := func(line []byte) {
		events, err := lookup(t, "json").Decode(envmap.Call{Stdin: line})
		require.NoError(t, err)
		all = append(all, events...)
	}
	decode(line)
	for _, name := range []string{"json-dns-01-run.jsonl", "json-http-01-certonly.jsonl"} {
		eachLine(t, traces+"/certbot-external-auth-0.0.6/"+name, decode)
	}
	return all
}
