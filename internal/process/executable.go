package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/trust"
)

// StartError is a program that could not be started.
type StartError struct {
	Path   string // or its name, if it was not found
	Reason string // for people
	Err    error  // of the system, or fs.ErrNotExist
}

func (e *StartError) Error() string { return e.Path + ": " + e.Reason }
func (e *StartError) Unwrap() error { return e.Err }

// NotFound reports whether there is no such program, as opposed to one that the
// system refused to run (env(1): status 127 and 126).
func (e *StartError) NotFound() bool { return errors.Is(e.Err, fs.ErrNotExist) }

// Locate finds a program: a name with a slash as it is, any other in PATH. The
// error is a *StartError.
func Locate(name string) (string, error) {
	if strings.Contains(name, "/") {
		if err := executable(name); err != nil {
			return "", explain(name, err)
		}
		return name, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &StartError{name, "is not in PATH", fs.ErrNotExist}
	}
	return path, nil
}

// executable asks the system whether this process may run a file.
func executable(path string) error {
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		return err
	}
	if stat.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		return syscall.EISDIR
	}
	return syscall.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
}

// Startable checks that a program exists, may be run, has its interpreter, and
// can be changed by nobody else. The error is a *StartError or an
// *trust.UnsafeError.
func Startable(name string) error {
	path, err := Locate(name)
	if err != nil {
		return err
	}
	if err := checkInterpreter(path); err != nil {
		return err
	}
	return trust.CheckPath(path)
}

// Explain makes a *StartError of the error of a system call that was to run a
// program.
func Explain(path string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return explain(path, errno)
	}
	return &StartError{path, err.Error(), err}
}

// explain looks for the reason why the system did not run a file: it reports
// ENOENT for a missing interpreter as for a missing file, and EACCES for several
// things.
func explain(path string, err error) *StartError {
	e := &StartError{Path: path, Reason: fmt.Sprint(err), Err: err}
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		e.Reason, e.Err = "no such file", fs.ErrNotExist
	case statErr != nil:
		e.Reason, e.Err = fmt.Sprint(errors.Unwrap(statErr)), statErr
	case info.IsDir():
		e.Reason, e.Err = "is a directory", syscall.EACCES
	case info.Mode()&0o111 == 0:
		e.Reason, e.Err = "exists but is not executable; chmod +x it", syscall.EACCES
	case errors.Is(err, fs.ErrNotExist):
		e.Reason, e.Err = missingInterpreter(path), syscall.ENOEXEC
	case errors.Is(err, syscall.ENOEXEC):
		e.Reason = "is neither a program nor begins with #! and an interpreter"
	case errors.Is(err, syscall.ETXTBSY):
		e.Reason = "is being written to (text file busy)"
	case errors.Is(err, fs.ErrPermission):
		e.Reason = "may not be executed by this user, or its file system is mounted noexec"
	}
	return e
}

// checkInterpreter checks that the interpreter of a script exists.
func checkInterpreter(path string) error {
	text, script := interpreter(path)
	words := strings.Fields(text)
	if !script || len(words) == 0 {
		return nil // not a script, or one that the system judges
	}
	if _, err := os.Stat(strings.TrimSuffix(words[0], "\r")); err == nil && !strings.HasSuffix(text, "\r") {
		return nil
	}
	return &StartError{path, missingInterpreter(path), syscall.ENOEXEC}
}

// missingInterpreter describes what is wrong with a script's #! line.
func missingInterpreter(path string) string {
	text, script := interpreter(path)
	words := strings.Fields(text)
	switch {
	case !script || len(words) == 0:
		return "its loader is missing"
	case strings.HasSuffix(text, "\r"):
		return fmt.Sprintf("its interpreter %q does not exist: the #! line ends in CR LF", strings.TrimLeft(text, " "))
	}
	return fmt.Sprintf("its interpreter %q does not exist", words[0])
}

// interpreter reads what follows #! in a file's first line.
func interpreter(path string) (text string, script bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	head := make([]byte, 256) // as much as Linux reads (BINPRM_BUF_SIZE)
	n, _ := f.Read(head)
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	return strings.CutPrefix(string(line), "#!")
}
