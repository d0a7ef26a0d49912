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

// queryTimeout is how long a query waits for its answer.
const queryTimeout = 2 * time.Second

// maxDatagram is how many bytes of a datagram are read; EDNS asks for fewer.
const maxDatagram = 4096

// errNoAnswer reports that no answer came.
var errNoAnswer = errors.New("no answer")

// errNoRoute reports that this machine cannot send to such addresses at all.
var errNoRoute = errors.New("no route")

// exchange sends a query to one server: over TCP if the answer does not fit
// into a datagram (RFC 7766 section 5), and without EDNS if the server does not
// support it (RFC 6891 section 7).
func exchange(ctx context.Context, server netip.AddrPort, q query) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := exchangeVia(ctx, "udp", server, q, true)
	if err == nil && (r.code == dnsmessage.RCodeFormatError || r.code == dnsmessage.RCodeNotImplemented) {
		r, err = exchangeVia(ctx, "udp", server, q, false)
	}
	if err == nil && r.truncated {
		r, err = exchangeVia(ctx, "tcp", server, q, true)
	}
	return r, describeError(err)
}

// exchangeVia sends the query over a connected socket, so that the kernel drops
// datagrams from other addresses.
func exchangeVia(ctx context.Context, network string, server netip.AddrPort, q query, edns bool) (reply, error) {
	id := randomID()
	message, err := q.pack(id, edns)
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
	defer time.AfterFunc(queryTimeout/2, func() { _, _ = conn.Write(message) }).Stop()
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

// overTCP sends each message after its length (RFC 1035 section 4.2.2).
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

// describeError rewords errors of the network. Those of a malformed answer stay
// as they are.
func describeError(err error) error {
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return errNoRoute
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.As(err, &timeout) && timeout.Timeout():
		return errNoAnswer
	case errors.As(err, &errno):
		return &noAnswerError{errno.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &noAnswerError{"connection closed"}
	}
	return err
}

// noAnswerError is errNoAnswer with a reason that the network gave.
type noAnswerError struct{ reason string }

func (e *noAnswerError) Error() string        { return errNoAnswer.Error() + ": " + e.reason }
func (e *noAnswerError) Is(target error) bool { return target == errNoAnswer }
