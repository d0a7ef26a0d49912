package httpreq

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
)

// listenAt opens HOST:PORT, unix:PATH, or the socket that systemd passes. Plain
// TCP is only allowed on loopback addresses, since others could read the
// password.
func listenAt(o *options, secure bool) (net.Listener, error) {
	l, err := open(o)
	if err != nil {
		return nil, err
	}
	if _, isTCP := l.Addr().(*net.TCPAddr); secure == isTCP || isLoopback(l.Addr()) {
		return l, nil
	}
	_ = l.Close()
	if secure {
		return nil, cli.Config("--tls-cert is for HOST:PORT, not for %s", o.listen)
	}
	return nil, cli.Config("%s is not a loopback address, and passwords would go there as they are: give --tls-cert and --tls-key", l.Addr())
}

func open(o *options) (net.Listener, error) {
	switch {
	case o.listen == "systemd":
		return passed(o.socket.Passed)
	case strings.HasPrefix(o.listen, "unix:"):
		l, err := endpoint.Listen(o.listen, o.socket)
		if err != nil {
			return nil, cli.Config("--listen: %v", err)
		}
		return socket{l, o.listen}, nil
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, cli.Config("--listen: %v", err)
	}
	return l, nil
}

// passed returns the one TCP socket that systemd passes.
func passed(count int) (net.Listener, error) {
	if count != 1 {
		return nil, cli.Config("systemd passed %d sockets, not one", count)
	}
	listeners, err := endpoint.Passed(1)
	if err != nil {
		return nil, cli.Config("the socket that systemd passed: %v", err)
	}
	l := listeners[0]
	if _, isTCP := l.Addr().(*net.TCPAddr); !isTCP {
		_ = l.Close()
		return nil, cli.Config("the socket that systemd passed is not a TCP socket; give --listen unix:PATH")
	}
	return l, nil
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// addressOf returns the server's address as the journal has it, in one
// spelling.
func addressOf(o *options, l net.Listener) string {
	if strings.HasPrefix(o.listen, "unix:") {
		return o.listen
	}
	return l.Addr().String()
}

// socket is a Unix socket as a net.Listener for package net/http.
type socket struct {
	endpoint.Listener
	address string
}

func (s socket) Addr() net.Addr { return &net.UnixAddr{Name: s.address, Net: "unix"} }

// Accept returns a connection whose remote address is the user at its other
// end.
func (s socket) Accept() (net.Conn, error) {
	caller, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn, ok := caller.(net.Conn)
	if !ok {
		return nil, errors.New("the socket is not the network's")
	}
	return &peerConn{conn, caller.UID()}, nil
}

type peerConn struct {
	net.Conn
	uid int
}

func (c *peerConn) RemoteAddr() net.Addr { return peerAddr{c.uid} }

// peerAddr is the user that a process runs as.
type peerAddr struct{ uid int }

func (peerAddr) Network() string  { return "unix" }
func (a peerAddr) String() string { return fmt.Sprintf("uid:%d", a.uid) }
