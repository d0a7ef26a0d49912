package httpreq

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/runner"
)

// keyPair is the server's certificate and key, read again when a file changes.
type keyPair struct {
	cert, key string
	log       func(string)

	mu     sync.Mutex
	stamp  string // of the files that were read last
	loaded *tls.Certificate
}

// keyPairOf reads the files; nil where there are none.
func keyPairOf(o cli.WebOptions) (*keyPair, error) {
	if o.TLSCert == "" {
		return nil, nil
	}
	k := &keyPair{cert: o.TLSCert, key: o.TLSKey, log: o.Log, stamp: stampOf(o.TLSCert, o.TLSKey)}
	return k, k.load()
}

func (k *keyPair) load() error {
	cert, err := os.ReadFile(k.cert)
	if err != nil {
		return err
	}
	key, err := runner.ReadSecret(k.key)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return setupError("%s and %s: %v", k.cert, k.key, err)
	}
	k.loaded = &pair
	return nil
}

// get is asked for the certificate of each connection. New files that cannot be
// used leave the old ones in use; of a pair that is being written the second is
// still to come.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if stamp := stampOf(k.cert, k.key); stamp != k.stamp {
		k.stamp = stamp
		if err := k.load(); err != nil {
			k.log("warning: the old certificate stays in use: " + err.Error())
		}
	}
	return k.loaded, nil
}

// stampOf changes when a file does.
func stampOf(files ...string) string {
	stamp := ""
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			stamp += fmt.Sprintf("%d %d,", info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp
}
