package check

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
)

// Suite is all checks, with the options that they have in common.
type Suite struct {
	Type    string        // challenge type
	Domain  string        // challenges are for names below it
	Server  string        // DNS server that the hook publishes on, HOST:PORT; empty: none
	Zone    string        // whether to start a BIND: yes, no, or auto where it can be of use
	Path    []string      // directories with the user's own stand-ins
	Slow    time.Duration // a call that takes longer is slow
	Timeout time.Duration // a call that takes longer hangs
	explain bool
}

// Flags registers its options.
func (s *Suite) Flags(set *getopt.Set) {
	*s = Suite{Type: envmap.DNS01, Domain: "example.test", Zone: "auto", Slow: 30 * time.Second, Timeout: 2 * time.Minute}
	set.Func("type", "", one(&s.Type, envmap.DNS01, envmap.HTTP01))
	set.Func("zone", "", one(&s.Zone, "yes", "no", "auto"))
	set.Func("domain", "", s.setDomain)
	set.Func("server", "", s.setServer)
	set.Func("path", "", s.addPath)
	set.Func("slow", "", positive(&s.Slow))
	set.Func("timeout", "", positive(&s.Timeout))
	set.Bool(&s.explain, "", "explain")
}

// one takes one of several words.
func one(place *string, words ...string) func(string) error {
	return func(value string) error {
		if *place = value; !slices.Contains(words, value) {
			return errors.New("is none of " + strings.Join(words, ", "))
		}
		return nil
	}
}

func positive(place *time.Duration) func(string) error {
	return func(value string) (err error) {
		if *place, err = time.ParseDuration(value); err != nil || *place <= 0 {
			return errors.New("is no duration such as 90s or 5m")
		}
		return nil
	}
}

// setDomain takes a name below which there can be others.
func (s *Suite) setDomain(value string) error {
	s.Domain = canonical(value)
	e := envmap.Event{Cmd: envmap.DeployCert, Domain: "extauth-check." + s.Domain}
	if e.Validate() != nil {
		return errors.New("is no DNS name")
	}
	return nil
}

func (s *Suite) setServer(value string) error {
	s.Server = value
	if host, port, err := net.SplitHostPort(value); err != nil || host == "" || port == "" {
		return errors.New("is not HOST:PORT")
	}
	return nil
}

func (s *Suite) addPath(value string) error {
	dir, err := filepath.Abs(value)
	s.Path = append(s.Path, dir)
	return err
}

// Explaining tells whether explanations were asked for.
func (s *Suite) Explaining() bool { return s.explain }

// Explanations are what each check is about, for people.
func (s *Suite) Explanations() string {
	var b strings.Builder
	for _, c := range checks() {
		fmt.Fprintf(&b, "%s: %s\n    %s\n\n", c.name, c.statement, strings.ReplaceAll(c.explanation(), "\n", "\n    "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
