package runner

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is a process that was started, in a group of its own. (Package os/exec
// would do, but asks in each process by a child of its own what the kernel can,
// and copies by goroutines, each of which wakes another thread.)
type child struct {
	pid   int
	pidfd int // readable when it has ended; -1 where the kernel has none (before Linux 5.4)

	mu   sync.Mutex
	gone bool        // it was waited for: its number may be another's
	kill *time.Timer // runs out with the grace
}

// spawn starts a program with three descriptors as its standard streams. One
// that runs as another user can never gain privileges again: the kernel keeps
// that flag for a thread, which gives it to its children; the thread is used
// for nothing else and dies. Errors are those of the system calls.
func (p *process) spawn(path string, streams [3]int, credential *syscall.Credential) (*child, error) {
	if credential == nil {
		return p.fork(path, streams, nil)
	}
	type result struct {
		child *child
		err   error
	}
	started := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			started <- result{nil, os.NewSyscallError("prctl", err)}
			return
		}
		c, err := p.fork(path, streams, credential)
		started <- result{c, err}
	}()
	r := <-started
	return r.child, r.err
}

func (p *process) fork(path string, streams [3]int, credential *syscall.Credential) (*child, error) {
	c := &child{pidfd: -1}
	var err error
	c.pid, err = syscall.ForkExec(path, p.argv, &syscall.ProcAttr{
		Dir:   p.dir,
		Env:   p.env,
		Files: []uintptr{uintptr(streams[0]), uintptr(streams[1]), uintptr(streams[2])},
		Sys:   &syscall.SysProcAttr{Setpgid: !p.session, Setsid: p.session, PidFD: &c.pidfd, Credential: credential},
	})
	return c, err
}

// terminate gives its group SIGTERM, and SIGKILL after the grace.
func (c *child) terminate(grace time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	_ = syscall.Kill(-c.pid, syscall.SIGTERM)
	c.kill = time.AfterFunc(grace, c.destroy)
}

// destroy gives its group SIGKILL.
func (c *child) destroy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	}
}

// wait waits for its end. Until it returns, the number is its own.
func (c *child) wait() syscall.WaitStatus {
	for unix.Waitid(unix.P_PID, c.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		continue
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	if c.kill != nil {
		c.kill.Stop()
	}
	if c.pidfd >= 0 {
		_ = syscall.Close(c.pidfd)
	}
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(c.pid, &status, 0, nil); err != syscall.EINTR {
			return status
		}
	}
}

// hasEnded tells whether wait would return at once.
func (c *child) hasEnded() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, c.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0
}
