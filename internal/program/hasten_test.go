package program_test

import (
	"os"
	"syscall"
)

// atOnce lets a program that has the race detector in it end without waiting a
// second for other goroutines.
const atOnce = "atexit_sleep_ms=0"

// hasten starts the program again with atOnce if who runs it keeps the
// environment from it, as extauth-check does. Nothing that it runs sees that.
func hasten() {
	const again = atOnce + " " // is in no script's environment
	switch os.Getenv("GORACE") {
	case "":
		_ = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "GORACE="+again))
	case again:
		os.Unsetenv("GORACE")
	}
}
