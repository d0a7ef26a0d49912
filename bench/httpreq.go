package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	names   = 10_000
	clients = 100
)

// httpreq measures extauth-httpreq with many clients at once. Every request
// must reach the handler. There is nothing to compare it with, so that it has
// no ratios.
func (p workspace) httpreq(bool) (block, error) {
	b := block{unit: "us"}
	b.measure = p.serve
	b.lines = []line{
		{name: "each of 10,000 requests, 100 at once", row: "all"}, {name: "an answer, median", row: "median"}, {name: "an answer, p99", row: "p99"},
	}
	return b, nil
}

// serve starts the server and sends requests. The hash of the password is a
// cheap one, since bcrypt is not to be measured.
func (p workspace) serve() (samples, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte("bench"), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	users, err := p.write("users", "bench:"+string(hash)+" *.example.org\n")
	if err != nil {
		return nil, err
	}
	socket, called := filepath.Join(p.disk, "socket"), filepath.Join(p.memory, "called")
	server := exec.Command(p.ours("extauth-httpreq"), "--to", "dehydrated", "--state-dir", p.memory, "--users", users,
		"--listen", "unix:"+socket, "serve", "--", p.peer("append.dash"), called)
	var output bytes.Buffer
	server.Env, server.Stderr = environment(), &output
	if err := server.Start(); err != nil {
		return nil, err
	}
	measured, err := sendRequests(socket)
	err = errors.Join(err, server.Process.Signal(syscall.SIGTERM))
	_ = server.Wait() // ended by the signal
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, output.Bytes())
	}
	return measured, checkCalled(called)
}

// checkCalled checks that the handler was called for every name.
func checkCalled(called string) error {
	text, err := os.ReadFile(called)
	if err != nil {
		return err
	}
	different := map[string]bool{}
	for line := range bytes.Lines(text) {
		different[string(line)] = true
	}
	if lines := bytes.Count(text, []byte("\n")); lines != names || len(different) != names {
		return fmt.Errorf("httpreq: %d calls for %d names of %d", lines, len(different), names)
	}
	return nil
}

// sendRequests sends all requests.
func sendRequests(socket string) (samples, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: clients}}
	if err := waitUntilListening(socket); err != nil {
		return nil, err
	}
	durations := make([]float64, names)
	faults := make([]error, clients)
	var next atomic.Int64
	var running sync.WaitGroup
	start := time.Now()
	for i := range clients {
		running.Add(1)
		go func() {
			defer running.Done()
			faults[i] = sendSome(client, &next, durations)
		}()
	}
	running.Wait()
	one := func(value float64) []sample { return []sample{{value: value / 1000}} }
	return samples{
		"all":    one(float64(time.Since(start)) / names),
		"median": one(quantile(durations, 0.5)),
		"p99":    one(quantile(durations, 0.99)),
	}, errors.Join(faults...)
}

// waitUntilListening waits until the server listens.
func waitUntilListening(socket string) (err error) {
	for range 500 {
		var conn net.Conn
		if conn, err = net.Dial("unix", socket); err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// sendSome sends one request after another until all names are taken.
func sendSome(client *http.Client, next *atomic.Int64, durations []float64) error {
	for {
		i := int(next.Add(1)) - 1
		if i >= len(durations) {
			return nil
		}
		start := time.Now()
		if err := ask(client, i); err != nil {
			return err
		}
		durations[i] = float64(time.Since(start))
	}
}

func ask(client *http.Client, i int) error {
	body := fmt.Sprintf(`{"fqdn": "_acme-challenge.h%05d.example.org.", "value": %q}`, i, thumbprint)
	request, err := http.NewRequest(http.MethodPost, "http://bench/present", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.SetBasicAuth("bench", "bench")
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("request %d: %s: %s", i, answer.Status, text)
	}
	return errors.Join(err, answer.Body.Close())
}
