package program_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// without runs a program to which the kernel refuses a system call, as an old
// kernel does, or one with other file systems:
//
//	without flock ENOLCK extauth-hook auth
//
// Everything that the program runs is refused the same.
func without() {
	calls := map[string]uint32{
		"flock": unix.SYS_FLOCK, "getdents64": unix.SYS_GETDENTS64, "close_range": unix.SYS_CLOSE_RANGE,
		"fsync": unix.SYS_FSYNC, "setgroups": unix.SYS_SETGROUPS, "setuid": unix.SYS_SETUID,
	}
	errnos := map[string]syscall.Errno{"ENOLCK": syscall.ENOLCK, "ENOSYS": syscall.ENOSYS, "EPERM": syscall.EPERM, "EIO": syscall.EIO}
	number, known := calls[os.Args[1]]
	errno, named := errnos[os.Args[2]]
	if !known || !named {
		fmt.Fprintln(os.Stderr, "without: add it to the tables")
		os.Exit(125)
	}
	runtime.LockOSThread() // the filter is this thread's, which execve(2) keeps
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the system call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	if err == nil {
		var path string
		if path, err = exec.LookPath(os.Args[3]); err == nil {
			err = syscall.Exec(path, os.Args[3:], os.Environ())
		}
	}
	fmt.Fprintln(os.Stderr, "without:", err)
	os.Exit(125)
}
