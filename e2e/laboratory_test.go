//go:build linux

package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A laboratory is what all scenarios share: a CA that validates through a name
// server and a web server of ours.
type laboratory struct {
	dir    string
	bind   bind
	nginx  nginx
	pebble pebble
}

// startLaboratory starts everything. What it returns has to be stopped, also
// when there is an error.
func startLaboratory(dir string) (*laboratory, error) {
	l := &laboratory{dir: dir}
	os.Setenv("PATH", systemPath)
	var err error
	if l.pebble.authority, err = newAuthority(dir); err != nil {
		return l, err
	}
	if l.bind, err = newBind(dir); err != nil {
		return l, err
	}
	if err := furnish(dir); err != nil {
		return l, err
	}
	ports, err := freePorts(4)
	if err != nil {
		return l, err
	}
	l.pebble.port, l.pebble.managementPort, l.pebble.tlsPort = ports[0], ports[1], ports[2]
	l.pebble.httpPort, l.nginx.port = ports[3], ports[3]
	for _, start := range []func(string) error{l.bind.start, l.nginx.start, l.pebble.start} {
		if err := start(dir); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (l *laboratory) services() []*service {
	return []*service{l.pebble.service, l.nginx.service, l.bind.service}
}

func (l *laboratory) stop() {
	for _, s := range l.services() {
		if s != nil {
			s.stop()
		}
	}
}

// requirePrograms fails the test when the programs under test are not there,
// with what the compiler said.
func (l *laboratory) requirePrograms(t *testing.T) {
	t.Helper()
	said, _ := os.ReadFile(buildLog(l.dir))
	require.Empty(t, strings.TrimSpace(string(said)), "make build")
	for _, program := range []string{"extauth-hook", "extauth-dehydrated", "extauth-json", "extauth-pending"} {
		require.FileExists(t, l.program(program), "cmd/%s is missing", program)
	}
}

func (l *laboratory) program(name string) string { return binDirectory(l.dir) + "/" + name }

// Nothing of this repository takes part: what fails here is the laboratory.
func TestLab(t *testing.T) {
	needLaboratory(t)
	t.Run("dehydrated drives Debian's hook itself", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.writeDdnsTsigConf()
		names := w.wildcardNames()
		d := w.newDehydrated(ddnsTsigHook, "HOOK_CHAIN=no")
		d.issue(names...).requireSuccess(t)
		w.requireCertificate(d.certificate(names[0]), names...)
		w.requireNothingLeft()
	})
	t.Run("dehydrated and nginx answer http-01", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		d := w.newDehydrated("", "CHALLENGETYPE=http-01")
		d.issue(w.name("www")).requireSuccess(t)
		w.requireCertificate(d.certificate(w.name("www")), w.name("www"))
		w.requireNothingLeft()
	})
	t.Run("certbot drives its own hooks", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.certbotHookStore()
		w.newCertbot().requireIssued(certbotOrder{
			lineage: "main", challenges: "dns", names: w.wildcardNames(),
			auth: w.fixture("certbot-auth"), cleanup: w.fixture("certbot-cleanup"),
		})
	})
}
