package program_test

import (
	"os"
	"syscall"
)

// noDelay is for programs with the race detector, which otherwise wait a second
// at their end.
const noDelay = "atexit_sleep_ms=0"

// restartWithoutDelay executes the program again with noDelay if its caller has
// removed that from the environment, as extauth-check does. It is not passed on
// to what the program runs.
func restartWithoutDelay() {
	const own = noDelay + " " // differs from what scripts have in their environment
	switch value, set := os.LookupEnv("GORACE"); {
	case !set:
		_ = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "GORACE="+own))
	case value == own:
		os.Unsetenv("GORACE")
	}
}
