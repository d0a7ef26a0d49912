package httpreq

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/listen"
)

// listenAt opens HOST:PORT, unix:PATH, or what systemd passes. Over plain TCP
// nobody but this machine is served: the password would be for all to read.
func listenAt(o cli.WebOptions, secure bool) (net.Listener, error) {
	l, err := open(o)
	if err != nil {
		return nil, err
	}
	if _, isTCP := l.Addr().(*net.TCPAddr); secure == isTCP || isLoopback(l.Addr()) {
		return l, nil
	}
	_ = l.Close()
	if secure {
		return nil, setupError("--tls-cert is for HOST:PORT, not for %s", o.Listen)
	}
	return nil, setupError("%s is no loopback address, and passwords would go there as they are: give --tls-cert and --tls-key", l.Addr())
}

func open(o cli.WebOptions) (net.Listener, error) {
	switch {
	case o.Listen == "systemd":
		return passed(o.Socket.Passed)
	case strings.HasPrefix(o.Listen, "unix:"):
		l, err := listen.On(o.Listen, o.Socket)
		if err != nil {
			return nil, setupError("--listen: %v", err)
		}
		return socket{l, o.Listen}, nil
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, setupError("--listen: %v", err)
	}
	return l, nil
}

// passed returns the one TCP socket that systemd passes.
func passed(count int) (net.Listener, error) {
	if count != 1 {
		return nil, setupError("systemd passed %d sockets, not one", count)
	}
	listeners, err := endpoint.Passed(1)
	if err != nil {
		return nil, setupError("the socket that systemd passed: %v", err)
	}
	l := listeners[0]
	if _, isTCP := l.Addr().(*net.TCPAddr); !isTCP {
		_ = l.Close()
		return nil, setupError("the socket that systemd passed is not a TCP socket; give --listen unix:PATH")
	}
	return l, nil
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// addressOf names the server in the journal, in one spelling.
func addressOf(o cli.WebOptions, l net.Listener) string {
	if strings.HasPrefix(o.Listen, "unix:") {
		return o.Listen
	}
	return l.Addr().String()
}

func setupError(format string, args ...any) error {
	return &cli.SetupError{Faults: []error{fmt.Errorf(format, args...)}}
}

// socket is a Unix socket as package net/http needs one.
type socket struct {
	cli.Listener
	address string
}

func (s socket) Addr() net.Addr { return &net.UnixAddr{Name: s.address, Net: "unix"} }

// Accept gives the connection the user at its other end as its address.
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
