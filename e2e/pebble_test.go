//go:build linux

package e2e_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// pebble is the CA. It shuffles the order of names and of challenge types, and
// even with PEBBLE_AUTHZREUSE=0 it takes one valid authorization in a hundred
// for granted: names and accounts are never used twice, and no order asserted.
type pebble struct {
	*service
	authority
	port, managementPort, httpPort, tlsPort int
}

// directory is what clients are given as the CA's address.
func (p pebble) directory() string { return fmt.Sprintf("https://localhost:%d/dir", p.port) }

func (p pebble) configuration() ([]byte, error) {
	return json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           fmt.Sprintf("127.0.0.1:%d", p.port),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", p.managementPort),
		"certificate":             p.leafPath(),
		"privateKey":              p.keyPath(),
		"httpPort":                p.httpPort,
		"tlsPort":                 p.tlsPort,
	}})
}

func (p *pebble) start(dir string) error {
	conf, err := p.configuration()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(path, conf, 0o644); err != nil {
		return err
	}
	env := []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"}
	p.service, err = startService(dir, "pebble", env, "-config", path, "-dnsserver", "127.0.0.1:53")
	if err != nil {
		return err
	}
	return p.await(p.answers)
}

func (p pebble) answers() error {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.pool}}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: time.Second}
	response, err := client.Get(p.directory())
	if err != nil {
		return err
	}
	return response.Body.Close()
}
