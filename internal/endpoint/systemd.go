package endpoint

import (
	"cmp"
	"net"
	"os"
	"strconv"
)

// PassedSockets returns how many sockets systemd opened for this process, given
// its environment (sd_listen_fds(3)).
func PassedSockets(env map[string]string) int {
	count, err := strconv.Atoi(env["LISTEN_FDS"])
	if err != nil || env["LISTEN_PID"] != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return max(0, count)
}

// Passed returns the sockets that systemd opened for this process, and the first
// error of one that cannot be listened on. It can be called once.
func Passed(count int) (listeners []net.Listener, err error) {
	const first = 3 // SD_LISTEN_FDS_START
	for fd := first; fd < first+count; fd++ {
		file := os.NewFile(uintptr(fd), "LISTEN_FDS")
		l, failure := net.FileListener(file) // a copy
		file.Close()
		if failure == nil {
			listeners = append(listeners, l)
		}
		err = cmp.Or(err, failure)
	}
	return listeners, err
}
