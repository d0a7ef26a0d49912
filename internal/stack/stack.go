// Package stack makes the main goroutine's stack deep enough for most calls of
// a program. It would grow to that by doubling, be taken apart and copied each
// time, and need the tables for that in memory: a twentieth of the time that a
// program takes to become its handler. Least stands on it before anything else
// has begun, and a package without imports is initialised before those that
// have some and before those behind it by path (Go specification, "Program
// initialization"), so that it is enough to import this one.
package stack

var _ = grow(0)

// grow has a frame of the size that is needed. n is not negative, and nothing
// is written there.
//
//go:noinline
func grow(n int) byte {
	if n >= 0 {
		return 0
	}
	var room [20 << 10]byte
	return room[-n%len(room)]
}
