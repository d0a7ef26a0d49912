package check

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
	"slices"
	"strconv"
	"syscall"
	"time"
)

// dnsServer is a DNS server that hooks publish on, HOST:PORT.
type dnsServer string

// has asks the server if a TXT record is there.
func (s dnsServer) has(ctx context.Context, name, value string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, string(s))
	}
	resolver := &net.Resolver{PreferGo: true, Dial: dial}
	values, err := resolver.LookupTXT(ctx, name+".")
	if missing := new(net.DNSError); errors.As(err, &missing) && missing.IsNotFound {
		return false, nil
	}
	return slices.Contains(values, value), err
}

const namedConf = `include "zone.key";
options {
	directory "%[1]s";
	pid-file none;
	session-keyfile none;
	listen-on port %[2]d { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
	empty-zones-enable no;
	notify no;
};
controls { };
zone "%[3]s" { type primary; file "zone.db"; update-policy { grant extauth-check zonesub TXT; }; };
`

const zoneDB = "$TTL 1\n@ SOA ns1 hostmaster 1 60 60 3600 1\n  NS ns1\nns1 A 127.0.0.1\n"

// bind is a BIND of our own, with one zone.
type bind struct {
	dnsServer
	cmd   *exec.Cmd
	ended chan struct{}
}

// bindPrograms finds named and nsupdate. This nsupdate is not a stand-in, since
// it is looked for in our own PATH.
func bindPrograms() (named, nsupdate string, err error) {
	named, err = exec.LookPath("named")
	for _, path := range []string{"/usr/sbin/named", "/usr/local/sbin/named"} {
		if err != nil {
			named, err = exec.LookPath(path)
		}
	}
	nsupdate, missing := exec.LookPath("nsupdate")
	return named, nsupdate, errors.Join(err, missing)
}

// startBIND starts a server with an empty zone, and makes the stand-in for
// nsupdate pass updates on to it. It tries other ports, since another process
// may have taken one in the meantime.
func startBIND(ctx context.Context, s *scratch, zone string) (b *bind, err error) {
	named, nsupdate, err := bindPrograms()
	for try := 0; err == nil && try < 3; try++ {
		if b, err = tryBIND(ctx, s, zone, named, nsupdate); err == nil {
			return b, os.Symlink(b.cmd.Dir, s.path("named"))
		}
		b.stop()
		if try < 2 {
			err = nil
		}
	}
	return nil, fmt.Errorf("named: %w", err)
}

func tryBIND(ctx context.Context, s *scratch, zone, named, nsupdate string) (*bind, error) {
	dir, err := os.MkdirTemp(s.dir, "named")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err = errors.Join(err, os.Symlink(nsupdate, filepath.Join(dir, "nsupdate"))); err != nil {
		return nil, err
	}
	secret := base64.StdEncoding.EncodeToString([]byte(rand.Text()))
	for name, text := range map[string]string{
		"named.conf": fmt.Sprintf(namedConf, dir, port, zone),
		"zone.db":    zoneDB,
		"zone.key":   fmt.Sprintf("key extauth-check { algorithm hmac-sha256; secret %q; };\n", secret),
		"update":     fmt.Sprintf("server 127.0.0.1 %d\nzone %s.\n", port, zone),
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	if err != nil {
		return nil, err
	}
	b := &bind{dnsServer: dnsServer(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))), ended: make(chan struct{})}
	b.cmd = exec.Command(named, "-4", "-f", "-c", "named.conf")
	b.cmd.Dir, b.cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = b.cmd.Wait(); close(b.ended) }()
	return b, b.await(ctx, zone)
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// await waits until the server answers for its zone.
func (b *bind) await(ctx context.Context, zone string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := b.has(ctx, zone, "")
		if err == nil {
			return nil
		}
		select {
		case <-b.ended:
			return errors.New("named ended at once")
		case <-ctx.Done():
			return fmt.Errorf("named does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (b *bind) stop() {
	if b == nil {
		return
	}
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.ended:
	case <-time.After(10 * time.Second):
		_ = b.cmd.Process.Kill()
		<-b.ended
	}
}
