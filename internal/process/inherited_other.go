//go:build !linux

package process

import "syscall"

// CloseInherited keeps descriptors above 2 that the client left open from the
// handlers.
func CloseInherited() {
	for fd := 3; fd < 1024; fd++ {
		syscall.CloseOnExec(fd)
	}
}

// Unblock does nothing on systems other than Linux.
func Unblock([]string, []string) {}
