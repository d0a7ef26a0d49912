package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestLexiconAnswer: lexicon ends with 0 where its provider says false.
func TestLexiconAnswer(t *testing.T) {
	answer := lookup(t, "lexicon").To.Answer
	for _, bad := range []string{"false\n", "False", "a log line\nfalse\n\n", "RESULT\n------\nFalse \n"} {
		require.ErrorContains(t, answer([]byte(bad)), "printed false", bad)
	}
	for _, good := range []string{"true\n", "", "\n", "false start\ntrue\n", "false\ntrue", "[]"} {
		require.NoError(t, answer([]byte(good)), good)
	}
}

// TestHandlersOfRecords: conventions that know only TXT records pass over other
// challenges and events, and need the record's name and value.
func TestHandlersOfRecords(t *testing.T) {
	for _, name := range []string{"acmesh", "lexicon", "winacme"} {
		c := lookup(t, name)
		unsupported, missing := new(envmap.UnsupportedError), new(envmap.MissingError)
		for _, other := range []string{envmap.HTTP01, envmap.TLSALPN01, envmap.DNSPersist01} {
			e := full(envmap.PerformChallenge)
			e.Type = other
			_, err := c.To.Encode(e)
			require.ErrorAs(t, err, &unsupported, name)
			require.Equal(t, other, unsupported.Type)
		}
		_, err := c.To.Encode(full(envmap.DeployCert))
		require.ErrorAs(t, err, &unsupported, name)
		for field, without := range map[string]func(*envmap.Event){
			"txt_domain": func(e *envmap.Event) { e.TXTDomain = "" },
			"validation": func(e *envmap.Event) { e.Validation = "" },
		} {
			e := full(envmap.Cleanup)
			without(&e)
			_, err := c.To.Encode(e)
			require.ErrorAs(t, err, &missing, name)
			require.Equal(t, field, missing.Field)
		}
	}
}

// TestHandlersOfAccountRecords: a dns-account-01 record has a name of its own.
func TestHandlersOfAccountRecords(t *testing.T) {
	e := full(envmap.PerformChallenge)
	e.Type, e.TXTDomain = envmap.DNSAccount01, "_label._acme-challenge.example.org"
	for name, want := range map[string][]string{
		"acmesh":  {"add", e.TXTDomain, value},
		"winacme": {"create", "example.org", e.TXTDomain, value},
		"lexicon": {"create", e.TXTDomain, "TXT", "--name=" + e.TXTDomain, "--content=" + value, "--output=JSON"},
	} {
		call, err := lookup(t, name).Encode(e)
		require.NoError(t, err)
		require.Equal(t, want, call.Args)
	}
}

// TestLexiconZone: DOMAIN is the zone that a chain line names, and records
// elsewhere pass the handler over.
func TestLexiconZone(t *testing.T) {
	e := full(envmap.PerformChallenge)
	for zone, want := range map[string]string{"Example.ORG.": "example.org", "_acme-challenge.example.org": "_acme-challenge.example.org"} {
		c, err := lookup(t, "lexicon").To.With(map[string]string{"zone": zone})
		require.NoError(t, err)
		call, err := c.Encode(e)
		require.NoError(t, err)
		require.Equal(t, []string{"create", want, "TXT"}, call.Args[:3])
	}
	c, err := lookup(t, "lexicon").To.With(map[string]string{"zone": "ple.org"})
	require.NoError(t, err)
	_, err = c.Encode(e)
	require.ErrorAs(t, err, new(*envmap.UnsupportedError))
	_, err = lookup(t, "lexicon").To.With(map[string]string{"zone": "a b"})
	require.ErrorContains(t, err, `zone=: "a b" is not a DNS name`)
}
