package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// settled is a convention as a chain line can have it, with the settings that
// it must have.
func settled(t testing.TB, c *envmap.Convention) *envmap.Convention {
	if c.Name != "template" {
		return c
	}
	return templated(t, "add {txt_domain} {validation}", "rm {txt_domain} {validation}")
}

func templated(t testing.TB, perform, cleanup string) *envmap.Convention {
	settings := map[string]string{}
	if perform != "" {
		settings["perform"] = perform
	}
	if cleanup != "" {
		settings["cleanup"] = cleanup
	}
	c, err := lookup(t, "template").To.With(settings)
	require.NoError(t, err)
	return c
}

func TestTemplateIsRefusedWhenItIsRead(t *testing.T) {
	for text, reason := range map[string]string{
		"add":                        "has no field (want one of {domain}, {key_auth}, {token}, {txt_domain}, {type}, {uri}, {validation})",
		"add {name}":                 `unknown field "{name}"`,
		"add {validation":            `unknown field "{validation"`,
		"add {}":                     `unknown field "{}"`,
		"add {{validation}}":         `unknown field "{{validation}"`,
		"add {validation} '":         "unfinished quote",
		`add {validation} "a`:        "unfinished quote",
		`add {validation} \`:         "unfinished quote",
		"add {validation} | cat":     `unquoted '|' at character 18; no shell is used`,
		"add $(cat) {validation}":    `"$(cat)" is a substitution; no shell is used`,
		"add {validation}; rm":       `unquoted ';'`,
		"add {validation} > f":       `unquoted '>'`,
		"add `a` {validation}":       "\"`a`\" is a substitution; no shell is used",
		"add {validation}\nrm":       "control character",
		"add {validation} 'a\x01b' ": "control character",
		"  ":                         "is empty",
	} {
		for _, setting := range []string{"perform", "cleanup"} {
			_, err := lookup(t, "template").To.With(map[string]string{setting: text})
			require.ErrorContains(t, err, setting+"=: ", text)
			require.ErrorContains(t, err, reason, text)
		}
	}
	_, err := lookup(t, "template").To.With(nil)
	require.ErrorContains(t, err, "needs perform= or cleanup=")
}

// TestTemplateWords: words are those of a chain line, whatever the values hold.
func TestTemplateWords(t *testing.T) {
	e := full(envmap.PerformChallenge)
	e.Type, e.Validation = envmap.DNSPersist01, `ca.test; accounturi="a b" {token}`
	for text, want := range map[string][]string{
		"{validation}":                     {e.Validation},
		"a  {validation} ":                 {"a", e.Validation},
		`'a b'"c d"\ {token} ''`:           {"a bc d token", ""},
		`"\"" '\' {token}`:                 {`"`, `\`, "token"},
		"$HOME ~ * {token}":                {"$HOME", "~", "*", "token"},
		"{token}{type}-{token}":            {"token" + e.Type + "-token"},
		"é {token} }":                      {"é", "token", "}"},
		"'a;b|c' {token} '{token} {type}'": {"a;b|c", "token", "token " + e.Type},
	} {
		call, err := templated(t, text, "").Encode(e)
		require.NoError(t, err, text)
		require.Equal(t, want, call.Args, text)
		require.Empty(t, call.Env)
	}
}

func TestTemplateNeedsItsFields(t *testing.T) {
	e := full(envmap.Cleanup)
	for _, field := range []string{"key_auth", "uri"} {
		_, err := templated(t, "", "rm x{"+field+"}").Encode(e)
		missing := new(envmap.MissingError)
		require.ErrorAs(t, err, &missing)
		require.Equal(t, field, missing.Field)
	}
}

// TestTemplateOfAnotherEvent: one that has no template has no call.
func TestTemplateOfAnotherEvent(t *testing.T) {
	unsupported := new(envmap.UnsupportedError)
	for _, c := range []*envmap.Convention{lookup(t, "template"), templated(t, "", "rm {token}"), templated(t, "add {token}", "")} {
		_, err := c.Encode(full(envmap.DeployCert))
		require.ErrorAs(t, err, &unsupported)
	}
	_, err := templated(t, "", "rm {token}").Encode(full(envmap.PerformChallenge))
	require.ErrorAs(t, err, &unsupported)
	_, err = templated(t, "add {token}", "").Encode(full(envmap.Cleanup))
	require.ErrorAs(t, err, &unsupported)
}

// TestTemplateDomain: a handler that is told no name of a record makes it from
// the identifier, which must be that of an alias then.
func TestTemplateDomain(t *testing.T) {
	e := full(envmap.PerformChallenge)
	e.TXTDomain = "_acme-challenge.alias.test"
	for text, want := range map[string][]string{
		"{domain}":              {"alias.test"},
		"{txt_domain} {domain}": {"_acme-challenge.alias.test", "example.org"},
	} {
		call, err := templated(t, text, "").Encode(e)
		require.NoError(t, err)
		require.Equal(t, want, call.Args)
	}
	e.TXTDomain = "elsewhere.test"
	_, err := templated(t, "{domain}", "").Encode(e)
	require.ErrorAs(t, err, new(*envmap.MissingError))
}

// FuzzTemplate: what is read is filled in with as many words as it has.
func FuzzTemplate(f *testing.F) {
	f.Add("add {txt_domain} {validation}")
	f.Add(`'a b' "{token}"\ {type}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := lookup(t, "template").To.With(map[string]string{"perform": text})
		if err != nil {
			return
		}
		e := full(envmap.PerformChallenge)
		e.Type, e.KeyAuth, e.Token, e.URI = envmap.DNSPersist01, keyAuth, token, "http://example.org/"
		call, err := c.Encode(e)
		require.NoError(t, err)
		e.Validation, e.Domain = " a b ' \" ", "example.net"
		again, err := c.Encode(e)
		require.NoError(t, err)
		require.Len(t, again.Args, len(call.Args))
	})
}
