package chain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseChain(t *testing.T) {
	chain, err := Parse("/etc/extauth/chain", `#!/usr/bin/extauth-dehydrated -c
# one handler a line

handler domain=*.Example.net,example.net. type=dns-01,http-01 env=ns1.env timeout=90s /bin/sh -c 'a b' "c\"d" \
	last\ word
certbot	auth='/bin/sh -e' cleanup=/bin/sh optional=yes strict=no
dehydrated phase=perform,cleanup,deploy_cert sh
`)
	require.NoError(t, err)
	require.Equal(t, []Handler{{
		Convention: "handler", Command: []string{"/bin/sh", "-c", "a b", `c"d`, "last word"},
		Domains: []string{"*.example.net", "example.net"}, Types: []string{"dns-01", "http-01"},
		EnvFiles: []string{"/etc/extauth/ns1.env"}, Timeout: 90 * time.Second, Line: 4,
	}, {
		Convention: "certbot", Commands: map[string][]string{"auth": {"/bin/sh", "-e"}, "cleanup": {"/bin/sh"}}, Optional: true, Line: 6,
	}, {
		Convention: "dehydrated", Command: []string{"sh"}, Phases: []string{"perform", "cleanup", "deploy_cert"}, Line: 7,
	}}, withoutConventions(chain))
}

// withoutConventions takes away what Parse found, for a comparison.
func withoutConventions(chain []Handler) []Handler {
	for i := range chain {
		chain[i].convention, chain[i].closer = nil, nil
	}
	return chain
}

// TestChainFaults: each names file and line, and what to look at.
func TestChainFaults(t *testing.T) {
	for line, want := range map[string]string{
		"handlr /bin/sh":                         `unknown convention "handlr" (did you mean "handler"?)`,
		"handler":                                "has no command",
		"handler domain=a.test":                  "has no command",
		"handler /bin/sh; rm":                    `unquoted ';' at character 16`,
		"handler '/bin/sh' 'a;b' | mail":         `unquoted '|' at character 25`,
		`handler /bin/sh a\;b "x\"&y" > f`:       `unquoted '>' at character 30`,
		"handler /bin/sh & ":                     `unquoted '&' at character 17`,
		"handler /bin/sh 'a":                     "unfinished quote",
		`handler /bin/sh a\nb`:                   `\n at character 18 may become a control character; put it into single quotes`,
		`handler /bin/sh 'a\nb' "\t"`:            `\t at character 25 may become a control character`,
		"handler domain= /bin/sh":                "domain= is empty",
		"handler domain=a..b /bin/sh":            `"a..b" is neither an identifier nor`,
		"handler domain=*.a.test,a.*.b /bin/sh":  `"a.*.b" is neither an identifier nor`,
		"handler domain=* /bin/sh":               `"*" is neither an identifier nor`,
		"handler type=dns /bin/sh":               `type=: unknown type "dns" (want one of http-01, dns-01, `,
		"handler phase=deploy /bin/sh":           `phase=: unknown phase "deploy" (want one of pre-perform, `,
		"handler timeout=90 /bin/sh":             `timeout=: "90" is not a duration`,
		"handler timeout=-1s /bin/sh":            "is not a duration",
		"handler optional=true /bin/sh":          "neither yes nor no",
		"handler optional=yes optional=no sh":    "duplicate key optional=",
		"handler color=red /bin/sh":              "unknown key color= for handler (want one of alias=, domain=, ",
		"handler auth=/bin/sh":                   "unknown key auth= for handler (want one of ",
		"certbot auth=/bin/sh /bin/sh":           "has a command for every event and one for a single event",
		"certbot auth='/bin/sh; x'":              "auth=: unquoted",
		"handler user=no-such-user-here /bin/sh": "user=:",
		"handler /nonexistent/x":                 "/nonexistent/x: no such file",
		"certbot auth=/nonexistent/x":            "/nonexistent/x: no such file",
		"handler no-such-program-here":           "no-such-program-here: is not in PATH",
		"handler /etc":                           "/etc: is a directory",
		"handler /etc/passwd":                    "not executable",
		"handler \xff":                           "not UTF-8",
		"dance sh":                               `unknown convention "dance" (want one of acmesh, acmetool, certbot, dehydrated, `,
		"handler optionl=yes sh":                 "unknown key optionl= for handler (did you mean optional=?)",
		"certbot ath=sh":                         "unknown key ath= for certbot (did you mean auth=?)",
		"handler batch=yes phase=cleanup sh":     "batch= is for the phase perform",
	} {
		_, err := Parse("/etc/extauth/chain", "\n"+line+"\n")
		faults := new(Error)
		require.ErrorAs(t, err, &faults, line)
		require.Len(t, faults.Faults, 1, line)
		require.Contains(t, err.Error(), "/etc/extauth/chain:2: ", line)
		require.Contains(t, err.Error(), want, line)
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	_, err := Parse("chain", "dance x\nhandler type=a phase=b timeout=c /nonexistent/x\nhandler /bin/sh\ncertbot\n")
	require.Equal(t, 6, strings.Count(err.Error(), "chain:"), err)
	_, err = Parse("chain", "# nothing\n")
	require.ErrorContains(t, err, "chain: has no handler")
}

// FuzzChain: a file is either refused as a whole or every handler of it is
// whole; nothing in it is run.
func FuzzChain(f *testing.F) {
	f.Add("handler domain=*.example.net env=/e /bin/sh\ncertbot auth='/bin/sh -q' cleanup=/bin/sh\n")
	f.Add("dehydrated phase=perform \\\n timeout=2m sh a\\ b \"c d\" 'e\n'")
	f.Add("#!x\n\nhandler sh; rm -rf /\n")
	f.Fuzz(func(t *testing.T, text string) {
		chain, err := Parse("/etc/chain", text)
		if err != nil {
			require.True(t, errors.As(err, new(*Error)))
			require.Empty(t, chain)
			return
		}
		for _, h := range chain {
			require.NotEmpty(t, h.Convention)
			require.True(t, len(h.Command) > 0 != (len(h.Commands) > 0))
			require.NotContains(t, strings.Join(h.Command, ""), "\x00")
		}
	})
}
