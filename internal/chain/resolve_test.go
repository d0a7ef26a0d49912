package chain

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

func perform(domain string) envmap.Event {
	return envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: domain,
		TXTDomain: "_acme-challenge." + domain, Validation: "667drNmQL3vX6bu8YZlgy0wKNBlCny8yrjF1lSaUndc"}
}

// TestHandMadeChainsAreRouted: as those of a file.
func TestHandMadeChainsAreRouted(t *testing.T) {
	made := []Handler{
		{Convention: "handler", Command: []string{"/bin/sh"}, Domains: []string{"*.Example.org."}},
		{Convention: "handler", Command: []string{"/bin/sh"}, Domains: []string{"*.sub.example.org"}},
	}
	chain, err := Resolve(made)
	require.NoError(t, err)
	require.Equal(t, []string{"*.Example.org."}, made[0].Domains, "the caller's is not changed")
	for domain, want := range map[string][]bool{
		"a.example.org": {true, false}, "a.sub.example.org": {false, true}, "sub.example.org": {true, false}, "example.net": {false, false},
	} {
		for i := range chain {
			require.Equal(t, want[i], chain[i].Matches(perform(domain)), "%s %d", domain, i)
		}
	}
	again, err := Resolve(chain[:1])
	require.NoError(t, err)
	require.True(t, again[0].Matches(perform("a.sub.example.org")), "by itself it takes all that it matches")
}

// TestHandMadeHandlersAreChecked: each mistake is an error, and all are reported.
func TestHandMadeHandlersAreChecked(t *testing.T) {
	sh := []string{"/bin/sh"}
	for want, h := range map[string]Handler{
		`unknown convention "dehydratd" (did you mean "dehydrated"?)`: {Convention: "dehydratd", Command: sh},
		`unknown convention "" (want one of acmesh, `:                 {},
		`has no command`:     {Convention: "handler"},
		`asks a person`:      {Convention: "text", Command: sh},
		`domain=: "a..b" is`: {Convention: "handler", Command: sh, Domains: []string{"a..b"}},
		`alias=: "a=>*.b" `:  {Convention: "handler", Command: sh, Aliases: map[string]string{"a": "*.b"}},
		`type=: unknown type "dns01" (did you mean "dns-01"?)`:     {Convention: "handler", Command: sh, Types: []string{"dns01"}},
		`phase=: unknown phase "clenup" (did you mean "cleanup"?)`: {Convention: "handler", Command: sh, Phases: []string{"clenup"}},
		`timeout=: -1s is less than 0`:                             {Convention: "handler", Command: sh, Timeout: -time.Second},
		`limit=: -1 is less than 0`:                                {Convention: "handler", Command: sh, Limit: -1},
		`verify=: "dnss" is neither dns nor http`:                  {Convention: "handler", Command: sh, Verify: "dnss"},
		`user=: `: {Convention: "handler", Command: sh, User: "no-such-user-here"},
		`unknown setting "mod" (did you mean "mode"?)`: {Convention: "lego", Command: sh, Settings: map[string]string{"mod": "raw"}},
		`mode`:                                       {Convention: "lego", Command: sh, Settings: map[string]string{"mode": "rwa"}},
		`unknown command "auht" (`:                   {Convention: "certbot", Commands: map[string][]string{"auht": sh}},
		`auth= is empty`:                             {Convention: "certbot", Commands: map[string][]string{"auth": nil}},
		`the word "a\xff" is not UTF-8 text`:         {Convention: "handler", Command: []string{"/bin/sh", "a\xff"}},
		`/nonexistent/x: no such file`:               {Convention: "handler", Command: []string{"/nonexistent/x"}},
		`is not in PATH`:                             {Convention: "handler", Command: []string{""}},
		`unix:/x takes no arguments (got "a")`:       {Convention: "json", Command: []string{"unix:/x", "a"}},
		`persist= is for a program that speaks json`: {Convention: "handler", Command: sh, Persist: true},
		`batch= is for the phase perform, which phase= leaves out`:    {Convention: "handler", Command: sh, Batch: true, Phases: []string{"cleanup"}},
		`persist= and batch= exclude each other: a program that stay`: {Convention: "json", Command: sh, Batch: true, Persist: true},
	} {
		_, err := Resolve([]Handler{h})
		require.ErrorAs(t, err, new(*Error), want)
		require.ErrorContains(t, err, want)
	}
	_, err := Resolve([]Handler{{Convention: "a"}, {Convention: "handler", Command: sh}, {Convention: "handler", Command: []string{"/nonexistent/x"}, Limit: -1}})
	faults := new(Error)
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults.Faults, 3)
	require.ErrorContains(t, err, "handler 1: unknown convention")
	require.ErrorContains(t, err, "handler 3: limit=: ")
	require.ErrorAs(t, err, new(*process.StartError))
}

// TestZeroHandler: nothing panics.
func TestZeroHandler(t *testing.T) {
	for _, h := range []Handler{{}, {Convention: "dehydratd", Command: []string{"/bin/sh"}}, {Convention: "certbot", Commands: map[string][]string{"auth": {}}}} {
		e := perform("a.test")
		require.NotPanics(t, func() {
			call, err := h.Encode(e)
			require.True(t, call == nil || err == nil)
			_, _ = h.Endpoint()
			_, _ = h.EncodeBatch([]envmap.Event{e})
			_, _, _ = h.Argv(e.Cmd), h.Words(e.Cmd), h.Name(e.Cmd)
			_, _, _, _ = h.IsPerson(), h.TakesOrders(), h.Bracketed(), h.Performs()
			_, _, _ = h.Startable(), h.Groups([]envmap.Event{e}), h.OnlyCleans(e)
			require.True(t, h.Equal(&h))
		})
	}
	h := Handler{Convention: "dehydratd", Command: []string{"/bin/sh"}}
	_, err := h.Encode(perform("a.test"))
	require.ErrorContains(t, err, `unknown convention "dehydratd"`)
	_, err = Resolve(nil)
	require.NoError(t, err)
}

// TestConventionIsLookedUpOnce: what Parse and Resolve found is kept, under the
// settings, until the handler is given another convention.
func TestConventionIsLookedUpOnce(t *testing.T) {
	chain, err := Parse("/etc/chain", "lego mode=raw /bin/sh\nhandler /bin/sh\n")
	require.NoError(t, err)
	again, err := Resolve(chain)
	require.NoError(t, err)
	for i := range chain {
		require.Same(t, chain[i].Resolved(), again[i].Resolved())
		require.Same(t, chain[i].Resolved(), chain[i].Resolved())
	}
	h := chain[1]
	h.Convention = "certbot"
	require.Equal(t, "certbot", h.Resolved().Name)
}

func TestResolveOfAHandlerThatWasWrittenDown(t *testing.T) {
	h := Handler{Convention: "handler", Command: []string{"/nonexistent/x"}}
	require.NoError(t, h.Resolve(), "its program may come back")
	require.Equal(t, "handler", h.Resolved().Name)
	for _, h := range []Handler{{Convention: "handlr"}, {Convention: "lego", Settings: map[string]string{"mode": "rwa"}}} {
		require.Error(t, h.Resolve())
		_, err := h.Resolved().Encode(perform("a.test"))
		require.Error(t, err)
	}
}

func TestEqual(t *testing.T) {
	chain, err := Parse("/etc/chain", "handler domain=a.test /bin/sh a\n\nhandler domain=a.test /bin/sh a\nhandler domain=a.test /bin/sh b\n")
	require.NoError(t, err)
	require.True(t, chain[0].Equal(&chain[1]), "another line")
	require.False(t, chain[0].Equal(&chain[2]))
	text, err := json.Marshal(chain[0])
	require.NoError(t, err)
	var read Handler
	require.NoError(t, json.Unmarshal(text, &read))
	require.True(t, read.Equal(&chain[0]), "from the journal")
	require.True(t, (&Handler{Domains: []string{}}).Equal(&Handler{}))
}

func TestWordsOfAHandler(t *testing.T) {
	chain, err := Parse("/etc/chain", "handler /bin/sh a\ncertbot auth='/bin/sh b'\njson unix:/run/x\ntext\n")
	require.NoError(t, err)
	var names []string
	var words, argv [][]string
	for i := range chain {
		names = append(names, chain[i].Name(envmap.PerformChallenge))
		words = append(words, chain[i].Words(envmap.PerformChallenge))
		argv = append(argv, chain[i].Argv(envmap.PerformChallenge))
	}
	require.Equal(t, []string{"line 1: handler /bin/sh", "line 2: certbot /bin/sh", "line 3: json unix:/run/x", "line 4: text"}, names)
	require.Equal(t, [][]string{{"/bin/sh", "a"}, {"/bin/sh", "b"}, {"json", "unix:/run/x"}, {"text"}}, words)
	require.Equal(t, [][]string{{"/bin/sh", "a"}, {"/bin/sh", "b"}, {"unix:/run/x"}, nil}, argv)
	require.Nil(t, chain[1].CommandFor(envmap.Cleanup))
	to, listens := chain[2].Endpoint()
	require.True(t, listens)
	require.Equal(t, endpoint.Address{Scheme: "unix", Path: "/run/x"}, to)
	require.True(t, chain[3].IsPerson())
	require.True(t, chain[3].Batch)
}

// TestEndpointFaults: all that is wrong with such lines is said at once.
func TestEndpointFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chain")
	lines := "json unix:\njson fifo:\njson unix:a b\njson env=e.env unix:a\njson user=root unix:a\n"
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o644))
	_, err := Read(file)
	require.ErrorContains(t, err, "chain:1: unix: has no path")
	require.ErrorContains(t, err, "chain:2: fifo: has no path")
	require.ErrorContains(t, err, `/a takes no arguments (got "b")`)
	require.ErrorContains(t, err, "chain:4: env= is for a program")
	require.ErrorContains(t, err, "chain:5: user=")
}

// TestPersistFaults: what makes no sense is refused with the file.
func TestPersistFaults(t *testing.T) {
	for line, want := range map[string]string{
		"handler persist=yes /bin/true":        "persist= is for a program that speaks json",
		"json persist=yes unix:/run/x":         "persist= is for a program that speaks json",
		"json persist=yes fifo:/run/x":         "persist= is for a program that speaks json",
		"json persist=yes batch=yes /bin/true": "persist= and batch= exclude each other",
		"json persist=always /bin/true":        `persist=: "always" is neither yes nor no`,
		"json limit=0 /bin/true":               `limit=: "0" is not a number of calls, from 1`,
		"json limit=-1 /bin/true":              `limit=: "-1" is not a number of calls, from 1`,
		"json limit=many /bin/true":            `limit=: "many" is not a number of calls, from 1`,
		"json limit=99999999999 /bin/true":     `limit=: "99999999999" is not a number of calls, from 1`,
	} {
		_, err := Parse("/etc/chain", line+"\n")
		require.ErrorContains(t, err, "/etc/chain:1: "+want, line)
	}
	chain, err := Parse("/etc/chain", "handler persist=no limit=3 /bin/true\n")
	require.NoError(t, err)
	require.Equal(t, 3, chain[0].Limit)
}

// TestBatchNeedsThePerform: it has no meaning elsewhere.
func TestBatchNeedsThePerform(t *testing.T) {
	for options, ok := range map[string]bool{
		"batch=yes phase=cleanup": false, "batch=yes phase=post-perform": false, "batch=maybe": false, "batch=": false,
		"batch=yes batch=yes": false, "batch=no phase=cleanup": true, "batch=yes phase=cleanup,perform": true,
	} {
		_, err := Parse("chain", "handler "+options+" /bin/true\n")
		require.Equal(t, ok, err == nil, "%s: %v", options, err)
	}
}

func TestParseLineReturnsAHandlerThatIsMissing(t *testing.T) {
	h, err := ParseLine([]string{"dehydrated", "./absent"})
	start := new(process.StartError)
	require.ErrorAs(t, err, &start)
	require.True(t, start.NotFound())
	require.Equal(t, "absent", filepath.Base(h.Command[0]))
}

func TestAliases(t *testing.T) {
	chain, err := Parse("chain", "handler 'alias=_acme-challenge.A.test.=>a.acme.test' /bin/sh\n")
	require.NoError(t, err)
	order := envmap.Event{Cmd: envmap.PostPerform, Challenges: []envmap.Event{perform("a.test"), perform("b.test")}}
	require.Equal(t, "a.acme.test", chain[0].Aliased(order.Challenges[0]).TXTDomain)
	aliased := chain[0].Aliased(order)
	require.Equal(t, "a.acme.test", aliased.Challenges[0].TXTDomain)
	require.Equal(t, "_acme-challenge.b.test", aliased.Challenges[1].TXTDomain)
	require.Equal(t, "_acme-challenge.a.test", order.Challenges[0].TXTDomain, "the caller's is not changed")
	for _, value := range []string{"a", "a=>", "a=>b,", "*.a=>b", "a=>b=>c"} {
		_, err := Parse("chain", "handler 'alias="+value+"' /bin/sh\n")
		require.Error(t, err, value)
	}
}

// TestGroups: a convention that cannot mix types gets one call for each.
func TestGroups(t *testing.T) {
	h := Handler{Convention: "json", Command: []string{"/bin/sh"}}
	order := []envmap.Event{perform("a.test"), perform("b.test")}
	require.Equal(t, [][]envmap.Event{order}, h.Groups(order))
	require.Equal(t, order, h.Filter(order))
	require.True(t, h.OnlyCleans(order[0]))
}

// TestConventionIsMadeOnce: for each handler, however often a chain is resolved.
func TestConventionIsMadeOnce(t *testing.T) {
	parsed, err := Parse("/chain", "lego mode=raw /bin/true\ndehydrated /bin/true\n")
	require.NoError(t, err)
	resolved, err := Resolve(parsed)
	require.NoError(t, err)
	again, err := Resolve(resolved)
	require.NoError(t, err)
	for i := range parsed {
		require.Same(t, parsed[i].Resolved(), resolved[i].Resolved())
		require.Same(t, parsed[i].Resolved(), again[i].Resolved())
	}
}
