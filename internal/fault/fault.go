// Package fault turns panics into errors.
package fault

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Error is a fault of this program: a panic, of which only the place is
// told, since its text may hold anything.
type Error struct{ Place string }

func (e *Error) Error() string { return "internal fault at " + e.Place + "; please report it" }

// Recover turns a panic into a *Error. It is for a deferred call:
//
//	defer fault.Recover(&err)
func Recover(err *error) {
	if recover() != nil {
		*err = &Error{whereabouts()}
	}
}

// whereabouts is where the panic was: the innermost of our functions below it.
func whereabouts() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, "extauth/extauth/") {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
