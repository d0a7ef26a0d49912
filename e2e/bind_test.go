//go:build linux

package e2e_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The zones of the laboratory. Each takes updates of TXT records signed with a
// key of its own, so that an update that was sent with the other zone's
// settings cannot succeed, and with named's session key.
const (
	firstZone  = "example.test"
	secondZone = "second.test"
)

// Every name that has no records of its own is this machine, which is what
// http-01 needs. Names above a TXT record are not: such a name exists.
const zoneFile = `$TTL 1
@   SOA ns1 hostmaster 1 60 60 3600 1
    NS  ns1
    A   127.0.0.1
ns1 A   127.0.0.1
*   A   127.0.0.1
`

const namedOptions = `options {
	directory "/var/cache/bind";
	listen-on { 127.0.0.1; };
	listen-on-v6 { none; };
	allow-transfer { 127.0.0.1; };
	recursion no;
	dnssec-validation no;
	empty-zones-enable no;
	notify no;
};
controls { };
`

const namedZone = `include "/etc/bind/%[1]s.key";
zone "%[1]s" {
	type primary;
	file "%[1]s.zone";
	update-policy { grant %[1]s zonesub TXT; grant local-ddns zonesub TXT; };
};
`

// bind is the name server. It has the paths that Debian's named has, for its
// AppArmor profile and for hooks that look for the session key there, and the
// port that hooks without a port option use.
type bind struct {
	*service
	dir     string
	secrets map[string]string
}

func newBind(dir string) (bind, error) {
	b := bind{dir: filepath.Join(dir, "bind"), secrets: map[string]string{}}
	conf := namedOptions
	err := errors.Join(os.MkdirAll(filepath.Join(b.dir, "etc"), 0o755), os.MkdirAll(filepath.Join(b.dir, "cache"), 0o755))
	for _, zone := range []string{firstZone, secondZone} {
		b.secrets[zone] = newSecret()
		conf += fmt.Sprintf(namedZone, zone)
		err = errors.Join(err, os.WriteFile(b.keyFile(zone), b.key(zone), 0o600),
			os.WriteFile(filepath.Join(b.dir, "cache", zone+".zone"), []byte(zoneFile), 0o644))
	}
	return b, errors.Join(err,
		os.WriteFile(filepath.Join(b.dir, "etc", "named.conf"), []byte(conf), 0o644),
		os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver 127.0.0.1\n"), 0o644))
}

// keyFile is the TSIG key of a zone, for nsupdate -k.
func (b bind) keyFile(zone string) string { return filepath.Join(b.dir, "etc", zone+".key") }

// newSecret is a key whose written form has the marker that every credential
// of the tests has.
func newSecret() string {
	key, _ := base64.StdEncoding.DecodeString("SENTINEL" + base64.StdEncoding.EncodeToString([]byte(rand.Text())))
	return string(key)
}

// secret is the same key for hooks that want it in a configuration file.
func (b bind) secret(zone string) string {
	return base64.StdEncoding.EncodeToString([]byte(b.secrets[zone]))
}

func (b bind) key(zone string) []byte {
	return fmt.Appendf(nil, "key %q { algorithm hmac-sha256; secret %q; };\n", zone, b.secret(zone))
}

func (b *bind) start(dir string) error {
	var err error
	if b.service, err = startService(dir, "named", nil, "-4", "-g"); err != nil {
		return err
	}
	return b.await(func() error {
		for _, zone := range []string{firstZone, secondZone} {
			if _, err := resolver().LookupHost(context.Background(), "ns1."+zone); err != nil {
				return err
			}
		}
		return nil
	})
}

// resolver asks this name server, whatever the process has read from
// resolv.conf before.
func resolver() *net.Resolver {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:53")
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// txtRecords returns the TXT records of both zones that have the label in their
// name, as the server has them.
func (b bind) txtRecords(label string) ([]string, error) {
	var found []string
	for _, zone := range []string{firstZone, secondZone} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		out, err := exec.CommandContext(ctx, "dig", "+noall", "+answer", "@127.0.0.1", zone, "AXFR").Output()
		cancel()
		if err != nil || !strings.Contains(string(out), "SOA") {
			return nil, fmt.Errorf("no transfer of %s: %w: %s", zone, err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, label) && strings.Contains(line, "TXT") {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found, nil
}
