// Command wait compares ways to wait for the TXT records of a certificate's
// names, side by side in one run:
//
//	go run ./bench/wait build/extauth-wait
//
// The DNS servers are a fake on loopback, because records have to appear at
// given times, and the delays are an invented model: the result ranks policies,
// and says nothing about the times of real providers.
package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	scale    = 20 // model seconds in a second
	servers  = 3
	deploy   = 500 * time.Millisecond // model: one call of a DNS provider's API
	interval = time.Second            // model: between two checks
	value    = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
)

// scaled converts model time to real time.
func scaled(d time.Duration) time.Duration { return d / scale }

// delays returns how long after its deployment a record appears on each server:
// 1 s plus an exponential part, below 20 s, plus up to a second that differs by
// server.
func delays(random *rand.Rand) (all [servers]time.Duration) {
	base := 21.0
	for base > 20 {
		base = 1 + random.ExpFloat64()*6.33
	}
	for i := range all {
		all[i] = time.Duration((base + random.Float64()) * float64(time.Second))
	}
	return all
}

// dns is the fake: servers, and the times from which on they have each record.
type dns struct {
	mu      sync.Mutex
	visible map[string][servers]time.Time
	asked   map[string]int // by run, the label after the host's
	address [servers]string
}

func listen() (*dns, error) {
	d := &dns{visible: map[string][servers]time.Time{}, asked: map[string]int{}}
	for i := range servers {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		d.address[i] = conn.LocalAddr().String()
		go d.serve(conn, i)
	}
	return d, nil
}

func (d *dns) serve(conn net.PacketConn, server int) {
	buffer := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		if packed, err := d.answer(m, server); err == nil {
			_, _ = conn.WriteTo(packed, from)
		}
	}
}

func (d *dns) answer(m dnsmessage.Message, server int) ([]byte, error) {
	name := strings.ToLower(strings.TrimSuffix(m.Questions[0].Name.String(), "."))
	d.mu.Lock()
	d.asked[runOf(name)]++
	d.mu.Unlock()
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RCode: dnsmessage.RCodeNameError}
	m.Additionals = nil
	if d.has(name, server) {
		m.RCode = dnsmessage.RCodeSuccess
		header := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET}
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.TXTResource{TXT: []string{value}}}}
	}
	return m.Pack()
}

func runOf(name string) string {
	labels := strings.Split(name, ".")
	return labels[min(2, len(labels)-1)]
}

func (d *dns) has(name string, server int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, known := d.visible[name]
	return known && !time.Now().Before(at[server])
}

func (d *dns) everywhere(name string) bool {
	for server := range servers {
		if !d.has(name, server) {
			return false
		}
	}
	return true
}

// ask sends one query, for the policy that polls in a hook.
func (d *dns) ask(name string, server int) bool {
	conn, err := net.Dial("udp", d.address[server])
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	q := dnsmessage.Question{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 1}, Questions: []dnsmessage.Question{q}}
	packed, _ := m.Pack()
	_, _ = conn.Write(packed)
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	return err == nil && m.Unpack(buffer[:n]) == nil && len(m.Answers) == 1
}

// trial is one certificate under one policy.
type trial struct {
	*dns
	program string
	run     string
	delays  [][servers]time.Duration
}

func (t *trial) name(i int) string {
	return fmt.Sprintf("_acme-challenge.h%d.%s.example.org", i, t.run)
}

// deploy is a hook's call of the provider.
func (t *trial) deploy(i int) {
	time.Sleep(scaled(deploy))
	var at [servers]time.Time
	for server, delay := range t.delays[i] {
		at[server] = time.Now().Add(scaled(delay))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.visible[t.name(i)] = at
}

// earliest is when the last record is everywhere if the hooks only deploy.
func (t *trial) earliest() time.Duration {
	var last time.Duration
	for i, delays := range t.delays {
		last = max(last, time.Duration(i+1)*deploy+slices.Max(delays[:]))
	}
	return last
}

// unready counts the records that a CA might not find yet.
func (t *trial) unready(names ...int) (n int) {
	for _, i := range names {
		if !t.everywhere(t.name(i)) {
			n++
		}
	}
	return n
}

func (t *trial) names() (all []int) {
	for i := range t.delays {
		all = append(all, i)
	}
	return all
}

// policy runs the hooks of a certificate and returns how many of its records
// were not there when it was done.
type policy struct {
	name     string
	maxNames int // a larger certificate takes too long
	run      func(*trial) (failures int, err error)
}

func sleepPerName(t *trial) (int, error) {
	for i := range t.delays {
		t.deploy(i)
		time.Sleep(scaled(25 * time.Second))
	}
	return t.unready(t.names()...), nil // the CA looks when all hooks are done
}

func sleepOnce(t *trial) (int, error) {
	for i := range t.delays {
		t.deploy(i)
	}
	time.Sleep(scaled(25 * time.Second))
	return t.unready(t.names()...), nil
}

func pollPerName(t *trial) (int, error) {
	for i := range t.delays {
		t.deploy(i)
		for server := 0; server < servers; {
			if t.ask(t.name(i), server) {
				server++
				continue
			}
			time.Sleep(scaled(interval))
		}
	}
	return t.unready(t.names()...), nil
}

func waitOnce(t *trial) (int, error) {
	for i := range t.delays {
		t.deploy(i)
	}
	args := []string{"--interval", scaled(interval).String(), "--nameserver", strings.Join(t.address[:], ",")}
	for i := range t.delays {
		args = append(args, "dns", t.name(i), value)
	}
	output, err := exec.Command(t.program, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, output)
	}
	return t.unready(t.names()...), err
}

// policyResult sums up the trials of a policy.
type policyResult struct {
	trials, failures, queries int
	elapsed, earliest         time.Duration
	ratios                    []float64
}

func (r policyResult) String() string {
	n := float64(r.trials)
	slices.Sort(r.ratios)
	return fmt.Sprintf("%8.1f %8.1f %9.3f %9.0f %9d", scale*r.elapsed.Seconds()/n, r.earliest.Seconds()/n,
		r.ratios[len(r.ratios)/2], float64(r.queries)/n, r.failures)
}

// run runs one trial after another, each under all policies at once.
func (c *comparison) run(d *dns, program string, policies []policy) error {
	random := rand.New(rand.NewSource(int64(c.names)))
	for n := range c.trials {
		var all [][servers]time.Duration
		for range c.names {
			all = append(all, delays(random))
		}
		var running sync.WaitGroup
		faults := make([]error, len(policies))
		for i, p := range policies {
			if c.names > p.maxNames {
				continue
			}
			running.Add(1)
			go func() {
				defer running.Done()
				t := &trial{d, program, fmt.Sprintf("p%dn%dt%d", i, c.names, n), all}
				faults[i] = c.rows[i].measure(t, p)
			}()
		}
		running.Wait()
		if err := errors.Join(faults...); err != nil {
			return err
		}
	}
	return nil
}

func (r *policyResult) measure(t *trial, p policy) error {
	begun := time.Now()
	failures, err := p.run(t)
	took := time.Since(begun)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	r.trials++
	r.failures += failures
	r.elapsed += took
	r.earliest += t.earliest()
	r.ratios = append(r.ratios, float64(took*scale)/float64(t.earliest()))
	t.mu.Lock()
	defer t.mu.Unlock()
	r.queries += t.asked[t.run]
	return nil
}

// comparison is a size of certificates, and the results of all policies for it.
type comparison struct {
	names, trials int
	rows          []policyResult // by policy
}

// compare runs all comparisons at once, since they mostly sleep.
func compare(w io.Writer, program string) error {
	policies := []policy{
		{"sleep 25 s in each hook", 20, sleepPerName}, {"sleep 25 s once", 100, sleepOnce},
		{"poll 1 s in each hook", 20, pollPerName}, {"extauth-wait once", 100, waitOnce},
	}
	cells := []*comparison{{names: 1, trials: 16}, {names: 5, trials: 4}, {names: 20, trials: 1}, {names: 100, trials: 6}}
	d, err := listen()
	if err != nil {
		return err
	}
	faults := make([]error, len(cells))
	var running sync.WaitGroup
	for i, c := range cells {
		c.rows = make([]policyResult, len(policies))
		running.Add(1)
		go func() {
			defer running.Done()
			faults[i] = c.run(d, program, policies)
		}()
	}
	running.Wait()
	report(w, policies, cells)
	return errors.Join(faults...)
}

func report(w io.Writer, policies []policy, cells []*comparison) {
	fmt.Fprintf(w, "The DNS is a fake and the model invented (%d servers, records after 1 to 21 s, seeded); 1:%d in time.\n", servers, scale)
	fmt.Fprintf(w, "took and oracle: model seconds, mean; ratio: median of took/oracle; failures: records not there at the end.\n\n")
	for _, c := range cells {
		title := fmt.Sprintf("names %d, trials %d", c.names, c.trials)
		fmt.Fprintf(w, "%-26s %8s %8s %9s %9s %9s\n", title, "took", "oracle", "ratio", "queries", "failures")
		for i, p := range policies {
			if c.rows[i].trials > 0 {
				fmt.Fprintf(w, "  %-24s %s\n", p.name, c.rows[i])
			}
		}
	}
}

//nolint:forbidigo // a main, as those in cmd/
func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: wait EXTAUTH-WAIT")
		os.Exit(64)
	}
	if err := compare(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "wait:", err)
		os.Exit(1)
	}
}
