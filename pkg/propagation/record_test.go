package propagation

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	zone  = "example.org"
	name  = "_acme-challenge.example.org"
	value = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
)

// requireMissing fails unless the error is an *UnfinishedError with the line.
func requireMissing(t *testing.T, err error, line string) {
	t.Helper()
	var unfinished *UnfinishedError
	require.ErrorAs(t, err, &unfinished)
	require.Contains(t, unfinished.Lines, line)
}

func at(w *fakeDNS, server string) string { return fmt.Sprintf("%s:%d", server, w.port) }

func TestRecordIsThereAtOnce(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.add(name, text("another value"))
	w.add(name, text(value))
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.Equal(t, 1, w.count("127.0.0.11"))
	require.Equal(t, 1, w.count("127.0.0.12"))
}

func TestRecordIsLateOnOneServer(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.later(name, text(value), 0, "127.0.0.11")
	w.later(name, text(value), 400*time.Millisecond, "127.0.0.12")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.GreaterOrEqual(t, time.Since(w.begun), 400*time.Millisecond)
	require.Equal(t, 1, w.count("127.0.0.11"), "what is there is not asked again")
	require.Greater(t, w.count("127.0.0.12"), 3)
}

func TestMissingIsNamedPerServer(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12", "127.0.0.13")
	w.later(name, text(value), 0, "127.0.0.11")
	w.later(name, text("old"), 0, "127.0.0.12")
	err := w.wait(w.prober(shortTimeout), txt(name, value))
	requireMissing(t, err, fmt.Sprintf("%s (ns2.example.org): %s: no TXT record with the value %q", at(w, "127.0.0.12"), name, value))
	requireMissing(t, err, fmt.Sprintf("%s (ns3.example.org): %s: no such name (NXDOMAIN)", at(w, "127.0.0.13"), name))
	require.NotContains(t, err.Error(), "ns1.")
}

func TestDeadServer(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.answerWith("127.0.0.12", silent)
	w.add(name, text(value))
	err := w.wait(w.prober(shortTimeout), txt(name, value))
	requireMissing(t, err, fmt.Sprintf("%s (ns2.example.org): %s: no answer", at(w, "127.0.0.12"), name))

	p := w.prober(longTimeout)
	p.Quorum = 1
	start := time.Now()
	require.NoError(t, w.wait(p, txt(name, value)))
	require.Less(t, time.Since(start), queryTimeout, "a dead server is not waited for where it is not needed")
}

// TestSlowServer: a server that answers late delays no other.
func TestSlowServer(t *testing.T) {
	const slow = 600 * time.Millisecond
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.answerWith("127.0.0.12", func(m dnsmessage.Message, _ string) []any {
		time.Sleep(slow)
		return []any{m}
	})
	w.later(name, text(value), 0, "127.0.0.12")
	w.later(name, text(value), 400*time.Millisecond, "127.0.0.11")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.Less(t, time.Since(w.begun), 3*slow)
	require.Equal(t, 1, w.count("127.0.0.12"))
	require.Greater(t, w.count("127.0.0.11"), 10)
}

// TestDeadServerHoldsNobodyUp: even if more queries wait for it than may be
// under way at once.
func TestDeadServerHoldsNobodyUp(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.answerWith("127.0.0.12", silent)
	var all []envmap.Event
	for i := range 3 * maxQuestions {
		host := fmt.Sprintf("_acme-challenge.h%d.example.org", i)
		w.later(host, text(value), 100*time.Millisecond, "")
		all = append(all, txt(host, value))
	}
	p := w.prober(longTimeout)
	p.Quorum = 1
	start := time.Now()
	require.NoError(t, w.wait(p, all...))
	require.Less(t, time.Since(start), queryTimeout)
}

func TestQuorum(t *testing.T) {
	for quorum, ready := range map[int]bool{0: false, 1: true, 2: true, 3: false, 9: false} {
		w := newFakeDNS(t)
		w.zone(zone, "127.0.0.11", "127.0.0.12", "127.0.0.13")
		w.later(name, text(value), 0, "127.0.0.11")
		w.later(name, text(value), 0, "127.0.0.12")
		p := w.prober(shortTimeout)
		p.Quorum = quorum
		require.Equal(t, ready, w.wait(p, txt(name, value)) == nil, quorum)
	}
}

func TestWildcardAndItsParentAreTwoValues(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, text("one"))
	w.later(name, text("two"), 200*time.Millisecond, "")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, "one"), txt(name, "two")))
	require.GreaterOrEqual(t, time.Since(w.begun), 200*time.Millisecond)
}

func TestCNAME(t *testing.T) {
	const target = "x.acme.example.net"
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.zone("example.net", "127.0.0.12")
	w.add(name, &dnsmessage.CNAMEResource{CNAME: fqdn(target)})
	w.later(target, text(value), 100*time.Millisecond, "")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))

	p := w.prober(shortTimeout)
	p.NoCNAME = true
	err := w.wait(p, txt(name, value))
	requireMissing(t, err, fmt.Sprintf("%s (ns1.example.org): %s: a CNAME to %s, and not followed", at(w, "127.0.0.11"), name, target))
}

// TestCNAMEThatAppearsLate: the recursive server does not know of it, and the
// servers get it one after the other. Nothing is ready until the last has it.
// TestCNAMEOfAWildcard: it sends the CA elsewhere, perhaps by mistake, so that
// a hint is given if the wait fails.
func TestCNAMEOfAWildcard(t *testing.T) {
	const target = "elsewhere.example.org"
	for _, wild := range []bool{true, false} {
		w := newFakeDNS(t)
		w.zone(zone, "127.0.0.11")
		w.add(name, &dnsmessage.CNAMEResource{CNAME: fqdn(target)})
		w.answerWith("127.0.0.11", func(m dnsmessage.Message, _ string) []any {
			if q := m.Questions[0]; wild && strings.HasPrefix(q.Name.String(), "extauth-") {
				m.RCode, m.Authorities = dnsmessage.RCodeSuccess, nil
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeCNAME, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.CNAMEResource{CNAME: fqdn(target)},
				}}
			}
			return []any{m}
		})
		err := w.wait(w.prober(shortTimeout), txt(name, value))
		require.Error(t, err)
		require.Equal(t, wild, strings.Contains(err.Error(), name+": a wildcard makes it a CNAME to "+target), err.Error())
	}
}

func TestCNAMEThatAppearsLate(t *testing.T) {
	const target = "x.acme.example.net"
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.zone("example.net", "127.0.0.13")
	w.later(name, &dnsmessage.CNAMEResource{CNAME: fqdn(target)}, 100*time.Millisecond, "127.0.0.11")
	w.later(name, &dnsmessage.CNAMEResource{CNAME: fqdn(target)}, 400*time.Millisecond, "127.0.0.12")
	w.add(target, text(value))
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.GreaterOrEqual(t, time.Since(w.begun), 400*time.Millisecond)
}

func TestCNAMELoop(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, &dnsmessage.CNAMEResource{CNAME: fqdn("loop.example.org")})
	w.add("loop.example.org", &dnsmessage.CNAMEResource{CNAME: fqdn(name)})
	w.add("_acme-challenge.www.example.org", text(value))
	err := w.wait(w.prober(shortTimeout), txt(name, value), txt("_acme-challenge.www.example.org", value))
	requireMissing(t, err, name+": more than 8 CNAMEs, or a loop of them")
	var unfinished *UnfinishedError
	require.ErrorAs(t, err, &unfinished)
	require.Len(t, unfinished.Lines, 1)
}

func TestCNAMELoopIsFixed(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, &dnsmessage.CNAMEResource{CNAME: fqdn(name)})
	p := w.prober(longTimeout)
	p.Watch(nil, func(message string) {
		if strings.Contains(message, "loop") {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.entries[len(w.entries)-1].body = text(value)
		}
	})
	require.NoError(t, w.wait(p, txt(name, value)))
}

func TestDelegationThatAppearsLate(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	const child = "_acme-challenge.example.org"
	w.listen("127.0.0.12")
	w.mu.Lock()
	w.serves["127.0.0.12"] = []string{child}
	w.mu.Unlock()
	w.add("ns.example.net", addressBody("127.0.0.12"))
	w.later(child, &dnsmessage.NSResource{NS: fqdn("ns.example.net")}, 200*time.Millisecond, "127.0.0.11")
	w.later(child, text(value), 300*time.Millisecond, "127.0.0.12")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.GreaterOrEqual(t, time.Since(w.begun), 300*time.Millisecond)
}

// TestZoneBelowOnTheSameServer: the server of the parent zone has the value at
// once, and a further server of the child zone has it later.
func TestZoneBelowOnTheSameServer(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.zone(name, "127.0.0.11", "127.0.0.12")
	w.later(name, text(value), 0, "127.0.0.11")
	w.later(name, text(value), 300*time.Millisecond, "127.0.0.12")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.GreaterOrEqual(t, time.Since(w.begun), 300*time.Millisecond)
}

// TestResolverIsNotAskedForTheName: it would cache that there is no record.
func TestResolverIsNotAskedForTheName(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.answerWith(recursive, func(m dnsmessage.Message, _ string) []any {
		if canonicalName(m.Questions[0].Name) == name {
			t.Error("asked for", m.Questions[0])
		}
		return []any{m}
	})
	w.later(name, text(value), 100*time.Millisecond, "")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
}

func TestOneFamilyCannotBeLookedUp(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, text(value))
	w.answerWith(recursive, func(m dnsmessage.Message, _ string) []any {
		if m.Questions[0].Type == dnsmessage.TypeAAAA {
			m.RCode = dnsmessage.RCodeServerFailure
		}
		return []any{m}
	})
	requireMissing(t, w.wait(w.prober(0), txt(name, value)), fmt.Sprintf("ns1.example.org: %s: resolver %s: SERVFAIL", name, at(w, recursive)))
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
}

func TestZoneThatAppearsLate(t *testing.T) {
	w := newFakeDNS(t)
	w.add("ns.example.org", addressBody("127.0.0.11"))
	w.later(zone, &dnsmessage.SOAResource{NS: fqdn("ns"), MBox: fqdn("h")}, 100*time.Millisecond, "")
	w.later(zone, &dnsmessage.NSResource{NS: fqdn("ns.example.org")}, 200*time.Millisecond, "")
	w.mu.Lock()
	w.serves["127.0.0.11"] = []string{zone}
	w.mu.Unlock()
	w.listen("127.0.0.11")
	w.add(name, text(value))
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
}

func TestTruncatedAnswerComesOverTCP(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, text(value))
	w.answerWith("127.0.0.11", func(m dnsmessage.Message, network string) []any {
		if network == "udp" {
			m.Truncated, m.Answers = true, nil
		}
		return []any{m}
	})
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.Equal(t, 2, w.count("127.0.0.11"))
}

// TestForeignAnswers: what does not answer the question is ignored, and the
// right answer after it is accepted.
func TestForeignAnswers(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.later(name, text(value), 200*time.Millisecond, "")
	w.answerWith("127.0.0.11", func(m dnsmessage.Message, _ string) []any {
		forged := m
		forged.RCode = dnsmessage.RCodeSuccess
		forged.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET}, Body: text(value),
		}}
		id, question, query := forged, forged, forged
		id.ID++
		question.Questions = []dnsmessage.Question{{Name: fqdn("other.example.org"), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}}
		query.Response = false
		return []any{id, question, query, []byte("\x00"), m}
	})
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.GreaterOrEqual(t, time.Since(w.begun), 200*time.Millisecond)
}

func TestCaseOfNames(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, text(value))
	w.answerWith("127.0.0.11", func(m dnsmessage.Message, _ string) []any {
		upper := dnsmessage.MustNewName(strings.ToUpper(m.Questions[0].Name.String()))
		m.Questions = []dnsmessage.Question{{Name: upper, Type: m.Questions[0].Type, Class: m.Questions[0].Class}}
		for i := range m.Answers {
			m.Answers[i].Header.Name = upper
		}
		return []any{m}
	})
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
}

func TestWrongAnswers(t *testing.T) {
	for reason, mangle := range map[string]func(*dnsmessage.Message){
		"not authoritative for the zone": func(m *dnsmessage.Message) { m.Authoritative = false },
		"SERVFAIL":                       func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure },
		"REFUSED":                        func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeRefused },
		"truncated answer":               func(m *dnsmessage.Message) { m.Truncated = true },
	} {
		w := newFakeDNS(t)
		w.zone(zone, "127.0.0.11")
		w.add(name, text(value))
		w.answerWith("127.0.0.11", func(m dnsmessage.Message, _ string) []any {
			mangle(&m)
			return []any{m}
		})
		requireMissing(t, w.wait(w.prober(shortTimeout), txt(name, value)), at(w, "127.0.0.11")+" (ns1.example.org): "+name+": "+reason)
	}
}

func TestServerWithoutEDNS(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, text(value))
	var asked atomic.Int32
	w.answerWith("127.0.0.11", func(m dnsmessage.Message, _ string) []any {
		if asked.Add(1) == 1 {
			m.RCode, m.Answers = dnsmessage.RCodeFormatError, nil
		}
		return []any{m}
	})
	require.NoError(t, w.wait(w.prober(shortTimeout), txt(name, value)))
}

func TestNameserversOfTheUser(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	w.answerWith("127.0.0.11", func(m dnsmessage.Message, _ string) []any {
		m.Authoritative = false
		return []any{m}
	})
	w.later(name, &dnsmessage.CNAMEResource{CNAME: fqdn("y.example.org")}, 0, "127.0.0.11")
	w.later("y.example.org", text(value), 100*time.Millisecond, "127.0.0.11")
	p := w.prober(longTimeout)
	require.NoError(t, p.nameservers.Set(at(w, "127.0.0.11")))
	require.NoError(t, w.wait(p, txt(name, value)))
	require.Zero(t, w.count("127.0.0.12"))
	require.Zero(t, w.count(recursive))

	p.nameservers.allowNames = true
	require.NoError(t, p.nameservers.Set(fmt.Sprintf("ns2.example.org:%d", w.port)))
	p.Timeout = shortTimeout
	requireMissing(t, w.wait(p, txt(name, value)), at(w, "127.0.0.12")+" (ns2.example.org): "+name+": no such name (NXDOMAIN)")
}

func TestIPv6(t *testing.T) {
	if conn, err := net.ListenPacket("udp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 loopback here")
	} else {
		conn.Close()
	}
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.server(zone, "ns1.example.org", "::1")
	w.later(name, text(value), 0, "127.0.0.11")
	w.later(name, text(value), 200*time.Millisecond, "::1")
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))
	require.GreaterOrEqual(t, time.Since(w.begun), 200*time.Millisecond, "one server's every address counts")
}

// TestNoRoute: an address that this machine cannot send to is left out if the
// same server has another, and only then.
func TestNoRoute(t *testing.T) {
	unroutable := ""
	for _, address := range []string{"2001:db8::1", "240.0.0.1"} {
		conn, err := net.Dial("udp", net.JoinHostPort(address, "53"))
		if err == nil {
			conn.Close()
		} else if errors.Is(describeError(err), errNoRoute) {
			unroutable = address
		}
	}
	if unroutable == "" {
		withoutRoutes(t)
		return
	}
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add("ns1.example.org", addressBody(unroutable))
	w.add(name, text(value))
	require.NoError(t, w.wait(w.prober(longTimeout), txt(name, value)))

	w.add(zone, &dnsmessage.NSResource{NS: fqdn("ns2.example.org")})
	w.add("ns2.example.org", addressBody(unroutable))
	place := net.JoinHostPort(unroutable, fmt.Sprint(w.port))
	requireMissing(t, w.wait(w.prober(shortTimeout), txt(name, value)), place+" (ns2.example.org): "+name+": no route")
}

// withoutRoutes runs the test again in a network namespace of its own, which
// has only the loopback interface.
func withoutRoutes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("every address has a route here, and only root can do without")
	}
	again := exec.Command("unshare", "--net", "sh", "-c", `ip link set lo up && exec "$0" -test.run "^$1\$"`, os.Args[0], t.Name())
	output, err := again.CombinedOutput()
	require.NoError(t, err, string(output))
	require.NotContains(t, string(output), "no tests to run")
}

func TestNoRouteIsNeverReady(t *testing.T) {
	a, b := withPort(mustAddrs("192.0.2.1", "2001:db8::1"), 53)[0], withPort(mustAddrs("2001:db8::1"), 53)[0]
	last := map[addrPort]error{a: errNoRoute, b: errNoRoute}
	require.False(t, isComplete(last))
	last[a] = nil
	require.True(t, isComplete(last))
	last[b] = errNoAnswer
	require.False(t, isComplete(last))
	require.False(t, isComplete(nil))
}

func TestManyNames(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11", "127.0.0.12")
	var all []envmap.Event
	for i := range 2 * maxQuestions {
		host := fmt.Sprintf("_acme-challenge.h%d.example.org", i)
		w.later(host, text(value), time.Duration(i)*time.Millisecond, "")
		all = append(all, txt(host, value))
	}
	require.NoError(t, w.wait(w.prober(longTimeout), all...))
}

func TestOneLook(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add(name, text(value))
	require.NoError(t, w.wait(w.prober(0), txt(name, value)))
	err := w.wait(w.prober(0), txt(name, value), txt(name, "other"))
	requireMissing(t, err, at(w, "127.0.0.11")+" (ns1.example.org): "+name+`: no TXT record with the value "other"`)
	require.Equal(t, 3, w.count("127.0.0.11"))
	requireMissing(t, w.wait(w.prober(0), txt("_acme-challenge.example.com", value)), "_acme-challenge.example.com: no zone found")
}

func TestEndOfTheContext(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	p := w.prober(longTimeout)
	p.Watch(nil, func(string) { cancel(stopped) })
	require.Equal(t, stopped, p.Wait(ctx, []envmap.Event{txt(name, value)}))
}

// TestOneWaitForACertificate: 20 names whose records appear late, by a seeded
// delay of 1 to 20 s, here a twentieth of that, on three servers one after the
// other. The wait ends within 5 % and one poll after the last was visible, and
// never before. A busy machine gets three tries.
func TestOneWaitForACertificate(t *testing.T) {
	for try := 1; ; try++ {
		last, elapsed, interval := oneWait(t)
		t.Logf("visible after %s, ready after %s, %.1f %% later", last, elapsed, 100*(float64(elapsed)/float64(last)-1))
		require.GreaterOrEqual(t, elapsed, last)
		if elapsed <= last+last/20+interval {
			return
		}
		require.Less(t, try, 3)
	}
}

// oneWait returns when the last record was visible, when the wait ended, and
// the interval.
func oneWait(t *testing.T) (last, elapsed, interval time.Duration) {
	const scale = 20
	random := rand.New(rand.NewSource(1))
	servers := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	w := newFakeDNS(t)
	w.zone(zone, servers...)
	var all []envmap.Event
	for i := range 20 {
		host := fmt.Sprintf("_acme-challenge.h%d.example.org", i)
		all = append(all, txt(host, value))
		delay := time.Second + time.Duration(random.Int63n(int64(18*time.Second)))
		for _, server := range servers {
			visible := (delay + time.Duration(random.Int63n(int64(time.Second)))) / scale
			w.later(host, text(value), visible, server)
			last = max(last, visible)
		}
	}
	p := w.prober(longTimeout)
	p.Interval = time.Second / scale
	require.NoError(t, w.wait(p, all...))
	return last, time.Since(w.begun), p.Interval
}
