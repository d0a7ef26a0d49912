//go:build !linux

package runner

import "syscall"

// closeInherited keeps descriptors above 2 that the client left open from the
// handlers.
func closeInherited() {
	for fd := 3; fd < 1024; fd++ {
		syscall.CloseOnExec(fd)
	}
}

// Unblock does nothing on systems other than Linux.
func Unblock([]string, []string) {}
