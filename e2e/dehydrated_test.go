//go:build linux

package e2e_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// dehydrated is an installation of the client with an account of its own.
type dehydrated struct {
	*world
	base   string
	config string
}

// newDehydrated registers an account. HOOK is set when it is not empty, and the
// further lines of configuration win over the usual ones.
func (w *world) newDehydrated(hook string, lines ...string) *dehydrated {
	w.Helper()
	d := &dehydrated{world: w, base: w.mkdir("dehydrated")}
	wellKnown := filepath.Join(w.webroot, ".well-known", "acme-challenge")
	require.NoError(w, os.MkdirAll(wellKnown, 0o755))
	d.config = w.write("dehydrated.conf", strings.Join(append([]string{
		"BASEDIR=" + d.base,
		"CA=" + lab.pebble.directory(),
		"WELLKNOWN=" + wellKnown,
		"CHALLENGETYPE=dns-01",
		"ACCOUNT_KEYSIZE=2048",
		"KEY_ALGO=prime256v1",
		"HOOK=" + hook,
	}, lines...), "\n")+"\n")
	w.run("dehydrated", "--config", d.config, "--register", "--accept-terms").requireSuccess(w.T)
	return d
}

// issue asks for one certificate. The first name must not be a wildcard.
func (d *dehydrated) issue(names ...string) result {
	d.Helper()
	args := []string{"--config", d.config, "--cron"}
	for _, name := range names {
		args = append(args, "--domain", name)
	}
	return d.run("dehydrated", args...)
}

// lineage is the directory of a certificate.
func (d *dehydrated) lineage(name string) string { return filepath.Join(d.base, "certs", name) }

func (d *dehydrated) certificate(name string) string {
	return filepath.Join(d.lineage(name), "cert.pem")
}

// thumbprint is that of the account's RSA key, RFC 7638.
func (d *dehydrated) thumbprint() string {
	d.Helper()
	found, err := filepath.Glob(filepath.Join(d.base, "accounts", "*", "account_key.pem"))
	require.NoError(d, err)
	require.Len(d, found, 1)
	content, err := os.ReadFile(found[0])
	require.NoError(d, err)
	block, _ := pem.Decode(content)
	require.NotNil(d, block)
	key := parseRSA(d, block.Bytes).PublicKey
	encode := base64.RawURLEncoding.EncodeToString
	jwk := fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`,
		encode(big.NewInt(int64(key.E)).Bytes()), encode(key.N.Bytes()))
	sum := sha256.Sum256([]byte(jwk))
	return encode(sum[:])
}

// parseRSA reads what either version of openssl writes.
func parseRSA(t require.TestingT, der []byte) *rsa.PrivateKey {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	require.NoError(t, err)
	require.IsType(t, new(rsa.PrivateKey), key)
	return key.(*rsa.PrivateKey)
}

// writeDdnsTsigConf writes the configuration that Debian's hook reads from the
// working directory.
func (w *world) writeDdnsTsigConf() {
	w.Helper()
	w.write("dehydrated-hook-ddns-tsig.conf", "[DEFAULT]\n"+
		"name_server_ip = 127.0.0.1\n"+
		"key_name = "+firstZone+"\n"+
		"key_secret = "+lab.bind.secret(firstZone)+"\n"+
		"key_algorithm = hmac-sha256\n"+
		"ttl = 1\nwait = 5\n")
}

// requireIssued issues a certificate, and requires the right names and nothing
// left over.
func (d *dehydrated) requireIssued(names ...string) result {
	d.Helper()
	got := d.issue(names...)
	got.requireSuccess(d.T)
	d.requireCertificate(d.certificate(names[0]), names...)
	d.requireNothingLeft()
	return got
}

// writeHookChain writes a chain file that dehydrated can be pointed at.
func (w *world) writeHookChain(lines ...string) string {
	w.Helper()
	first := "#!" + lab.program("extauth-dehydrated") + " -c"
	return w.writeExecutable("hook.chain", strings.Join(append([]string{first}, lines...), "\n")+"\n")
}
