package httpreq

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// user is a client: the hash of its password, and its identifiers.
type user struct {
	name  string
	hash  []byte
	globs chain.Globs
}

// mayTouch reports whether the client may change an event's record. A name that
// a CNAME substituted has no identifier, and counts as it is.
func (u user) mayTouch(e envmap.Event) bool {
	if e.Domain == "" {
		return u.globs.Match(e.TXTDomain)
	}
	return u.globs.Match(e.Domain)
}

// users are the clients that may be served.
type users struct {
	byName  map[string]user
	unknown user // replaces unknown users, so that they take as long
}

// watchUsers returns the users of the file, as it is now.
func watchUsers(o *options) (*watchedFile[*users], error) {
	warn := func(err error) { o.log("warning: the old users stay in use: " + firstLine(err.Error())) }
	return watchFiles(func() (*users, error) { return readUsers(o.users) }, warn, o.users)
}

// readUsers reads a file of lines NAME:HASH DOMAIN[,GLOB]... . All errors are
// reported at once; none shows a hash.
func readUsers(file string) (*users, error) {
	text, err := trust.ReadSecret(file)
	if err != nil {
		return nil, err
	}
	u := &users{byName: map[string]user{}}
	var faults []error
	for i, line := range strings.Split(string(text), "\n") {
		if err := u.add(strings.TrimSpace(line)); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, i+1, err))
		}
	}
	if len(faults) == 0 && len(u.byName) == 0 {
		faults = append(faults, fmt.Errorf("%s: has no client", file))
	}
	if len(faults) > 0 {
		return nil, cli.Config("%w", errors.Join(faults...))
	}
	return u, nil
}

// add reads a line; blank ones and comments are skipped.
func (u *users) add(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	words := strings.Fields(line)
	name, hash, found := strings.Cut(words[0], ":")
	if !found || name == "" || len(words) != 2 || process.Printable(line) != line {
		return errors.New("expected NAME:HASH and the domains of the client")
	}
	if _, twice := u.byName[name]; twice {
		return fmt.Errorf("duplicate client %q", name)
	}
	if _, err := bcrypt.Cost([]byte(hash)); err != nil {
		return fmt.Errorf("the hash of %q is not bcrypt's; extauth-httpreq passwd makes one", name)
	}
	globs, err := chain.ParseGlobs(words[1])
	if err != nil {
		return err
	}
	u.byName[name] = user{name, []byte(hash), globs}
	u.unknown.hash = []byte(hash)
	return nil
}

// authenticate returns the user who sent a request.
func (s *server) authenticate(r *http.Request) (user, error) {
	name, password, given := r.BasicAuth()
	if !given {
		return user{}, errUser
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-r.Context().Done():
		return user{}, errStopping
	}
	return s.users.get().find(name, password)
}

// find takes as long for an unknown name as for a known one, if all hashes have
// the same cost.
func (u *users) find(name, password string) (user, error) {
	who, known := u.byName[name]
	if !known {
		who = u.unknown
	}
	if bcrypt.CompareHashAndPassword(who.hash, []byte(password)) != nil || !known {
		return user{}, errUser
	}
	return who, nil
}

// hashPassword returns the bcrypt hash of a password.
func hashPassword(password string) (string, error) {
	if password == "" {
		return "", cli.Config("the password is empty")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil { // it is too long
		return "", cli.Config("the password is longer than 72 bytes")
	}
	return string(hash), nil
}
