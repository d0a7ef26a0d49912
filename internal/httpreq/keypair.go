package httpreq

import (
	"crypto/tls"
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/trust"
)

// watchKeyPair returns the server's certificate and key, or nil if there are no
// files.
func watchKeyPair(o *options) (*watchedFile[*tls.Certificate], error) {
	if o.tlsCert == "" {
		return nil, nil
	}
	warn := func(err error) { o.log("warning: the old certificate stays in use: " + err.Error()) }
	return watchFiles(func() (*tls.Certificate, error) { return readKeyPair(o.tlsCert, o.tlsKey) }, warn, o.tlsCert, o.tlsKey)
}

func readKeyPair(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	key, err := trust.ReadSecret(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, cli.Config("%s and %s: %v", certFile, keyFile, err)
	}
	return &pair, nil
}

// configFor returns a configuration that gives each connection the current
// certificate.
func configFor(pair *watchedFile[*tls.Certificate]) *tls.Config {
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil }
	return &tls.Config{GetCertificate: get, NextProtos: []string{"http/1.1"}}
}
