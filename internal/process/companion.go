package process

import (
	"os"
	"path/filepath"
)

// Companion finds another of our programs: beside this one, or in PATH. The
// error is a *StartError.
func Companion(name string) (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	return Locate(name)
}
