package runner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// journal is what was performed and not yet cleaned up: a directory with a
// file for each challenge. While the directory is there, a challenge without a
// file is one that nothing is left of.
type journal struct {
	dir  string
	step func(name string) error // see Runner.Step
}

// at announces a step; its error takes the step's place.
func (j journal) at(name string) error {
	if j.step == nil {
		return nil
	}
	return j.step(name)
}

// JournalError says that the journal cannot be read or written.
type JournalError struct{ Err error }

func (e *JournalError) Error() string { return "journal: " + e.Err.Error() }
func (e *JournalError) Unwrap() error { return e.Err }

// record is a challenge in the journal. Its handlers are those that were
// started, in order.
type record struct {
	Event   envmap.Event
	Started time.Time
	Steps   []step
}

// step is a handler that was started for a challenge, and what it printed.
type step struct {
	Handler Handler
	Output  string

	taken bool // this run's, not one that an earlier run left
}

// version is the first thing in a record; another is not read.
const version = "extauth-journal 1"

// open makes the journal's directory; existed tells whether it was there.
func (j journal) open() (existed bool, err error) {
	if info, err := os.Lstat(j.dir); err == nil && info.IsDir() {
		return true, nil
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return false, &JournalError{err}
	}
	return false, nil
}

// key names a challenge by a hash: no value becomes a file name.
func key(e envmap.Event) string {
	h := sha256.New()
	for _, part := range []string{e.Type, e.Domain, e.Validation} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (j journal) path(key string) string { return filepath.Join(j.dir, key) }
func (j journal) lock(key string) string { return filepath.Join(j.dir, key+".lock") }

// load reads a challenge's record, nil where there is none. One that is torn
// or foreign is set aside and never trusted.
func (j journal) load(key string) (*record, error) {
	text, err := os.ReadFile(j.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &JournalError{err}
	}
	r, err := parseRecord(text)
	if err != nil {
		aside := j.path(key) + ".corrupt"
		moved := os.Rename(j.path(key), aside)
		return nil, &JournalError{errors.Join(fmt.Errorf("%s %w; it is set aside as %s", j.path(key), err, aside), moved)}
	}
	return r, nil
}

func parseRecord(text []byte) (*record, error) {
	head, body, found := bytes.Cut(text, []byte("\n"))
	if !found || string(head) != header(body) {
		return nil, errors.New("is torn, or not a record of this version")
	}
	r := &record{}
	if err := json.Unmarshal(body, r); err != nil {
		return nil, errors.New("is not a record")
	}
	return r, nil
}

// header is a record's first line: the version, the length and the checksum
// of what follows.
func header(body []byte) string {
	sum := sha256.Sum256(body)
	return version + " " + strconv.Itoa(len(body)) + " " + hex.EncodeToString(sum[:])
}

// save puts a record on disk before it returns: written to a temporary file,
// fsync, rename, fsync of the directory. Key material is left out.
func (j journal) save(key string, r *record) error {
	kept := *r
	kept.Event.CertPEM, kept.Event.KeyPEM = "", ""
	body, err := json.Marshal(kept)
	if err != nil {
		return &JournalError{err}
	}
	text := append([]byte(header(body)+"\n"), body...)
	if err := j.write(key, text); err != nil {
		os.Remove(j.temporary(key))
		return &JournalError{err}
	}
	return j.sync()
}

func (j journal) temporary(key string) string { return j.path(key) + ".new" }

func (j journal) write(key string, text []byte) error {
	f, err := os.OpenFile(j.temporary(key), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err = j.at("write"); err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = errors.Join(j.at("fsync"), f.Sync())
	}
	if err = errors.Join(err, f.Close(), j.at("rename")); err != nil {
		return err
	}
	return os.Rename(j.temporary(key), j.path(key))
}

// remove forgets a challenge.
func (j journal) remove(key string) error {
	for _, path := range []string{j.path(key), j.temporary(key)} {
		if err := j.at("remove"); err != nil {
			return &JournalError{err}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &JournalError{err}
		}
	}
	return j.sync()
}

func (j journal) sync() error {
	if err := j.at("fsync of the directory"); err != nil {
		return &JournalError{err}
	}
	d, err := os.Open(j.dir)
	if err != nil {
		return &JournalError{err}
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return &JournalError{err}
	}
	return nil
}
