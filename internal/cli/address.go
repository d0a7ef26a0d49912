package cli

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// RegisterSocket registers --socket-mode and --socket-group.
func RegisterSocket(set *flag.FlagSet, mode *fs.FileMode, group *string) {
	*mode = 0o600
	set.Func("socket-mode", "", func(text string) error {
		n, err := strconv.ParseUint(text, 8, 32)
		if err != nil || n > 0o777 {
			return errors.New("not a mode such as 0660")
		}
		*mode = fs.FileMode(n)
		return nil
	})
	set.StringVar(group, "socket-group", "", "")
}

// PassedSockets returns how many sockets systemd opened for this process
// (sd_listen_fds(3)).
func PassedSockets(env map[string]string) int {
	pid, pidErr := strconv.Atoi(env["LISTEN_PID"])
	count, countErr := strconv.Atoi(env["LISTEN_FDS"])
	if pidErr != nil || countErr != nil || pid != os.Getpid() {
		return 0
	}
	return count
}

// AbsoluteAddress returns an address to listen at in the one spelling that the
// journal has for it.
func AbsoluteAddress(address string) string {
	scheme, path, found := strings.Cut(address, ":")
	if !found || scheme != "unix" && scheme != "fifo" {
		return address // not ours to judge
	}
	if absolute, err := filepath.Abs(path); err == nil && path != "" {
		path = absolute
	}
	return scheme + ":" + path
}
