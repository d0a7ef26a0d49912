//go:build linux

package e2e_test

import (
	"path/filepath"

	"github.com/stretchr/testify/require"
)

// certbot is a configuration of the client with an account of its own.
type certbot struct{ *world }

func (w *world) newCertbot() certbot { return certbot{w} }

func (c certbot) call(verb string, args ...string) result {
	c.Helper()
	return c.run("certbot", append([]string{
		verb, "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
		"--server", lab.pebble.directory(),
		"--config-dir", c.path("letsencrypt"), "--work-dir", c.path("work"), "--logs-dir", c.path("logs"),
	}, args...)...)
}

// A certbotOrder is what a person types for one certificate.
type certbotOrder struct {
	lineage    string // --cert-name
	challenges string // --preferred-challenges
	auth       string
	cleanup    string
	more       []string
	names      []string
}

// hook sets both hooks to one command that differs in its operand.
func (o certbotOrder) hook(before, after string) certbotOrder {
	o.auth, o.cleanup = before+" auth"+after, before+" cleanup"+after
	return o
}

func (c certbot) issue(o certbotOrder) result {
	c.Helper()
	args := []string{
		"--manual", "--cert-name", o.lineage, "--key-type", "ecdsa",
		"--preferred-challenges", o.challenges,
		"--manual-auth-hook", o.auth, "--manual-cleanup-hook", o.cleanup,
	}
	for _, name := range o.names {
		args = append(args, "--domain", name)
	}
	return c.call("certonly", append(args, o.more...)...)
}

// certificate is the newest certificate of a lineage.
func (c certbot) certificate(lineage string) string {
	return filepath.Join(c.path("letsencrypt"), "live", lineage, "cert.pem")
}

// requireIssued issues a certificate, and requires the right names, no
// complaint about a hook (which certbot only mentions), and nothing left over.
func (c certbot) requireIssued(o certbotOrder) {
	c.Helper()
	got := c.issue(o)
	got.requireSuccess(c.T)
	require.NotContains(c, got.output, "reported error code")
	c.requireCertificate(c.certificate(o.lineage), o.names...)
	c.requireNothingLeft()
}
