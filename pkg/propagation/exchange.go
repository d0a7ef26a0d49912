package propagation

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// patience is how long one question waits for its answer.
const patience = 2 * time.Second

// maxDatagram is what we read of one; we ask for less.
const maxDatagram = 4096

// errSilent says that no answer came.
var errSilent = errors.New("no answer")

// errNoRoute says that this machine cannot send to such addresses at all.
var errNoRoute = errors.New("no route")

// exchange asks one server, over TCP where the answer does not fit into a
// datagram (RFC 7766 section 5), and without EDNS where the server has no idea
// of it (RFC 6891 section 7).
func exchange(ctx context.Context, server netip.AddrPort, q query) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := exchangeOver(ctx, "udp", server, q, true)
	if err == nil && (r.code == dnsmessage.RCodeFormatError || r.code == dnsmessage.RCodeNotImplemented) {
		r, err = exchangeOver(ctx, "udp", server, q, false)
	}
	if err == nil && r.truncated {
		r, err = exchangeOver(ctx, "tcp", server, q, true)
	}
	return r, fault(err)
}

// exchangeOver sends the query over a connected socket, so that the kernel
// drops what comes from elsewhere.
func exchangeOver(ctx context.Context, network string, server netip.AddrPort, q query, edns bool) (reply, error) {
	id := randomID()
	message, err := q.packed(id, edns)
	if err != nil {
		return reply{}, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if network == "tcp" {
		return overTCP(conn, message, q, id)
	}
	return overUDP(conn, message, q, id)
}

// overUDP reads until an answer to the question comes. A datagram may get lost:
// after half of the time it is sent once more.
func overUDP(conn net.Conn, message []byte, q query, id uint16) (reply, error) {
	if _, err := conn.Write(message); err != nil {
		return reply{}, err
	}
	defer time.AfterFunc(patience/2, func() { _, _ = conn.Write(message) }).Stop()
	buffer := make([]byte, maxDatagram)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return reply{}, err
		}
		if r, err := decode(buffer[:n], q, id); !errors.Is(err, errNotOurs) {
			return r, err
		}
	}
}

// overTCP puts the length before each message (RFC 1035 section 4.2.2).
func overTCP(conn net.Conn, message []byte, q query, id uint16) (reply, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)); err != nil {
		return reply{}, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return reply{}, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return reply{}, err
	}
	return decode(answer, q, id)
}

// fault words what the network refused; a malformed answer words itself.
func fault(err error) error {
	var refused syscall.Errno
	var network net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return errNoRoute
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &network) && network.Timeout():
		return errSilent
	case errors.As(err, &refused):
		return &silence{refused.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &silence{"connection closed"}
	}
	return err
}

// silence is no answer for a reason that the network told.
type silence struct{ reason string }

func (s *silence) Error() string        { return errSilent.Error() + ": " + s.reason }
func (s *silence) Is(target error) bool { return target == errSilent }
