package propagation

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/extauth/extauth/pkg/envmap"
)

// recursive is the address of the recursive server.
const recursive = "127.0.0.53"

// fakeDNS is a DNS on loopback addresses: one recursive server and any number
// of authoritative ones. It is a fake, since records have to appear at given
// times, each on its own server, and servers have to misbehave in ways that no
// real one does on demand.
type fakeDNS struct {
	t    *testing.T
	port uint16

	mu      sync.Mutex
	begun   time.Time
	entries []entry
	serves  map[string][]string                                         // zones by server address
	mangle  map[string]func(m dnsmessage.Message, network string) []any // see answers
	asked   map[string]int                                              // TXT queries by server address
}

// entry is a record that a server has from a given time on.
type entry struct {
	name string
	body dnsmessage.ResourceBody
	from time.Duration // since start
	on   string        // address of the only server that has it, or ""
}

func newFakeDNS(t *testing.T) *fakeDNS {
	w := &fakeDNS{t: t, begun: time.Now(), serves: map[string][]string{}, asked: map[string]int{},
		mangle: map[string]func(dnsmessage.Message, string) []any{}}
	w.listen(recursive)
	return w
}

// zone adds a zone with name servers ns1 to nsN, in the zone itself, at
// addresses.
func (w *fakeDNS) zone(zone string, addresses ...string) {
	w.add(zone, &dnsmessage.SOAResource{NS: fqdn("ns1." + zone), MBox: fqdn("h." + zone)})
	for i, address := range addresses {
		w.server(zone, "ns"+strconv.Itoa(i+1)+"."+zone, address)
	}
}

// server adds a name server, or a further address of one, to a zone.
func (w *fakeDNS) server(zone, name, address string) {
	w.add(zone, &dnsmessage.NSResource{NS: fqdn(name)})
	w.add(name, addressBody(address))
	w.mu.Lock()
	known := w.serves[address] != nil
	w.serves[address] = append(w.serves[address], zone)
	w.mu.Unlock()
	if !known {
		w.listen(address)
	}
}

func addressBody(address string) dnsmessage.ResourceBody {
	ip := netip.MustParseAddr(address)
	if ip.Is4() {
		return &dnsmessage.AResource{A: ip.As4()}
	}
	return &dnsmessage.AAAAResource{AAAA: ip.As16()}
}

func fqdn(name string) dnsmessage.Name { return dnsmessage.MustNewName(name + ".") }

func (w *fakeDNS) add(name string, body dnsmessage.ResourceBody) { w.later(name, body, 0, "") }

// later adds a record that is there from a given time on, at one server or all.
func (w *fakeDNS) later(name string, body dnsmessage.ResourceBody, from time.Duration, on string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, entry{strings.ToLower(name), body, from, on})
}

func text(value string) dnsmessage.ResourceBody {
	var parts []string
	for ; len(value) > 20; value = value[20:] {
		parts = append(parts, value[:20])
	}
	return &dnsmessage.TXTResource{TXT: append(parts, value)}
}

// answerWith makes a server answer with other messages than the right one. Each
// is a dnsmessage.Message or bytes; an empty list means no answer.
func (w *fakeDNS) answerWith(address string, mangle func(m dnsmessage.Message, network string) []any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mangle[address] = mangle
}

func silent(dnsmessage.Message, string) []any { return nil }

// listen serves an address on UDP and TCP until the test ends. All addresses
// have the same port.
func (w *fakeDNS) listen(address string) {
	for {
		packets, err := net.ListenPacket("udp", net.JoinHostPort(address, strconv.Itoa(int(w.port))))
		require.NoError(w.t, err)
		port := packets.LocalAddr().(*net.UDPAddr).Port
		streams, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err != nil && w.port == 0 {
			packets.Close()
			continue // another process has it
		}
		require.NoError(w.t, err)
		w.port = uint16(port)
		w.t.Cleanup(func() { packets.Close(); streams.Close() })
		go w.packets(packets, address)
		go w.streams(streams, address)
		return
	}
}

func (w *fakeDNS) packets(conn net.PacketConn, address string) {
	buffer := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		message := bytes.Clone(buffer[:n])
		go func() {
			for _, answer := range w.answers(message, address, "udp") {
				_, _ = conn.WriteTo(answer, from)
			}
		}()
	}
}

func (w *fakeDNS) streams(listener net.Listener, address string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		var length [2]byte
		_, _ = io.ReadFull(conn, length[:])
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		_, _ = io.ReadFull(conn, message)
		for _, answer := range w.answers(message, address, "tcp") {
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}
		conn.Close()
	}
}

// answers returns the datagrams that a server sends in answer to one.
func (w *fakeDNS) answers(message []byte, address, network string) [][]byte {
	var m dnsmessage.Message
	if m.Unpack(message) != nil || len(m.Questions) != 1 {
		return nil
	}
	w.mu.Lock()
	m = w.answer(m, address)
	mangle := w.mangle[address]
	w.mu.Unlock()
	all := []any{m}
	if mangle != nil {
		all = mangle(m, network)
	}
	var packed [][]byte
	for _, one := range all {
		if raw, ok := one.([]byte); ok {
			packed = append(packed, raw)
			continue
		}
		one := one.(dnsmessage.Message)
		raw, err := one.Pack()
		if err != nil {
			panic(err)
		}
		packed = append(packed, raw)
	}
	return packed
}

// answer is the right answer.
func (w *fakeDNS) answer(m dnsmessage.Message, address string) dnsmessage.Message {
	q := m.Questions[0]
	name := canonicalName(q.Name)
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: m.RecursionDesired}
	m.Additionals = nil
	if q.Type == dnsmessage.TypeTXT {
		w.asked[address]++
	}
	zone, mine := w.zoneOf(name, address)
	if !mine {
		m.RCode = dnsmessage.RCodeRefused
		return m
	}
	m.Authoritative = address != recursive
	if cut := w.cut(name, zone, address); cut != "" {
		m.Authoritative = false
		m.Authorities = w.resources(cut, dnsmessage.TypeNS, address)
		return m
	}
	m.Answers = w.resources(name, q.Type, address)
	if len(m.Answers) == 0 {
		m.Authorities = w.resources(zone, dnsmessage.TypeSOA, address)
		m.RCode = dnsmessage.RCodeNameError
	}
	return m
}

// zoneOf returns the deepest zone of a server that a name is in.
func (w *fakeDNS) zoneOf(name, address string) (deepest string, found bool) {
	zones := w.serves[address]
	if address == recursive {
		for _, e := range w.entries {
			if _, is := e.body.(*dnsmessage.SOAResource); is && w.isThere(e, address) {
				zones = append(zones, e.name)
			}
		}
	}
	for _, zone := range zones {
		if isWithin(name, zone) && len(zone) >= len(deepest) {
			deepest, found = zone, true
		}
	}
	return deepest, found || address == recursive
}

// cut returns a delegation between a server's zone and a name, or "".
func (w *fakeDNS) cut(name, zone, address string) string {
	for at := name; at != zone && at != "" && address != recursive; at = parent(at) {
		for _, r := range w.resources(at, dnsmessage.TypeNS, address) {
			if _, is := r.Body.(*dnsmessage.NSResource); is {
				return at
			}
		}
	}
	return ""
}

func (w *fakeDNS) isThere(e entry, address string) bool {
	return (e.on == "" || e.on == address) && time.Since(w.begun) >= e.from
}

// resources returns a server's records of a type at a name; a CNAME matches
// every type.
func (w *fakeDNS) resources(name string, kind dnsmessage.Type, address string) []dnsmessage.Resource {
	var all []dnsmessage.Resource
	for _, e := range w.entries {
		header := dnsmessage.ResourceHeader{Name: fqdn(name), Class: dnsmessage.ClassINET, TTL: 1}
		_, alias := e.body.(*dnsmessage.CNAMEResource)
		if e.name == name && w.isThere(e, address) && (alias || typeOf(e.body) == kind) {
			all = append(all, dnsmessage.Resource{Header: header, Body: e.body})
		}
	}
	return all
}

func typeOf(body dnsmessage.ResourceBody) dnsmessage.Type {
	switch body.(type) {
	case *dnsmessage.SOAResource:
		return dnsmessage.TypeSOA
	case *dnsmessage.NSResource:
		return dnsmessage.TypeNS
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		return dnsmessage.TypeAAAA
	case *dnsmessage.TXTResource:
		return dnsmessage.TypeTXT
	}
	return 0
}

// count returns how many TXT queries a server got.
func (w *fakeDNS) count(address string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[address]
}

// prober returns a Prober for these servers. Its interval is short.
func (w *fakeDNS) prober(timeout time.Duration) *Prober {
	p := &Prober{Timeout: timeout, Interval: 20 * time.Millisecond, port: w.port}
	require.NoError(w.t, p.resolvers.Set(net.JoinHostPort(recursive, strconv.Itoa(int(w.port)))))
	return p
}

func (w *fakeDNS) wait(p *Prober, challenges ...envmap.Event) error {
	return p.Wait(context.Background(), challenges)
}

func txt(name, value string) envmap.Event {
	return envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, TXTDomain: name, Validation: value}
}

// longTimeout is more than any test needs.
const longTimeout = 20 * time.Second

// shortTimeout is long enough to notice that a record is missing.
const shortTimeout = time.Second
