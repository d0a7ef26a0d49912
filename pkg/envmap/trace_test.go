package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestTraceIsReadAsItWasWritten: except for what is only for people.
func TestTraceIsReadAsItWasWritten(t *testing.T) {
	failed := 65
	for _, want := range []envmap.Trace{
		{From: "certbot", Program: "extauth-hook", Call: envmap.Call{Args: []string{"auth"}, Env: map[string]string{"CERTBOT_DOMAIN": "a\n\"b\"ä"}}},
		{From: "acmetool", Program: "x", Call: envmap.Call{Args: []string{"", "-n"}, Env: map[string]string{}, Stdin: []byte("text\n")}, Exit: new(int)},
		{From: "json", Program: "x", Call: envmap.Call{Args: []string{}, Env: map[string]string{}, Stdin: []byte{}}, Exit: &failed, Error: "is \"wrong\""},
	} {
		line := want.Line()
		require.Regexp(t, `^\{"from": .*\}\n$`, string(line))
		got, err := envmap.ParseTrace(line)
		require.NoError(t, err, string(line))
		require.Equal(t, want, got)
	}
}

func TestTraceThatIsNone(t *testing.T) {
	for line, want := range map[string]string{
		`[]`:                                     "line is not a JSON object",
		`{}`:                                     "argv is missing",
		`{"argv": []}`:                           "argv is missing",
		`{"argv": "x"}`:                          "argv is not an array",
		`{"argv": ["x", 1]}`:                     "argv is not a string",
		`{"argv": ["x"], "exit": "0"}`:           `exit "\"0\"" is not a whole number`,
		`{"argv": ["x"], "env_added": {"A": 1}}`: "A is not a string",
		`{"argv": ["x"], "stdin": 1}`:            "line is not a JSON object",
	} {
		_, err := envmap.ParseTrace([]byte(line))
		require.EqualError(t, err, want, line)
	}
}

// TestPublicCall: what a trace must not have is left out, wherever it is.
func TestPublicCall(t *testing.T) {
	env := map[string]string{"CERTBOT_DOMAIN": "example.org", "PASSWORD": "SENTINEL", "HTTPREQ_PASSWORD": "SENTINEL"}
	public := lookup(t, "certbot").Public(envmap.Call{Args: []string{"auth"}, Env: env})
	require.Equal(t, envmap.Call{Args: []string{"auth"}, Env: map[string]string{"CERTBOT_DOMAIN": "example.org"}}, public)
	require.Empty(t, lookup(t, "httpreq").Public(envmap.Call{Env: env}).Env)
	require.Empty(t, lookup(t, "handler").Public(envmap.Call{Env: map[string]string{"cbot_json": "", "key_pem": "", "cbot_key_pem": ""}}).Env)

	line := `{"cmd": "post_perform", "key_pem": "SENTINEL", "other": {"a": 1}, "domains": ["a.test"], "challenges": [` +
		`{"cmd": "perform_challenge", "domain": "a.test", "key_pem": "SENTINEL", "Token": "SENTINEL"}]}`
	want := `{"cmd": "post_perform", "domains": ["a.test"], "challenges": [{"cmd": "perform_challenge", "domain": "a.test"}]}` + "\n"
	require.Equal(t, want, string(lookup(t, "json").Public(envmap.Call{Stdin: []byte(line)}).Stdin))
	require.Empty(t, lookup(t, "json").Public(envmap.Call{Stdin: []byte("SENTINEL")}).Stdin)
}
