package runner

import (
	"math"

	"golang.org/x/sys/unix"
)

// closeInherited keeps descriptors above 2 that the client left open from the
// handlers: dehydrated's 3 is the certificate that it writes. On a kernel
// before 5.11, which lacks the call, they stay open.
func closeInherited() {
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}
