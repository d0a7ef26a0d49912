package check

import (
	"errors"
	"flag"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
)

// Suite has the options of all checks.
type Suite struct {
	Type    string        // challenge type
	Domain  string        // parent of the challenges' names
	Server  string        // DNS server that the hook publishes on, HOST:PORT; empty: none
	Zone    string        // whether to start a BIND: yes, no, or auto (if the hook calls nsupdate)
	Path    []string      // directories with the user's own stand-ins
	Slow    time.Duration // a call that takes longer is slow
	Timeout time.Duration // a call that takes longer hangs
	explain bool
}

// Flags registers its options.
func (s *Suite) Flags(set *flag.FlagSet) {
	*s = Suite{Type: envmap.DNS01, Domain: "example.test", Zone: "auto", Slow: 30 * time.Second, Timeout: 2 * time.Minute}
	set.Func("type", "", oneOf(&s.Type, envmap.DNS01, envmap.HTTP01))
	set.Func("zone", "", oneOf(&s.Zone, "yes", "no", "auto"))
	set.Func("domain", "", s.setDomain)
	set.Func("server", "", s.setServer)
	set.Func("path", "", s.addPath)
	set.Func("slow", "", cli.Positive(&s.Slow))
	set.Func("timeout", "", cli.Positive(&s.Timeout))
	set.BoolVar(&s.explain, "explain", false, "")
}

// oneOf returns the function for an option that takes one of several words.
func oneOf(to *string, words ...string) func(string) error {
	return func(value string) error {
		if *to = value; !slices.Contains(words, value) {
			return errors.New("want one of " + strings.Join(words, ", "))
		}
		return nil
	}
}

// setDomain sets the name below which challenges are.
func (s *Suite) setDomain(value string) error {
	s.Domain = canonical(value)
	e := envmap.Event{Cmd: envmap.DeployCert, Domain: "extauth-check." + s.Domain}
	if e.Validate() != nil {
		return errors.New("not a DNS name")
	}
	return nil
}

func (s *Suite) setServer(value string) error {
	s.Server = value
	if host, port, err := net.SplitHostPort(value); err != nil || host == "" || port == "" {
		return errors.New("not HOST:PORT")
	}
	return nil
}

func (s *Suite) addPath(value string) error {
	dir, err := filepath.Abs(value)
	s.Path = append(s.Path, dir)
	return err
}
