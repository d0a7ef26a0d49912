package runner

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/pkg/envmap"
)

// journal is what was performed and not yet cleaned up: a directory with a
// file for each challenge. While the directory is there, a challenge without a
// file is one that nothing is left of.
type journal struct {
	dir  string
	step func(name string) error // see Runner.Step
	kept *directory              // the open directory; nil: names are looked up from the root
}

// directory is a journal's directory that was looked at and is held open for a
// run: what is done in it is done there, wherever its name leads by then.
type directory struct {
	mu sync.Mutex
	fd int // 0: not open
}

// close gives it back.
func (d *directory) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fd > 0 {
		_ = syscall.Close(d.fd)
	}
	d.fd = 0
}

// isThere tells whether it is open, and nobody has removed it.
func (d *directory) isThere() bool {
	var stat unix.Stat_t
	return d.fd > 0 && unix.Fstat(d.fd, &stat) == nil && stat.Nlink > 0
}

// place is where a file of the journal is found.
func (j journal) place(name string) place {
	if j.kept != nil {
		j.kept.mu.Lock()
		defer j.kept.mu.Unlock()
		if j.kept.fd > 0 {
			return place{j.kept.fd, name, j.path(name)}
		}
	}
	return place{unix.AT_FDCWD, j.path(name), j.path(name)}
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

	key     string // its name, where it is of a challenge that is performed
	unsaved bool   // it differs from what is on disk
}

// step is a handler that was started for a challenge, and what it printed.
type step struct {
	Handler Handler
	Output  string

	taken bool // this run's, not one that an earlier run left
}

// A record begins with its version. The first was JSON, and is still read: it
// may stand there across an upgrade. Another of the family is left alone.
const (
	family  = "extauth-journal "
	version = family + "2 "
	inJSON  = family + "1 "
)

// open makes the journal's directory; existed tells whether it was there.
func (j journal) open() (existed bool, err error) {
	if j.kept == nil {
		return j.make()
	}
	j.kept.mu.Lock()
	defer j.kept.mu.Unlock()
	if j.kept.isThere() {
		return true, nil
	}
	existed, err = j.make()
	if err == nil {
		j.kept.fd, err = syscall.Open(j.dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		j.kept.fd = 0
		return existed, asJournalError(err)
	}
	return existed, nil
}

func (j journal) make() (existed bool, err error) {
	if err := j.check(); err != nil {
		return false, err
	}
	if info, err := os.Stat(j.dir); err == nil && info.IsDir() {
		return true, nil
	}
	if err := makePrivate(j.dir); err != nil {
		return false, &JournalError{err}
	}
	return false, j.check()
}

func asJournalError(err error) error {
	if err == nil || errors.As(err, new(*UnsafeError)) || errors.As(err, new(*JournalError)) {
		return err
	}
	return &JournalError{err}
}

// check refuses a directory in which others could put records: they say what
// a clean-up runs. Where it is missing, what is there above it counts.
func (j journal) check() error {
	for dir := j.dir; ; dir = filepath.Dir(dir) {
		err := checkProgram(dir)
		switch {
		case err == nil || errors.As(err, new(*UnsafeError)):
			return err
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return &JournalError{err}
		}
	}
}

// key names a challenge by a hash: no value becomes a file name. One that came
// in where we listen is another than the same one in the call of the client,
// which waits for it with its own record in the same journal.
func key(e envmap.Event) string {
	text := make([]byte, 0, 512)
	for i, part := range [...]string{e.Type, cmp.Or(e.Domain, e.TXTDomain), e.Validation, e.Via} {
		if i < 3 || part != "" {
			text = strconv.AppendInt(text, int64(len(part)), 10)
			text = append(append(append(text, ':'), part...), ',')
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

func (j journal) path(key string) string { return filepath.Join(j.dir, key) }

// lock waits for a challenge's lock; see the function of this name.
func (j journal) lock(ctx context.Context, key string, patience time.Duration) (unlock func(), err error) {
	return lock(ctx, j.place(key+".lock"), patience)
}

// TornError is a record that cannot be read. It is set aside and never trusted.
type TornError struct{ Path, Aside string }

func (e *TornError) Error() string {
	return "journal: " + e.Path + " is torn or foreign; it is set aside as " + e.Aside
}

// VersionError is a record of another version of this program. It stays.
type VersionError struct{ Path string }

func (e *VersionError) Error() string {
	return "journal: " + e.Path + " is of another version of extauth"
}

// load reads a challenge's record, nil where there is none. The error is a
// *TornError, a *VersionError, an *UnsafeError or a *JournalError.
func (j journal) load(key string) (*record, error) {
	path := j.path(key)
	text, err := j.readOwn(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if isOtherVersion(text) {
		return nil, &VersionError{path}
	}
	r, err := parseRecord(text)
	if err != nil {
		torn := &TornError{path, path + ".corrupt"}
		if err := os.Rename(path, torn.Aside); err != nil {
			return nil, &JournalError{err}
		}
		return nil, torn
	}
	return r, nil
}

// readOwn reads a file that we wrote, and that nobody else could have changed.
// One that is not there is fs.ErrNotExist.
func (j journal) readOwn(name string) ([]byte, error) {
	path := j.path(name)
	text, err := j.read(name)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, &UnsafeError{path, "is a symbolic link", "rm " + quote(path)}
	case err == nil || errors.As(err, new(*UnsafeError)):
		return text, err
	}
	return nil, &JournalError{err}
}

func (j journal) read(name string) ([]byte, error) {
	h, err := j.place(name).open(unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = h.Close() }()
	stat, err := h.stat()
	if err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || int(stat.Uid) != os.Geteuid() || stat.Mode&0o022 != 0 {
		return nil, &UnsafeError{j.path(name), "is not this user's alone to write", "rm " + quote(j.path(name))}
	}
	return h.readAll()
}

// isOtherVersion tells a whole record of another version from a torn one.
func isOtherVersion(text []byte) bool {
	head, body, _ := bytes.Cut(text, []byte("\n"))
	theirs, found := strings.CutPrefix(string(head), family)
	number, rest, _ := strings.Cut(theirs, " ")
	_, err := strconv.Atoi(number)
	known := family+number+" " == version || family+number+" " == inJSON
	return found && err == nil && !known && version+rest == header(body)
}

func parseRecord(text []byte) (*record, error) {
	head, body, found := bytes.Cut(text, []byte("\n"))
	rest, old := strings.CutPrefix(string(head), inJSON)
	switch {
	case found && old && version+rest == header(body):
		return readVersion1(body)
	case !found || string(head) != header(body):
		return nil, errors.New("is torn")
	}
	return readRecord(string(body))
}

// header is a record's first line: the version, the length and the checksum
// of what follows.
func header(body []byte) string {
	sum := sha256.Sum256(body)
	return version + strconv.Itoa(len(body)) + " " + hex.EncodeToString(sum[:])
}

// save puts a record on disk before it returns: written to a temporary file,
// fsync, rename, fsync of the directory.
func (j journal) save(key string, r *record) error {
	body := appendRecord(r)
	text := append([]byte(header(body)+"\n"), body...)
	if err := j.write(key, text); err != nil {
		j.tidy(key)
		return &JournalError{err}
	}
	return j.sync()
}

// put saves a record, or removes it where no handler is left in it.
func (j journal) put(key string, r *record) error {
	if len(r.Steps) == 0 {
		return j.remove(key)
	}
	return j.save(key, r)
}

func (j journal) write(key string, text []byte) error {
	temporary, final := j.place(key+".new"), j.place(key)
	h, err := temporary.private(os.O_CREATE | os.O_WRONLY | os.O_TRUNC)
	if err != nil {
		return err
	}
	if err = j.at("write"); err == nil {
		_, err = h.Write(text)
	}
	if err == nil {
		err = errors.Join(j.at("fsync"), h.sync())
	}
	if err = errors.Join(err, h.Close(), j.at("rename")); err != nil {
		return err
	}
	return h.fault("rename", unix.Renameat(temporary.dirfd, temporary.path, final.dirfd, final.path))
}

// remove forgets a challenge.
func (j journal) remove(key string) error {
	removed := false
	for _, name := range []string{key, key + ".new"} {
		if err := j.at("remove"); err != nil {
			return &JournalError{err}
		}
		err := j.place(name).remove()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &JournalError{err}
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil // nothing is to be put on disk
	}
	return j.sync()
}

// tidy removes what a crash left of a record before it got its name.
func (j journal) tidy(key string) { _ = j.place(key + ".new").remove() }

// has tells whether a challenge's record is where others will look for it.
func (j journal) has(key string) error {
	var stat unix.Stat_t
	if err := unix.Lstat(j.path(key), &stat); err != nil {
		return &JournalError{&fs.PathError{Op: "lstat", Path: j.path(key), Err: err}}
	}
	return nil
}

func (j journal) sync() error {
	if err := j.at("fsync of the directory"); err != nil {
		return &JournalError{err}
	}
	if here := j.place(""); here.path == "" {
		return asJournalError((&handle{here.dirfd, here.name}).sync())
	}
	h, err := j.place("").open(unix.O_RDONLY, 0)
	if err != nil {
		return &JournalError{err}
	}
	defer func() { _ = h.Close() }()
	return asJournalError(h.sync())
}
