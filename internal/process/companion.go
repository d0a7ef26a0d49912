package process

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Companion finds another of our programs: beside this one, beside the link that
// this one was started by, or in PATH. The error is a *StartError.
func Companion(name string) (string, error) {
	for _, dir := range ownDirs() {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &StartError{name, "is neither beside this program nor in PATH; it is a link to extauth", fs.ErrNotExist}
	}
	return path, nil
}

// ownDirs are the directories that this program is in.
func ownDirs() (dirs []string) {
	if self, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(self))
	}
	if strings.Contains(os.Args[0], "/") {
		dirs = append(dirs, filepath.Dir(os.Args[0]))
	}
	return dirs
}
