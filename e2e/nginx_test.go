//go:build linux

package e2e_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// nginx serves the webroots: one for each label below the zones, so that a
// scenario can tell its files from those of the others.
type nginx struct {
	*service
	dir  string
	port int
}

const nginxConf = `daemon off;
master_process off;
user root;
pid %[1]s/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path %[1]s/nginx; proxy_temp_path %[1]s/nginx; fastcgi_temp_path %[1]s/nginx;
	uwsgi_temp_path %[1]s/nginx; scgi_temp_path %[1]s/nginx;
	server {
		listen 127.0.0.1:%[2]d;
		server_name "~^(.+\.)?(?<label>[a-z0-9]+)\.(example|second)\.test$";
		root %[1]s/webroot/$label;
	}
}
`

func (n nginx) webroot(label string) string { return filepath.Join(n.dir, "webroot", label) }

func (n *nginx) start(dir string) error {
	n.dir = dir
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, dir, n.port), 0o644); err != nil {
		return err
	}
	var err error
	if n.service, err = startService(dir, "nginx", nil, "-e", "stderr", "-c", conf); err != nil {
		return err
	}
	return n.await(func() error { return connect(n.port) })
}

func connect(port int) error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// freePorts finds ports that nobody listens on. It holds them all until it has
// enough, since a port that was given back may be given out again.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
