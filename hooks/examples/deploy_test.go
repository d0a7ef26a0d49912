//go:build linux

package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The handlers that follow a new certificate are run by our programs for
// certbot and dehydrated, from a chain, beside the real services: each started
// by its test on loopback with files of its own, and ended by its process id.

// marker is in every credential of these tests, private keys as well.
const marker = "SENTINEL"

// soon is how long a service may take to do what it was told.
const soon = 30 * time.Second

// tick is how often a test looks.
const tick = 20 * time.Millisecond

// A deployment is a client that has got a certificate, and a chain that is told.
type deployment struct {
	*testing.T
	bin     string // our programs and handlers
	dir     string // everything else
	lineage string // the certificate's directory, as certbot has it
	roots   *x509.CertPool
}

// deployTest is a test of one handler.
type deployTest struct {
	name string
	run  func(*deployment)
}

// runDeployTests runs the tests of a handler side by side.
func runDeployTests(t *testing.T, tests []deployTest) {
	bin := buildPrograms(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newDeployment(t, bin))
		})
	}
}

// newDeployment makes a directory with a short name: that of a socket has 107 bytes.
func newDeployment(t *testing.T, bin string) *deployment {
	dir, err := os.MkdirTemp("", "deploy")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &deployment{T: t, bin: bin, dir: dir, lineage: filepath.Join(dir, "live"), roots: x509.NewCertPool()}
	for _, name := range []string{"live", "first", "state"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	return d
}

// need asks for a program, or skips the test; continuous integration has all.
func need(t *testing.T, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("needs %s (Debian package %s)", program, debian)
	}
	require.NoError(t, err, "needs %s (Debian package %s)", program, debian)
	return path
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("needs root")
	}
	require.Zero(t, os.Geteuid(), "needs root")
}

func (d *deployment) path(elements ...string) string {
	return filepath.Join(append([]string{d.dir}, elements...)...)
}

func (d *deployment) write(name, text string) string {
	d.Helper()
	require.NoError(d, os.WriteFile(d.path(name), []byte(text), 0o600))
	return d.path(name)
}

func (d *deployment) read(elements ...string) string {
	d.Helper()
	text, err := os.ReadFile(d.path(elements...))
	require.NoError(d, err)
	return string(text)
}

func (d *deployment) mkdir(name string) string {
	d.Helper()
	require.NoError(d, os.Mkdir(d.path(name), 0o755))
	return d.path(name)
}

// issue makes a certificate for a name, and a CA for it, and puts them where
// certbot would. The key's file has the marker in front, which readers of PEM
// skip. It returns the serial number.
func (d *deployment) issue(name string) *big.Int {
	d.Helper()
	ca, caKey := d.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true}, nil, nil)
	leaf, key := d.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}, ca, caKey)
	d.roots.AddCert(ca)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(d, err)
	secret := marker + "\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	d.write("live/privkey.pem", secret)
	d.write("live/cert.pem", certificates(leaf))
	d.write("live/chain.pem", certificates(ca))
	d.write("live/fullchain.pem", certificates(leaf, ca))
	return leaf.SerialNumber
}

// sign signs a certificate with its issuer's key, or with its own if there is
// no issuer.
func (d *deployment) sign(template, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	d.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(d, err)
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(d, err)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	require.NoError(d, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(d, err)
	return certificate, key
}

func certificates(all ...*x509.Certificate) string {
	var text strings.Builder
	for _, c := range all {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return text.String()
}

// leaf is the serial number of the certificate that the client has.
func (d *deployment) leaf() *big.Int {
	d.Helper()
	block, _ := pem.Decode([]byte(d.read("live/cert.pem")))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(d, err)
	return certificate.SerialNumber
}

// served is a name that a certificate for a name is served for.
func served(name string) string { return strings.Replace(name, "*", "www", 1) }

// line makes the chain one line: the handler with the given settings.
func (d *deployment) line(keys, handler string, settings ...string) {
	d.Helper()
	d.write("chain", d.chainLine(keys, handler, settings...))
}

func (d *deployment) chainLine(keys, handler string, settings ...string) string {
	d.Helper()
	env := d.write("settings.env", strings.Join(settings, "\n")+"\n")
	return fmt.Sprintf("%s env=%s %s\n", keys, env, filepath.Join(d.bin, handler))
}

// deploy runs the chain as certbot's deploy hook does.
func (d *deployment) deploy(name string, wrapper ...string) run {
	d.Helper()
	return d.run(append(wrapper, filepath.Join(d.bin, "extauth-hook"), "--chain", d.path("chain"), "deploy"),
		"RENEWED_LINEAGE="+d.lineage, "RENEWED_DOMAINS="+name)
}

func (d *deployment) run(command []string, env ...string) run {
	d.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(env, "PATH="+d.path("first")+":"+os.Getenv("PATH"), "HOME="+d.dir, "EXTAUTH_STATE_DIR="+d.path("state"))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		require.ErrorAs(d, err, new(*exec.ExitError))
	}
	require.NotContains(d, stdout.String()+stderr.String(), marker)
	return run{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// putFirst makes a program the first of its name in PATH.
func (d *deployment) putFirst(program, script string) {
	d.Helper()
	require.NoError(d, writeExecutable(d.path("first", program), "#!/bin/sh\n"+script))
}

// watch records the arguments of a program, which every user can see.
func (d *deployment) watch(programs ...string) {
	d.Helper()
	for _, program := range programs {
		path, err := exec.LookPath(program)
		require.NoError(d, err)
		d.putFirst(program, fmt.Sprintf("printf '%%s\\n' \"$*\" >>%s\nexec %s \"$@\"\n", d.path("arguments"), path))
	}
}

// requireHidden: there were arguments, and none had a credential.
func (d *deployment) requireHidden() {
	d.Helper()
	arguments := d.read("arguments")
	require.NotEmpty(d, arguments)
	require.NotContains(d, arguments, marker)
}

// start runs a service until the test ends, or dies itself.
func (d *deployment) start(program string, args ...string) {
	d.Helper()
	log, err := os.Create(d.path(filepath.Base(program) + ".log"))
	require.NoError(d, err)
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	require.NoError(d, cmd.Start())
	d.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if d.Failed() {
			d.Log(d.read(filepath.Base(program) + ".log"))
		}
	})
}

// freePort is one that nobody listens on, and no other test was given.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listener.Close()
		if port := listener.Addr().(*net.TCPAddr).Port; unused(port) {
			return strconv.Itoa(port)
		}
	}
}

// serial is the serial number of what a service serves for a name.
func (d *deployment) serial(port, name string) (*big.Int, error) {
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: d.roots, ServerName: name}, NetDialer: &net.Dialer{Timeout: soon}}
	conn, err := dialer.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber, nil
}

// requireServed sees that a service serves a certificate.
func (d *deployment) requireServed(port, name string, want *big.Int) {
	d.Helper()
	got, err := d.serial(port, name)
	require.NoError(d, err)
	require.Equal(d, want, got)
}

// awaitServed waits until it does.
func (d *deployment) awaitServed(port, name string, want *big.Int) {
	d.Helper()
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(tick) {
		if got, err := d.serial(port, name); err == nil && got.Cmp(want) == 0 {
			return
		}
	}
	d.requireServed(port, name, want)
}

// requireFiles compares a directory with the names and permissions it shall have.
func (d *deployment) requireFiles(directory string, want map[string]os.FileMode) {
	d.Helper()
	got := map[string]os.FileMode{}
	entries, err := os.ReadDir(directory)
	require.NoError(d, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(d, err)
		got[entry.Name()] = info.Mode()
	}
	require.Equal(d, want, got)
}

// underSystemd is a wrapper that makes the machine look as if systemd ran on
// it. systemctl is a stand-in: it records its arguments and does what the
// unit's ExecReload does. more is run before, in the mount namespace.
func (d *deployment) underSystemd(reload, more string) []string {
	d.Helper()
	needRoot(d.T)
	need(d.T, "unshare", "util-linux")
	d.putFirst("systemctl", fmt.Sprintf("echo \"$*\" >>%s\n%s\n", d.path("systemctl.record"), reload))
	script := "mount -t tmpfs run /run && mkdir -p /run/systemd/system && " + more + " exec \"$@\""
	return []string{"unshare", "--mount", "sh", "-c", script, "sh"}
}

func TestDeployHandlersAreShellcheckClean(t *testing.T) {
	need(t, "shellcheck", "shellcheck")
	output, err := exec.Command("shellcheck", deployHandlers()...).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func deployHandlers() []string { return []string{"nginx", "haproxy", "ssh-copy", "mail", "webhook"} }

func TestDeployHandlersPassOnPhasesThatTheyDoNotImplement(t *testing.T) {
	phases := []string{"", "pre-perform", "perform", "post-perform", "pre-cleanup", "cleanup", "post-cleanup", "unchanged_cert", "-x"}
	for _, handler := range deployHandlers() {
		for _, phase := range phases {
			require.Equal(t, run{status: 1, stdout: "NotImplemented\n"}, call(t, handler, phase), "%s %q", handler, phase)
		}
	}
}

// TestREADMENamesTheSettings: those at the top of each handler, and no others.
func TestREADMENamesTheSettings(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	setting := regexp.MustCompile(`(?m)^#   ([A-Z]+_[A-Z]+) `)
	row := regexp.MustCompile("(?m)^\\| `([A-Z]+_[A-Z]+)` \\| ([a-z-]+) \\|")
	want, got := map[string][]string{}, map[string][]string{}
	for _, handler := range deployHandlers() {
		text, err := os.ReadFile(handler)
		require.NoError(t, err)
		for _, match := range setting.FindAllStringSubmatch(string(text), -1) {
			want[handler] = append(want[handler], match[1])
		}
	}
	for _, match := range row.FindAllStringSubmatch(string(readme), -1) {
		if _, ours := want[match[2]]; ours {
			got[match[2]] = append(got[match[2]], match[1])
		}
	}
	require.Len(t, want, len(deployHandlers()))
	require.Equal(t, want, got)
}

func TestDeployHandlersRefuseADomainThatIsNoName(t *testing.T) {
	for _, handler := range deployHandlers() {
		for _, domain := range []string{"", "../x", "a/b", "a\nb", "a b", "$(id)", "`id`", `a"b`, "é"} {
			requireRefused(t, call(t, handler, "deploy_cert", "cbot_domain="+domain), "the domain")
		}
	}
	for _, handler := range []string{"nginx", "haproxy", "ssh-copy"} {
		for _, domain := range []string{"-x", ".", "..", "*", "**.a", "a.*", ".a", "a..b"} {
			requireRefused(t, call(t, handler, "deploy_cert", "cbot_domain="+domain), "the domain")
		}
	}
}

func TestDeployHandlersNeedTheirSettings(t *testing.T) {
	file, dir := filepath.Join(t.TempDir(), "file"), t.TempDir()
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for handler, cases := range map[string]map[string]string{
		"nginx": {
			"NGINX_DIR=tls": "NGINX_DIR is not an absolute path", "NGINX_DIR=" + file: "no directory",
			"NGINX_CONF=nginx.conf": "NGINX_CONF is not an absolute path",
		},
		"haproxy": {
			"": "HAPROXY_DIR is not set", "HAPROXY_DIR=tls": "HAPROXY_DIR is not an absolute path",
			"HAPROXY_DIR=/a b": "HAPROXY_DIR has a character", "HAPROXY_DIR=" + file: "no directory",
			"HAPROXY_DIR=" + dir + "\nHAPROXY_SOCKET=/a,b": "HAPROXY_SOCKET has a character",
			"HAPROXY_DIR=" + dir + "\nHAPROXY_CONF=cfg":    "HAPROXY_CONF is not an absolute path",
		},
		"ssh-copy": {
			"": "SSH_HOSTS is not set", "SSH_HOSTS=-oProxyCommand=x": "not a host", "SSH_HOSTS=a -v": "not a host",
			"SSH_HOSTS=$(id)": "not a host", "SSH_HOSTS=a": "SSH_DIR is not an absolute path",
			"SSH_HOSTS=a\nSSH_DIR=/$(id)": "SSH_DIR has a character",
		},
		"mail": {"": "MAIL_TO is not set"},
		"webhook": {
			"": "WEBHOOK_URL is not set", "WEBHOOK_URL=file:///etc/passwd": "not a URL",
			"WEBHOOK_URL=http://a/\"": "WEBHOOK_URL has a blank", "WEBHOOK_URL=http://a/\nWEBHOOK_TOKEN=a\\b": "WEBHOOK_TOKEN has a blank",
		},
	} {
		for settings, why := range cases {
			vars := []string{"cbot_domain=a.test", "cbot_fullchain_path=" + file, "cbot_key_path=" + file}
			requireRefused(t, call(t, handler, "deploy_cert", append(vars, strings.Split(settings, "\n")...)...), why)
		}
	}
}
