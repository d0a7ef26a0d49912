package envmap_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// shown is a call as a golden file has it: a word a line, then the variables,
// then the standard input.
func shown(c envmap.Call) string {
	var b strings.Builder
	for _, word := range c.Args {
		b.WriteString("arg " + word + "\n")
	}
	var names []string
	for name := range c.Env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		b.WriteString("env " + name + "=" + c.Env[name] + "\n")
	}
	return b.String() + string(c.Stdin)
}

// certbotOrder is an order as certbot tells it, a call for each challenge.
func certbotOrder(t *testing.T, challenges ...[2]string) []envmap.Event {
	var domains []string
	for _, c := range challenges {
		domains = append(domains, c[0])
	}
	var order []envmap.Event
	for i, c := range challenges {
		env := map[string]string{
			"CERTBOT_DOMAIN": c[0], "CERTBOT_VALIDATION": c[1], "CERTBOT_TOKEN": envmap.TokenOf(c[1]),
			"CERTBOT_ALL_DOMAINS": strings.Join(domains, ","), "CERTBOT_REMAINING_CHALLENGES": string(rune('0' + len(challenges) - 1 - i)),
		}
		if env["CERTBOT_TOKEN"] == "" {
			delete(env, "CERTBOT_TOKEN")
		}
		events, err := lookup(t, "certbot").Decode(envmap.Call{Args: []string{"auth"}, Env: env})
		require.NoError(t, err)
		order = append(order, events...)
	}
	return order
}

const secondValue = "ejEDZXYEeYHUxqBAiX4csh8GKkeVX7utK6BBOBshZ1Y"

// TestBatchOfEachConvention: one call for certbot's order of two.
func TestBatchOfEachConvention(t *testing.T) {
	for _, c := range envmap.Conventions() {
		t.Run(c.Name, func(t *testing.T) {
			order := certbotOrder(t, [2]string{"a.example.org", value}, [2]string{"b.example.org", secondValue})
			call, err := settled(t, c).EncodeBatch(order)
			require.NoError(t, err)
			file := filepath.Join("testdata", "golden", "batch", c.Name+".txt")
			if _, err := os.Stat(file); err != nil && c.To.Batch == nil {
				requireLastWithLines(t, settled(t, c), order, call)
				return
			}
			golden(t, file, shown(call))
		})
	}
}

// requireLastWithLines: without a call of its own for an order, a convention has
// that for the last challenge, and the order as lines on standard input.
func requireLastWithLines(t *testing.T, c *envmap.Convention, order []envmap.Event, call envmap.Call) {
	last, err := c.Encode(order[len(order)-1])
	require.NoError(t, err)
	require.Equal(t, last.Args, call.Args)
	require.Equal(t, last.Env, call.Env)
	lines := ""
	for _, e := range order {
		line, err := lookup(t, "json").Encode(e)
		require.NoError(t, err)
		lines += string(line.Stdin)
	}
	require.Equal(t, lines, string(call.Stdin))
}

// TestBatchOfHTTP: with a token for each challenge none is synthetic.
func TestBatchOfHTTP(t *testing.T) {
	order := certbotOrder(t, [2]string{"a.example.org", keyAuth}, [2]string{"2001:db8::1", "other." + thumbprint})
	call, err := lookup(t, "dehydrated").EncodeBatch(order)
	require.NoError(t, err)
	require.NotContains(t, call.Env, "EXTAUTH_TOKEN_SYNTHETIC")
	golden(t, filepath.Join("testdata", "golden", "batch", "dehydrated-http-01.txt"), shown(call))
}

// TestBatchOfOne is the call for the single challenge, except for the order on
// standard input.
func TestBatchOfOne(t *testing.T) {
	for _, c := range envmap.Conventions() {
		c = settled(t, c)
		order := certbotOrder(t, [2]string{"a.example.org", value})
		batch, err := c.EncodeBatch(order)
		require.NoError(t, err)
		single, err := c.Encode(order[0])
		require.NoError(t, err)
		require.Equal(t, single.Args, batch.Args, c.Name)
		require.Equal(t, single.Env, batch.Env, c.Name)
	}
}

// TestBatchLeavesTheEventsAlone: an order is encoded as often as it is needed.
func TestBatchLeavesTheEventsAlone(t *testing.T) {
	for _, c := range envmap.Conventions() {
		c = settled(t, c)
		order := certbotOrder(t, [2]string{"a.example.org", value}, [2]string{"b.example.org", secondValue})
		before, err := json.Marshal(order)
		require.NoError(t, err)
		first, err := c.EncodeBatch(order)
		require.NoError(t, err)
		again, err := c.EncodeBatch(order)
		require.NoError(t, err)
		require.Equal(t, shown(first), shown(again), c.Name)
		after, err := json.Marshal(order)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), c.Name)
	}
}

// TestBatchOfTracesIsDehydratedsOwn: what HOOK_CHAIN=yes sent is sent again, in
// one call.
func TestBatchOfTracesIsDehydratedsOwn(t *testing.T) {
	c := lookup(t, "dehydrated")
	seen := 0
	for name, recorded := range calls(t, "dehydrated") {
		for _, call := range recorded {
			events, err := c.Decode(call)
			if err != nil || len(events) < 2 || events[0].Cmd != envmap.PerformChallenge {
				continue
			}
			seen++
			again, err := c.EncodeBatch(events)
			require.NoError(t, err)
			require.Equal(t, call.Args, again.Args, name)
			require.Equal(t, ownVariables(c, call, events[0]), again.Env, name)
		}
	}
	require.NotZero(t, seen)
}

// TestBatchOfMixedTypes: dehydrated says the type once for a whole call. An
// order of several types must not tell a hook that the values of one are the
// other's.
func TestBatchOfMixedTypes(t *testing.T) {
	order := certbotOrder(t, [2]string{"a.example.org", keyAuth}, [2]string{"b.example.org", value})
	require.Equal(t, envmap.HTTP01, order[0].Type)
	require.Equal(t, envmap.DNS01, order[1].Type)
	call, err := lookup(t, "dehydrated").EncodeBatch(order)
	require.ErrorAs(t, err, new(*envmap.UnsupportedError), "CHALLENGETYPE=%s for %v", call.Env["CHALLENGETYPE"], call.Args)
}

// TestBatchOfWhatIsMissing: a challenge that the convention cannot be told of
// is an error for the whole.
func TestBatchOfWhatIsMissing(t *testing.T) {
	lacking := challenge(envmap.DNSAccount01, "b.test", value)
	for _, order := range [][]envmap.Event{
		{lacking, challenge(envmap.DNS01, "a.test", value)},
		{challenge(envmap.DNS01, "a.test", value), lacking},
	} {
		_, err := lookup(t, "dehydrated").EncodeBatch(order)
		require.ErrorAs(t, err, new(*envmap.MissingError))
		_, err = lookup(t, "text").EncodeBatch(order)
		require.ErrorAs(t, err, new(*envmap.MissingError))
	}
}
