package journal

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// placed puts challenges into an order as certbot tells it, a call each.
func placed(events ...envmap.Event) []envmap.Event {
	var domains []string
	for _, e := range events {
		domains = append(domains, e.Domain)
	}
	for i := range events {
		remaining := len(events) - 1 - i
		events[i].Remaining, events[i].Domains, events[i].Order = &remaining, domains, strings.Join(domains, ",")
	}
	return events
}

func TestOrder(t *testing.T) {
	j := newJournal(t)
	events := placed(perform("a.test"), perform("b.test"), perform("c.test"))
	o := j.Order(events[0])
	require.Equal(t, o, j.Order(events[2]))
	_, known := o.Standing()
	require.False(t, known)
	require.False(t, o.Exists())
	for _, m := range []Member{{Event: events[0]}, {Event: events[1]}, {Event: events[0]}, {Event: events[1], Undone: true}, {Event: events[2]}} {
		require.NoError(t, o.Add(m))
	}
	standing, known := o.Standing()
	require.True(t, known)
	require.Equal(t, []envmap.Event{events[0], events[2]}, standing, "each once, in the order of the calls")
	require.NoError(t, o.Add(Member{Event: events[1]}))
	standing, _ = o.Standing()
	require.Len(t, standing, 3, "again")
	require.True(t, o.Exists())
	info, err := os.Stat(j.path(o.name))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoError(t, o.End())
	require.False(t, o.Exists())
	require.NoError(t, o.End())
}

// TestOrderOfOneCall: nothing is written of it.
func TestOrderOfOneCall(t *testing.T) {
	j := newJournal(t)
	o := j.Order(perform("a.test"))
	require.Equal(t, Order{}, o)
	require.NoError(t, o.Begin())
	require.NoError(t, o.Add(Member{Event: perform("a.test")}))
	_, known := o.Standing()
	require.False(t, known)
	require.False(t, o.Exists())
	require.NoError(t, o.End())
}

// TestTornMembers: what a crash left of a line never becomes another's.
func TestTornMembers(t *testing.T) {
	m := Member{Event: envmap.Event{Cmd: envmap.PerformChallenge, Type: "dns-01", Domain: "a b.test", Domains: []string{"a", "b"}}, Awaited: true}
	text, err := encode(memberText{eventText(m.Event), m.Undone, m.Awaited})
	require.NoError(t, err)
	line := string(text)
	require.Equal(t, []Member{m}, parseMembers(line))
	for n := range line {
		require.Empty(t, parseMembers(line[:n]), line[:n])
		for _, read := range parseMembers(line[:n] + line) {
			require.Equal(t, m, read, line[:n])
		}
		require.Equal(t, []Member{m}, parseMembers(line[:n] + "\n" + line)[max(0, len(parseMembers(line[:n]+"\n"+line))-1):], line[:n])
	}
	for _, foreign := range []string{"", "\n", "{}\n", "null\n", "[]\n", "member cmd \"perform_challenge\"\n"} {
		require.Empty(t, parseMembers(foreign))
	}
}

// TestForgetOrders: an order goes when no challenge of it is left, and is not
// going to be performed either.
func TestForgetOrders(t *testing.T) {
	j := newJournal(t)
	require.NoError(t, (&Journal{Dir: j.path("missing")}).ForgetOrders())
	performed := placed(perform("a.test"), perform("b.test"))
	awaited := placed(perform("c.test"), perform("d.test"))
	stale := placed(perform("e.test"), perform("f.test"))
	whole := placed(perform("g.test"), perform("h.test"))
	gone := placed(perform("i.test"), perform("j.test"))
	require.NoError(t, j.Save(Key(performed[0]), recordOf(performed[0])))
	require.NoError(t, j.Order(performed[0]).Add(Member{Event: performed[0]}))
	require.NoError(t, j.Order(awaited[0]).Add(Member{Event: awaited[0], Awaited: true}))
	require.NoError(t, j.Order(stale[0]).Add(Member{Event: stale[0], Awaited: true}))
	require.NoError(t, j.Order(whole[0]).Add(Member{Event: whole[0], Awaited: true}))
	require.NoError(t, j.Order(whole[1]).Add(Member{Event: whole[1]}))
	require.NoError(t, j.Order(gone[0]).Add(Member{Event: gone[0]}))
	old := time.Now().Add(-longestOrder - time.Minute)
	require.NoError(t, os.Chtimes(j.path(j.Order(stale[0]).name), old, old))
	require.NoError(t, j.ForgetOrders())
	for i, order := range [][]envmap.Event{performed, awaited} {
		require.True(t, j.Order(order[0]).Exists(), i)
	}
	for i, order := range [][]envmap.Event{stale, whole, gone} {
		require.False(t, j.Order(order[0]).Exists(), i)
	}
	require.NoError(t, j.Has(Key(performed[0])))
}

func TestFirstAndLast(t *testing.T) {
	events := placed(perform("a.test"), perform("b.test"), perform("c.test"))
	for i, e := range events {
		require.Equal(t, i == 0, IsFirst(e))
		require.Equal(t, i == 2, IsLast(e))
	}
	require.True(t, IsFirst(perform("a.test")) && IsLast(perform("a.test")), "an order of its own")
}
