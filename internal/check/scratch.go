package check

import (
	_ "embed" // the stand-in
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed standin.sh
var standIn []byte

// standIns returns the programs that a hook must not really call during a
// check. Others, such as sleep, are the system's own.
func standIns() []string {
	return []string{
		"curl", "wget", "nsupdate", "knsupdate", "ssh", "scp", "rsync",
		"sendmail", "mail", "mailx", "systemctl", "service", "rndc",
	}
}

// scratch is the directory in which a hook is run.
type scratch struct {
	dir  string
	dirs int // working directories so far
}

// standInCall is what a stand-in recorded of one call.
type standInCall struct {
	number int
	argv   []string
	stdin  string
}

func (c standInCall) text() string { return strings.Join(c.argv, " ") + "\n" + c.stdin }

// newScratch makes the directory, with a certificate for the domain. Other
// users may search it, such as a name server with a user of its own.
func newScratch(domain string) (*scratch, error) {
	dir, err := os.MkdirTemp("", "extauth-check-")
	if err != nil {
		return nil, err
	}
	s := &scratch{dir: dir}
	err = os.Chmod(dir, 0o755)
	for _, name := range []string{"bin", "calls", "home", "tmp", "webroot", "certs"} {
		err = errors.Join(err, os.Mkdir(s.path(name), 0o755))
	}
	err = errors.Join(err, os.WriteFile(s.path("bin", "stand-in"), standIn, 0o755), os.Chmod(s.path("bin", "stand-in"), 0o755))
	for _, name := range standIns() {
		err = errors.Join(err, os.Symlink("stand-in", s.path("bin", name)))
	}
	return s, errors.Join(err, s.issue(domain))
}

func (s *scratch) path(elements ...string) string {
	return filepath.Join(append([]string{s.dir}, elements...)...)
}

func (s *scratch) remove() { _ = os.RemoveAll(s.dir) }

// newDir makes an empty working directory.
func (s *scratch) newDir() (string, error) {
	s.dirs++
	dir := s.path("cwd" + strconv.Itoa(s.dirs))
	return dir, os.Mkdir(dir, 0o755)
}

// setFailing sets whether the stand-ins for providers fail.
func (s *scratch) setFailing(failing bool) error {
	if failing {
		return os.WriteFile(s.path("fail"), nil, 0o644)
	}
	return os.Remove(s.path("fail"))
}

// calls returns the calls of stand-ins from a number on, first to last.
func (s *scratch) calls(from int) ([]standInCall, error) {
	var all []standInCall
	for n := from; ; n++ {
		name := s.path("calls", strconv.Itoa(n))
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		argv, err := os.ReadFile(name + ".argv")
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a call that is under way
			return nil, err
		}
		stdin, _ := os.ReadFile(name + ".stdin")
		all = append(all, standInCall{n, strings.Split(strings.TrimSuffix(string(argv), "\x00"), "\x00"), string(stdin)})
	}
}

// files returns the names of all files below a directory.
func (s *scratch) files(dir string) []string {
	var found []string
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && path != dir {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return nil
	})
	return found
}
