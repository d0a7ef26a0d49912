package propagation

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

type addrPort = netip.AddrPort

func mustAddrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestEndpoints(t *testing.T) {
	for text, want := range map[string]hostPort{
		"192.0.2.1": {"192.0.2.1", 53}, "192.0.2.1:5353": {"192.0.2.1", 5353},
		"2001:db8::1": {"2001:db8::1", 53}, "[2001:db8::1]": {"2001:db8::1", 53}, "[2001:db8::1]:54": {"2001:db8::1", 54},
		"NS1.example.org.": {"ns1.example.org", 53}, "ns1.example.org:54": {"ns1.example.org", 54},
	} {
		e := serverList{allowNames: true}
		require.NoError(t, e.Set(text), text)
		require.Equal(t, []hostPort{want}, e.list)
	}
	for _, text := range []string{"", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:", ":53", "-ns", "a b", "ns:dns", "[::1", "a..b", "192.0.2.1,"} {
		require.Error(t, (&serverList{allowNames: true}).Set(text), text)
	}
	require.Error(t, new(serverList).Set("ns1.example.org"), "a resolver cannot be looked up")
}

func TestSystemResolvers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\nnameserver fe80::1%lo\noptions edns0\nnameserver x\n")
	got, err := systemResolvers(file)
	require.NoError(t, err)
	require.Equal(t, []addrPort{netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("[fe80::1%lo]:53")}, got)
	write("")
	for _, path := range []string{file, file + ".none"} {
		got, err = systemResolvers(path)
		require.NoError(t, err)
		require.Equal(t, []addrPort{netip.MustParseAddrPort("127.0.0.1:53")}, got)
	}
}

// TestSchedule: the gap is constant at first, then a tenth of the elapsed time,
// then ten intervals.
func TestSchedule(t *testing.T) {
	start := time.Now()
	p := schedule{interval: time.Second, start: start, end: start.Add(time.Hour)}
	for after, want := range map[time.Duration]time.Duration{
		0: time.Second, 29 * time.Second: time.Second, 31 * time.Second: 3100 * time.Millisecond, 5 * time.Minute: 10 * time.Second,
	} {
		require.Equal(t, want, p.gap(start.Add(after)))
		next := p.next(start.Add(after)).Sub(start.Add(after))
		require.InDelta(t, float64(want), float64(next), float64(want)/10+1)
	}
	late := start.Add(time.Hour - 5*time.Second)
	require.Equal(t, p.end.Add(-time.Second), p.next(late), "the last look is just before the end")
}

func TestLinesOfAnErrorAreBounded(t *testing.T) {
	e := &UnfinishedError{Waited: time.Minute, Missing: 50, All: 60, Lines: make([]string, 50)}
	lines := strings.Split(e.Error(), "\n")
	require.Len(t, lines, maxErrorLines+2)
	require.Equal(t, "50 of 60 not visible after 1m0s", lines[0])
	require.Equal(t, "and 30 more", lines[len(lines)-1])
}

func TestNothingToWaitFor(t *testing.T) {
	require.NoError(t, new(Prober).Wait(t.Context(), nil))
}

// FuzzAnswer: whatever a server sends, decoding does not panic, and the value
// is only found if the answer contains it.
func FuzzAnswer(f *testing.F) {
	q := query{name: name, kind: dnsmessage.TypeTXT}
	for _, body := range []dnsmessage.ResourceBody{
		text(value), text("other"), &dnsmessage.CNAMEResource{CNAME: fqdn("x.example.net")}, &dnsmessage.NSResource{NS: fqdn("ns.example.org")},
	} {
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: 7, Response: true, Authoritative: true},
			Questions: []dnsmessage.Question{{Name: fqdn(name), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}},
			Answers:   []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: fqdn(name), Class: dnsmessage.ClassINET}, Body: body}},
		}
		packed, err := m.Pack()
		require.NoError(f, err)
		f.Add(packed)
		f.Add(packed[:len(packed)-3])
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := decode(message, q, 7)
		if err != nil || !r.hasTXT(name, value) {
			_, _ = r.delegation(name)
			_ = r.apex(name)
			return
		}
		var m dnsmessage.Message
		var parts strings.Builder
		_ = m.Unpack(message)
		for _, a := range m.Answers {
			if txt, ok := a.Body.(*dnsmessage.TXTResource); ok {
				parts.WriteString(strings.Join(txt.TXT, "") + "\n")
			}
		}
		if len(m.Answers) > 0 {
			require.Contains(t, parts.String(), value)
		}
		require.Equal(t, byte(7), message[1])
	})
}
