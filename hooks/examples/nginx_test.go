//go:build linux

package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const nginxConf = `daemon off;
user root;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log notice;
events { worker_connections 16; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server {
		listen 127.0.0.1:%[2]s ssl;
		ssl_certificate %[3]s.pem;
		ssl_certificate_key %[3]s.key;
	}
}
`

func TestNginx(t *testing.T) {
	t.Parallel()
	needRoot(t)
	need(t, "nginx", "nginx-light")
	runDeployTests(t, []deployTest{
		{"serves the new certificate", nginxServesTheNew},
		{"serves a wildcard", nginxServesAWildcard},
		{"serves the client's own files", nginxServesTheClientsFiles},
		{"keeps running when its configuration is broken", nginxKeepsRunning},
		{"puts the files back when the key does not fit", nginxPutsBack},
		{"installs nothing new when it is refused", nginxInstallsNothing},
		{"keeps the files when it does not run", nginxDoesNotRun},
		{"puts the files back when it is stopped", nginxIsStopped},
		{"is reloaded by systemd", nginxUnderSystemd},
	})
}

// startNginx starts nginx with a certificate in its directory, and returns its port.
func (d *deployment) startNginx(name, file string) (port string) {
	d.Helper()
	d.mkdir("tls")
	d.issue(name)
	d.write("tls/"+file+".pem", d.read("live/fullchain.pem"))
	d.write("tls/"+file+".key", d.read("live/privkey.pem"))
	port = d.nginxConf(d.path("tls", file))
	d.line("handler", "nginx", "NGINX_DIR="+d.path("tls"), "NGINX_CONF="+d.path("nginx.conf"))
	d.startNginxHere(port, name)
	return port
}

func (d *deployment) nginxConf(certificate string) (port string) {
	d.Helper()
	port = freePort(d.T)
	d.write("nginx.conf", fmt.Sprintf(nginxConf, d.dir, port, certificate))
	return port
}

func (d *deployment) startNginxHere(port, name string) {
	d.Helper()
	d.start("nginx", "-c", d.path("nginx.conf"))
	d.awaitServed(port, served(name), d.leaf())
}

func nginxServesTheNew(d *deployment) {
	port := d.startNginx("a.test", "a.test")
	serial := d.issue("a.test")
	d.watch("nginx", "cat", "mv")
	requireDone(d.T, d.deploy("a.test"))
	d.awaitServed(port, "a.test", serial)
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o644, "a.test.key": 0o600})
	require.Equal(d, d.read("live/fullchain.pem"), d.read("tls/a.test.pem"))
	require.Equal(d, d.read("live/privkey.pem"), d.read("tls/a.test.key"))
	d.requireHidden()
}

func nginxServesAWildcard(d *deployment) {
	port := d.startNginx("*.a.test", "_.a.test")
	serial := d.issue("*.a.test")
	requireDone(d.T, d.deploy("*.a.test"))
	d.awaitServed(port, "www.a.test", serial)
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"_.a.test.pem": 0o644, "_.a.test.key": 0o600})
}

func nginxServesTheClientsFiles(d *deployment) {
	d.issue("a.test")
	require.NoError(d, os.Symlink("live/fullchain.pem", d.path("it.pem")))
	require.NoError(d, os.Symlink("live/privkey.pem", d.path("it.key")))
	port := d.nginxConf(d.path("it"))
	d.line("handler", "nginx", "NGINX_CONF="+d.path("nginx.conf"))
	d.startNginxHere(port, "a.test")
	serial := d.issue("a.test")
	requireDone(d.T, d.deploy("a.test"))
	d.awaitServed(port, "a.test", serial)
}

// requireUnchanged: a refused deployment leaves the files and the running nginx
// as they are. A reload that was asked for all the same would be counted with
// the one that follows.
func (d *deployment) requireUnchanged(port string, fix func()) {
	d.Helper()
	pem, key := d.read("tls/a.test.pem"), d.read("tls/a.test.key")
	old, err := d.serial(port, "a.test")
	require.NoError(d, err)
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Empty(d, got.stdout)
	require.Contains(d, got.stderr, "[emerg]", "what nginx -t said")
	require.Contains(d, got.stderr, "nginx was not reloaded")
	require.Equal(d, pem, d.read("tls/a.test.pem"))
	require.Equal(d, key, d.read("tls/a.test.key"))
	d.requireServed(port, "a.test", old)

	fix()
	serial := d.issue("a.test")
	requireDone(d.T, d.deploy("a.test"))
	d.awaitServed(port, "a.test", serial)
	require.Equal(d, 1, strings.Count(d.read("error.log"), "(SIGHUP) received from"))
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o644, "a.test.key": 0o600})
}

func nginxKeepsRunning(d *deployment) {
	port := d.startNginx("a.test", "a.test")
	good := d.read("nginx.conf")
	d.issue("a.test")
	d.write("nginx.conf", good+"no_such_directive on;\n")
	d.requireUnchanged(port, func() { d.write("nginx.conf", good) })
}

func nginxPutsBack(d *deployment) {
	port := d.startNginx("a.test", "a.test")
	d.issue("a.test")
	other := d.read("live/privkey.pem")
	d.issue("a.test")
	d.write("live/privkey.pem", other)
	d.requireUnchanged(port, func() {})
}

func nginxInstallsNothing(d *deployment) {
	d.startNginx("a.test", "a.test")
	d.write("nginx.conf", "no_such_directive on;\n")
	d.issue("b.test")
	require.Equal(d, 1, d.deploy("b.test").status)
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o600, "a.test.key": 0o600})
}

// The whole process group of the handler is, as at the end of its time.
func nginxIsStopped(d *deployment) {
	d.startNginx("a.test", "a.test")
	pem, key := d.read("tls/a.test.pem"), d.read("tls/a.test.key")
	d.putFirst("nginx", "cmp -s "+d.path("live/privkey.pem")+" "+d.path("tls/a.test.key")+" && echo >"+d.path("replaced")+"\nkill 0\n")
	d.issue("a.test")
	require.Equal(d, 1, d.deploy("a.test").status)
	require.FileExists(d, d.path("replaced"))
	require.Equal(d, pem, d.read("tls/a.test.pem"))
	require.Equal(d, key, d.read("tls/a.test.key"))
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o600, "a.test.key": 0o600})
}

// The configuration is good, so that the next start is with the new files.
func nginxDoesNotRun(d *deployment) {
	tls := d.mkdir("tls")
	d.nginxConf(filepath.Join(tls, "a.test"))
	d.line("handler", "nginx", "NGINX_DIR="+tls, "NGINX_CONF="+d.path("nginx.conf"))
	d.issue("a.test")
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "nginx: nginx was not reloaded")
	require.Equal(d, d.read("live/privkey.pem"), d.read("tls/a.test.key"))
}

// The configuration is the machine's for the time of the test: the unit is for
// no other.
func nginxUnderSystemd(d *deployment) {
	port := d.startNginx("a.test", "a.test")
	d.line("handler", "nginx", "NGINX_DIR="+d.path("tls"))
	wrapper := d.underSystemd("exec nginx -s reload", "mount --bind "+d.path("nginx.conf")+" /etc/nginx/nginx.conf &&")
	serial := d.issue("a.test")
	requireDone(d.T, d.deploy("a.test", wrapper...))
	d.awaitServed(port, "a.test", serial)
	require.Equal(d, "reload nginx\n", d.read("systemctl.record"))
}
