package httpreq

import (
	"crypto/tls"
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/trust"
)

// keyPairOf is the server's certificate and key; nil where there are no files.
func keyPairOf(o *options) (*current[*tls.Certificate], error) {
	if o.tlsCert == "" {
		return nil, nil
	}
	stays := func(err error) { o.log("warning: the old certificate stays in use: " + err.Error()) }
	return follow(func() (*tls.Certificate, error) { return readKeyPair(o.tlsCert, o.tlsKey) }, stays, o.tlsCert, o.tlsKey)
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

// served has each connection get the certificate of that time.
func served(pair *current[*tls.Certificate]) *tls.Config {
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil }
	return &tls.Config{GetCertificate: get, NextProtos: []string{"http/1.1"}}
}
