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

// standIns are the programs that hooks call and that must not be called in a
// trial. sleep and others that only compute are the system's own.
func standIns() []string {
	return []string{
		"curl", "wget", "nsupdate", "knsupdate", "ssh", "scp", "rsync",
		"sendmail", "mail", "mailx", "systemctl", "service", "rndc",
	}
}

// scratch is the world that a hook is run in: a directory of its own.
type scratch struct {
	dir  string
	dirs int // working directories so far
}

// call is what a stand-in wrote down of one call.
type call struct {
	number int
	argv   []string
	stdin  string
}

func (c call) text() string { return strings.Join(c.argv, " ") + "\n" + c.stdin }

// newScratch makes the world. Whose it is not, as a name server under a user of
// its own, may pass through it. It has a certificate for the domain.
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

// setFailing says whether the stand-ins for providers fail.
func (s *scratch) setFailing(failing bool) error {
	if failing {
		return os.WriteFile(s.path("fail"), nil, 0o644)
	}
	return os.Remove(s.path("fail"))
}

// calls are those of the stand-ins, from a number on, first to last.
func (s *scratch) calls(from int) ([]call, error) {
	var all []call
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
		all = append(all, call{n, strings.Split(strings.TrimSuffix(string(argv), "\x00"), "\x00"), string(stdin)})
	}
}

// files are the names of all files below a directory of the world.
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
