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

// user is a client: its password's hash and the identifiers that are its own.
type user struct {
	name  string
	hash  []byte
	globs chain.Globs
}

// may reports whether the client may touch an event's record. A name that was
// substituted by a CNAME tells no identifier, and counts as it is.
func (u user) may(e envmap.Event) bool {
	if e.Domain == "" {
		return u.globs.Match(e.TXTDomain)
	}
	return u.globs.Match(e.Domain)
}

// users are those that may be served.
type users struct {
	byName map[string]user
	nobody user // who is asked for in the place of those that are not there
}

// usersOf are those of the file, as it is now.
func usersOf(o *options) (*current[*users], error) {
	stays := func(err error) { o.log("warning: the old users stay in use: " + firstLine(err.Error())) }
	return follow(func() (*users, error) { return readUsers(o.users) }, stays, o.users)
}

// readUsers reads a file of lines NAME:HASH DOMAIN[,GLOB]... . Every fault of it
// is reported at once; none shows a hash.
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
	u.nobody.hash = []byte(hash)
	return nil
}

// authenticate finds out who asks.
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

// find takes as long for a name that is not there, if all hashes have one
// cost.
func (u *users) find(name, password string) (user, error) {
	who, known := u.byName[name]
	if !known {
		who = u.nobody
	}
	if bcrypt.CompareHashAndPassword(who.hash, []byte(password)) != nil || !known {
		return user{}, errUser
	}
	return who, nil
}

// hashOf returns the bcrypt hash of a password.
func hashOf(password string) (string, error) {
	if password == "" {
		return "", cli.Config("the password is empty")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil { // it is too long
		return "", cli.Config("the password is longer than 72 bytes")
	}
	return string(hash), nil
}
