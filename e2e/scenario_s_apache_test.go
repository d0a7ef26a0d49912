//go:build linux

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"
)

// Apache's mod_md has no client that ends: its watchdog calls MDChallengeDns01
// as the user of the server's processes, and the server MDMessageCmd as root
// when a restart takes the certificate into use.
func apacheScenarios() []scenario {
	return []scenario{
		{"s_apache_teardown_of_a_domain", func(w *world) { w.newApache("1").requireIssued() }},
		{"s_apache_teardown_of_a_value", func(w *world) { w.newApache("2").requireIssued() }},
	}
}

const apacheConf = `ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/httpd.pid
ErrorLog /dev/stderr
LogLevel warn md:debug
ServerName localhost
Listen 127.0.0.1:%[2]d
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule md_module /usr/lib/apache2/modules/mod_md.so
MDStoreDir %[1]s/md
MDCertificateAuthority %[3]s
MDCACertificateFile %[4]s
MDCertificateAgreement accepted
MDContactEmail hostmaster@example.test
MDCAChallenges dns-01
MDChallengeDns01 %[5]s
MDChallengeDns01Version %[6]s
MDMessageCmd %[5]s
MDPrivateKeys RSA 2048
MDRenewMode always
MDomain %[7]s
<VirtualHost 127.0.0.1:%[2]d>
	ServerName %[8]s
</VirtualHost>
`

// apache is a server with one managed domain: a name and its wildcard, which
// share one teardown in version 1.
type apache struct {
	*world
	server *service
	store  string
	names  []string
}

func (w *world) newApache(version string) *apache {
	w.Helper()
	a := &apache{world: w, store: w.path("md"), names: w.wildcardPair()}
	w.setenv("EXTAUTH_MD_STORE", a.store)
	w.recordCalls("")
	a.admit()
	conf := a.configure(lab.program("extauth-mod-md")+" -c "+a.writeChain(), version)
	runtime.LockOSThread() // the server dies with the thread that started it
	w.Cleanup(runtime.UnlockOSThread)
	var err error
	a.server, err = startService(w.dir, "apache2", w.env, "-DFOREGROUND", "-f", conf)
	require.NoError(w, err)
	w.Cleanup(a.end)
	return a
}

// admit lets the server's processes into the world, and gives them the journal.
func (a *apache) admit() {
	a.Helper()
	uid, gid := a.ids()
	require.NoError(a, os.Chmod(filepath.Dir(a.dir), 0o711))
	require.NoError(a, os.Mkdir(a.state, 0o700))
	require.NoError(a, os.Chown(a.state, uid, gid))
}

// ids are those of the server's processes.
func (a *apache) ids() (uid, gid int) {
	a.Helper()
	u, err := user.Lookup("www-data")
	require.NoError(a, err)
	uid, err = strconv.Atoi(u.Uid)
	require.NoError(a, err)
	gid, err = strconv.Atoi(u.Gid)
	require.NoError(a, err)
	return uid, gid
}

// writeChain writes handlers that root and the server's processes can run.
func (a *apache) writeChain() string {
	a.Helper()
	key := a.writeShared("nsupdate.key", string(lab.bind.key(firstZone)))
	env := a.writeShared("nsupdate.env", lines("NSUPDATE_SERVER=127.0.0.1", "NSUPDATE_KEY="+key, "NSUPDATE_ZONE="+firstZone))
	return a.write("chain", lines(
		"handler type=dns-01 env="+env+" "+a.writeExecutable("nsupdate", a.read(a.handler("nsupdate"))),
		"handler phase=deploy_cert "+a.fixture("record"),
	))
}

// writeShared writes credentials that root owns and the server's group can read.
func (a *apache) writeShared(name, content string) string {
	a.Helper()
	path := a.write(name, content)
	_, gid := a.ids()
	require.NoError(a, os.Chown(path, 0, gid))
	require.NoError(a, os.Chmod(path, 0o640))
	return path
}

func (a *apache) configure(hook, version string) string {
	a.Helper()
	ports, err := freePorts(1)
	require.NoError(a, err)
	ca := a.write("ca.pem", a.read(systemBundle))
	return a.write("apache.conf", fmt.Sprintf(apacheConf,
		a.dir, ports[0], lab.pebble.directory(), ca, hook, version, strings.Join(a.names, " "), a.names[0]))
}

// end stops the server, and shows what it said about a scenario that failed.
func (a *apache) end() {
	a.server.stop()
	if a.Failed() {
		a.Logf("apache2:\n%s", a.server.logged(""))
	}
}

// requireIssued waits for the certificate, and has it taken into use.
func (a *apache) requireIssued() {
	a.Helper()
	a.poll(a.isRenewed)
	a.requireNothingLeft()
	require.NoError(a, a.server.cmd.Process.Signal(syscall.SIGUSR1)) // a graceful restart
	a.poll(a.isDeployed)
	certificate := filepath.Join(a.store, "domains", a.names[0], "pubcert.pem")
	a.requireCertificate(certificate, a.names...)
	deployed := a.recorded()
	require.Len(a, deployed, 1)
	require.Equal(a, []string{"deploy_cert"}, deployed[0].args)
	require.Equal(a, a.names[0], deployed[0].env["cbot_domain"])
	require.Equal(a, certificate, deployed[0].env["cbot_fullchain_path"])
	require.FileExists(a, deployed[0].env["cbot_key_path"])
}

// poll waits until something is as it should be, at most as long as a service
// of the laboratory may take to start.
func (a *apache) poll(is func() error) {
	a.Helper()
	require.NoError(a, a.server.await(is))
}

// isRenewed looks at what mod_md keeps of its work: it is finished when the
// challenges are taken down and MDMessageCmd was told.
func (a *apache) isRenewed() error {
	job, err := os.ReadFile(filepath.Join(a.store, "staging", a.names[0], "job.json"))
	if err == nil && !strings.Contains(string(job), "message-renewed") {
		err = errors.New("not renewed yet")
	}
	return err
}

func (a *apache) isDeployed() error {
	_, err := os.Stat(filepath.Join(a.path("records"), "000", "stdin"))
	return err
}
