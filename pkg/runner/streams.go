package runner

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// streams are our ends of a handler's three standard streams, and the process
// itself, in poll(2)'s form; those that are closed are -1.
type streams struct {
	polled [4]unix.PollFd
	theirs [3]int // the handler's ends

	input []byte       // what is not yet written
	sinks [3]io.Writer // where the second and third go
}

const itself = 3 // the process among the polled

// openStreams makes the pipes. Without input, standard input is /dev/null.
func openStreams(input []byte, stdout, stderr io.Writer) (*streams, error) {
	s := &streams{input: input, sinks: [3]io.Writer{nil, stdout, stderr}, theirs: [3]int{-1, -1, -1}}
	for i := range s.polled {
		s.polled[i] = unix.PollFd{Fd: -1, Events: unix.POLLIN}
	}
	s.polled[0].Events = unix.POLLOUT
	for i := range s.theirs {
		if err := s.open(i); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *streams) open(i int) (err error) {
	if i == 0 && s.input == nil {
		s.theirs[0], err = syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		return os.NewSyscallError("open", err)
	}
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	ours, theirs := ends[0], ends[1]
	if i == 0 {
		ours, theirs = theirs, ours
	}
	s.polled[i].Fd, s.theirs[i] = int32(ours), theirs
	return os.NewSyscallError("fcntl", syscall.SetNonblock(ours, true))
}

// handOver closes the handler's ends: it has them.
func (s *streams) handOver() {
	for i, fd := range s.theirs {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
		s.theirs[i] = -1
	}
}

func (s *streams) close() {
	s.handOver()
	for i := range s.sinks {
		s.closeOurs(i)
	}
}

func (s *streams) closeOurs(i int) {
	if s.polled[i].Fd >= 0 {
		_ = syscall.Close(int(s.polled[i].Fd))
	}
	s.polled[i].Fd = -1
}

// attend writes and reads until the process has ended and its streams have, or
// until something that it left behind has held them for too long.
func (s *streams) attend(c *child) (heldOpen bool) {
	defer s.close()
	s.polled[itself].Fd = int32(c.pidfd)
	buffer := make([]byte, 4<<10)
	ended, until := false, time.Time{}
	for {
		if !ended && s.sees(c) {
			ended, until = true, time.Now().Add(held)
			s.closeOurs(0) // nobody reads it
		}
		if ended && s.polled[1].Fd < 0 && s.polled[2].Fd < 0 {
			return false
		}
		if ended && !time.Now().Before(until) {
			return true
		}
		_, err := unix.Poll(s.polled[:], s.patience(c, ended, until))
		if err == nil {
			s.serve(buffer)
		}
	}
}

// sees tells whether the process has ended, and looks at it no more then.
func (s *streams) sees(c *child) bool {
	if c.pidfd >= 0 && s.polled[itself].Revents == 0 || !c.hasEnded() {
		return false
	}
	s.polled[itself].Fd = -1
	return true
}

// patience is how long poll(2) may wait, in milliseconds. A process that cannot
// be polled is looked at a hundred times a second.
func (s *streams) patience(c *child, ended bool, until time.Time) int {
	switch {
	case ended:
		return int(time.Until(until)/time.Millisecond) + 1
	case c.pidfd < 0:
		return 10
	}
	return -1
}

func (s *streams) serve(buffer []byte) {
	if s.polled[0].Fd >= 0 && s.polled[0].Revents != 0 {
		s.feed()
	}
	for i := 1; i < itself; i++ {
		if s.polled[i].Fd >= 0 && s.polled[i].Revents != 0 {
			s.drain(i, buffer)
		}
	}
}

// feed writes what the pipe takes. A handler need not read it.
func (s *streams) feed() {
	n, err := syscall.Write(int(s.polled[0].Fd), s.input)
	s.input = s.input[max(n, 0):]
	if isTemporary(err) {
		return
	}
	if err != nil || len(s.input) == 0 {
		s.closeOurs(0)
	}
}

func (s *streams) drain(i int, buffer []byte) {
	n, err := syscall.Read(int(s.polled[i].Fd), buffer)
	switch {
	case n > 0:
		_, _ = s.sinks[i].Write(buffer[:n])
	case !isTemporary(err):
		s.closeOurs(i)
	}
}

func isTemporary(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
}
