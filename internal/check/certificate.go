package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"time"
)

// issue makes the files of a self-signed certificate, as a client passes them
// to its hooks.
func (s *scratch) issue(domain string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	names := []string{domain, "*." + domain}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	request, also := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	private, too := x509.MarshalPKCS8PrivateKey(key)
	return errors.Join(err, also, too,
		s.file("cert.pem", "CERTIFICATE", certificate), s.file("chain.pem", "CERTIFICATE", certificate),
		s.file("fullchain.pem", "CERTIFICATE", certificate), s.file("privkey.pem", "PRIVATE KEY", private),
		s.file("request.csr", "CERTIFICATE REQUEST", request), os.WriteFile(s.path("certs", "response.ocsp"), []byte{}, 0o600))
}

func (s *scratch) file(name, kind string, der []byte) error {
	return os.WriteFile(s.path("certs", name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
