package journal

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// Record is a challenge in the journal.
type Record struct {
	Event   envmap.Event
	Started time.Time // when it was performed first
	Steps   []Step    // the handlers that were started for it, in order
}

// Step is a handler that was started for a challenge.
type Step struct {
	Handler chain.Handler `json:"handler"`
	Output  string        `json:"output,omitempty"` // what it printed, if it gets that back in the clean-up

	found bool // by Record.Step
}

// Step returns a handler's step, which an earlier run may have left, or adds it;
// added reports which. Each step is returned once, since a chain may have the
// same line twice. The pointer is valid until the next step is added.
func (r *Record) Step(h chain.Handler) (s *Step, added bool) {
	for i := range r.Steps {
		if s := &r.Steps[i]; !s.found && s.Handler.Equal(&h) {
			s.found = true
			return s, false
		}
	}
	r.Steps = append(r.Steps, Step{Handler: h, found: true})
	return &r.Steps[len(r.Steps)-1], true
}

// Key returns the name of a challenge's record, a hash, so that no value becomes
// a file name. A challenge that came in at an address where we listen is not the
// same as that of the client's call, which waits for it with a record of its own.
func Key(e envmap.Event) string {
	parts := []string{e.Type, cmp.Or(e.Domain, e.TXTDomain), e.Validation}
	if e.Via != "" {
		parts = append(parts, e.Via)
	}
	text := ""
	for _, part := range parts {
		text += strconv.Itoa(len(part)) + ":" + part + ","
	}
	return shortHash(text)
}

// shortHash is half of a SHA-256, in hexadecimal digits.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// IsKey reports whether a file's name is that of a record, as opposed to a lock,
// an order or a record that was set aside.
func IsKey(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

// TornError says that a record cannot be read. It was set aside, and is not
// used.
type TornError struct{ Path, Aside string }

func (e *TornError) Error() string {
	return "journal: " + e.Path + " is torn or foreign; it is set aside as " + e.Aside
}

// VersionError says that a record is of another version of the program. It is
// left as it is.
type VersionError struct{ Path string }

func (e *VersionError) Error() string {
	return "journal: " + e.Path + " is of another version of extauth"
}

// Load reads a record. It is nil if there is none. The error is a *TornError, a
// *VersionError, a *trust.UnsafeError or an *Error.
func (j *Journal) Load(key string) (*Record, error) {
	path := j.path(key)
	text, err := trust.ReadOwn(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	if isOtherVersion(text) {
		return nil, &VersionError{path}
	}
	r, err := parseRecord(text)
	if err != nil {
		torn := &TornError{path, path + ".corrupt"}
		if err := os.Rename(path, torn.Aside); err != nil {
			return nil, &Error{err}
		}
		return nil, torn
	}
	return r, nil
}

// Save writes a record, or removes it if no step is left in it. It is on disk
// when Save returns.
func (j *Journal) Save(key string, r *Record) error {
	if len(r.Steps) == 0 {
		return j.Remove(key)
	}
	text, err := formatRecord(r)
	if err != nil {
		return &Error{err}
	}
	return j.write(key, text)
}

// Remove removes a record, and what a crash may have left of one.
func (j *Journal) Remove(key string) error {
	removed := false
	for _, name := range []string{key, key + ".new"} {
		one, err := j.remove(name)
		if err != nil {
			return err
		}
		removed = removed || one
	}
	if !removed {
		return nil // the directory has not changed
	}
	return j.sync()
}

// Tidy removes what a crash left of a record before it had its name.
func (j *Journal) Tidy(key string) { _ = os.Remove(j.path(key + ".new")) }

// Has returns an error if there is no record.
func (j *Journal) Has(key string) error {
	if _, err := os.Lstat(j.path(key)); err != nil {
		return &Error{err}
	}
	return nil
}

// Entry is a record with its name.
type Entry struct {
	ID string // its key, 32 hexadecimal digits
	Record
}

// Records lists the records, newest first. The error is several, joined, if some
// could not be read; the list has the others.
func (j *Journal) Records() ([]Entry, error) {
	if err := j.Check(); err != nil {
		return nil, err
	}
	names, err := j.names()
	if err != nil {
		return nil, err
	}
	var entries []Entry
	var faults []error
	for _, name := range names {
		if !IsKey(name) {
			continue
		}
		r, err := j.Load(name)
		faults = append(faults, err)
		if r != nil {
			entries = append(entries, Entry{name, *r})
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return b.Started.Compare(a.Started) })
	return entries, errors.Join(faults...)
}

// names are those of the files in the directory, sorted.
func (j *Journal) names() ([]string, error) {
	files, err := os.ReadDir(j.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{err}
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = file.Name()
	}
	return names, nil
}
