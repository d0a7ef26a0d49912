package endpoint

import "strings"

// Address is where a process listens: on a Unix socket (unix:PATH) or at named
// pipes in a directory (fifo:DIRECTORY).
type Address struct{ Scheme, Path string }

// ParseAddress reads SCHEME:PATH; ok is false for any other text, such as a
// command. The path may be empty.
func ParseAddress(text string) (a Address, ok bool) {
	a.Scheme, a.Path, ok = strings.Cut(text, ":")
	return a, ok && (a.Scheme == "unix" || a.Scheme == "fifo")
}
