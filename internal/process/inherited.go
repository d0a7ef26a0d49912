package process

import (
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// CloseInherited keeps descriptors above 2 that the client left open from the
// programs that we start: dehydrated's 3 is the certificate that it writes. If
// the kernel does not have the call (before 5.11), or a container refuses it,
// each is looked up.
func CloseInherited() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// Unblock starts this program again if its client left signals blocked: the
// programs that it starts would inherit that, and could not be told to stop. (The
// Go runtime gives its children the mask that it began with.) It returns if there
// is nothing to do.
func Unblock(args, environ []string) {
	var none, blocked unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &blocked); err != nil || blocked == none {
		return
	}
	_ = unix.Exec("/proc/self/exe", args, environ) // if it cannot, go on as it is
}
