// Package journal keeps what was performed and has not been cleaned up: a
// directory with a file for each challenge, its record, and a file for each order
// that takes several calls of the client. A challenge without a record is one of
// which nothing is left.
//
// Nothing is believed that another user could have written, or that a crash
// tore: records say which programs a clean-up runs.
package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/extauth/extauth/internal/trust"
)

// Journal is a journal in a directory.
type Journal struct {
	Dir string

	// Step, unless it is nil, is called before each thing that a crash could come
	// before or after. Its error is returned in place of doing it. Tests crash
	// there.
	Step func(name string) error
}

// Error says that the journal cannot be read or written.
type Error struct{ Err error }

func (e *Error) Error() string { return "journal: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// wrap makes an *Error of an error that has no type of its own.
func wrap(err error) error {
	if err == nil || errors.As(err, new(*trust.UnsafeError)) || errors.As(err, new(*Error)) {
		return err
	}
	return &Error{err}
}

// Open makes the directory if it is missing; existed reports whether it was
// there. The error is a *trust.UnsafeError or an *Error.
func (j *Journal) Open() (existed bool, err error) {
	if err := j.Check(); err != nil {
		return false, err
	}
	if info, err := os.Stat(j.Dir); err == nil && info.IsDir() {
		return true, nil
	}
	if err := trust.MakePrivateDir(j.Dir); err != nil {
		return false, &Error{err}
	}
	return false, j.Check()
}

// Check returns a *trust.UnsafeError if others could put records into the
// directory. If it is missing, the nearest one above it counts.
func (j *Journal) Check() error {
	for dir := j.Dir; ; dir = filepath.Dir(dir) {
		err := trust.CheckPath(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return wrap(err)
		}
	}
}

// step announces a step.
func (j *Journal) step(name string) error {
	if j.Step == nil {
		return nil
	}
	return j.Step(name)
}

func (j *Journal) path(name string) string { return filepath.Join(j.Dir, name) }

// write puts a file on disk: written to a temporary file, fsync, rename, fsync of
// the directory.
func (j *Journal) write(name string, text []byte) error {
	temporary := j.path(name + ".new")
	err := j.writeNew(temporary, text)
	if err == nil {
		err = j.step("rename")
	}
	if err == nil {
		err = os.Rename(temporary, j.path(name))
	}
	if err != nil {
		_ = os.Remove(temporary)
		return &Error{err}
	}
	return j.sync()
}

func (j *Journal) writeNew(path string, text []byte) error {
	f, err := trust.CreatePrivate(path, os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return err
	}
	if err = j.step("write"); err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = errors.Join(j.step("fsync"), f.Sync())
	}
	return errors.Join(err, f.Close())
}

// sync puts the names in the directory on disk.
func (j *Journal) sync() error {
	err := j.step("fsync of the directory")
	if err != nil {
		return &Error{err}
	}
	d, err := os.Open(j.Dir)
	if err != nil {
		return &Error{err}
	}
	return wrap(errors.Join(d.Sync(), d.Close()))
}

// remove removes a file; removed reports whether it was there.
func (j *Journal) remove(name string) (removed bool, err error) {
	if err := j.step("remove"); err != nil {
		return false, &Error{err}
	}
	err = os.Remove(j.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, &Error{err}
	}
	return err == nil, nil
}
