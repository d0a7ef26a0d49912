//go:build linux

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An authority signs the certificate of pebble's own HTTPS server. Clients
// trust it through the system's bundle.
type authority struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func (a authority) leafPath() string { return filepath.Join(a.dir, "leaf.pem") }
func (a authority) keyPath() string  { return filepath.Join(a.dir, "leaf.key") }

func newAuthority(dir string) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := certificateTemplate("extauth test authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, err
	}
	a := authority{dir: dir, key: key, cert: cert, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a, errors.Join(a.writeBundle(), a.writeLeaf())
}

func certificateTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

// writeBundle writes a bundle with only this authority, which replaces the
// system's. No other server can be reached, and reading all of the system's
// bundle takes curl longer than the request.
func (a authority) writeBundle() error {
	return writePEM(filepath.Join(a.dir, "bundle.pem"), "CERTIFICATE", a.cert.Raw)
}

// writeLeaf writes the certificate and key of localhost.
func (a authority) writeLeaf() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := certificateTemplate("localhost")
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(a.leafPath(), "CERTIFICATE", cert),
		writePEM(a.keyPath(), "PRIVATE KEY", der),
	)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
