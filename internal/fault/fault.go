// Package fault turns panics into errors.
package fault

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Error is a bug in this program: a panic. Only its place is shown, since its
// text may hold anything.
type Error struct{ Place string }

func (e *Error) Error() string { return "internal fault at " + e.Place + "; please report it" }

// Recover turns a panic into an *Error. It is to be deferred:
//
//	defer fault.Recover(&err)
func Recover(err *error) {
	if recover() != nil {
		*err = &Error{place()}
	}
}

// place is where the panic was: in the innermost of our functions.
func place() string {
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
