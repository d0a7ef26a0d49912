package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const waitUsage = `Usage: extauth-wait [OPTION]... [dns NAME VALUE | http URL BODY]...

Waits until every TXT record is on every authoritative server of its zone, and
every URL answers on every address of its host. Without operands the challenges
are read on standard input, one JSON object a line, so that one line of a chain
waits for a whole certificate:

  handler phase=post-perform extauth-wait

Options:
      --timeout DURATION how long to wait (5m); 0 looks once
      --interval DURATION
                         between two looks at the same server (1s)
      --quorum N         enough when N servers of a zone have it; 0 means all (0)
      --no-cname         do not follow a CNAME at NAME
      --resolver HOST:PORT
                         recursive server for finding the others, repeatable; else
                         $EXTAUTH_RESOLVER, else those of /etc/resolv.conf
      --nameserver HOST:PORT
                         ask this server for the records and not the zone's own,
                         repeatable; else $EXTAUTH_NAMESERVER
  -v, --verbose          say on standard error what is found where
      --help, --version  say so on standard output

HOST:PORT is an address with or without a port, and several may stand between
commas. Exit status: 0 all is there, 64 usage, 65 a value or line was refused,
75 the time is over, and standard error says what is missing where.
`

// Waiter waits until the responses to challenges are visible. Its network code
// is in no other program.
type Waiter interface {
	// Flags registers its options.
	Flags(set getopt.Registry)
	// Watch sets who is told: progress how many of how many are there and what
	// is missing, trace each step. Either may be nil.
	Watch(progress func(done, all int, missing string), trace func(string))
	// Wait returns nil when all is visible. An error with Unfinished says that
	// the time was over, with a line for each response that is missing.
	Wait(ctx context.Context, challenges []envmap.Event) error
}

// Wait is extauth-wait.
func Wait(io IO, w Waiter) int {
	f := newFront(io, "extauth-wait", waitUsage, "json")
	declined := 0
	err := f.work(func() (err error) {
		declined, err = f.wait(w)
		return err
	})
	return max(f.finish(err), declined)
}

// wait returns a status where the call was declined.
func (f *front) wait(w Waiter) (declined int, err error) {
	set := f.waitFlags(w)
	challenges, word, err := f.expected(set)
	if errors.Is(err, errDone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if word != "" && word != "post-perform" {
		return statusFailed, f.write([]byte("NotImplemented\n"))
	}
	if err := f.waitDefaults(set); err != nil {
		return 0, err
	}
	return 0, f.await(w, challenges)
}

// await waits for the challenges of the operands; without any for those that
// standard input names.
func (f *front) await(w Waiter, challenges []envmap.Event) (err error) {
	runner.Unblock(f.Args, f.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	if challenges == nil {
		if challenges, err = f.readChallenges(ctx); err != nil {
			return err
		}
	}
	s := &screen{w: f.Stderr, width: columns(f.Stderr)}
	w.Watch(s.progress(), s.tracer(f.tracer()))
	err = w.Wait(ctx, distinct(challenges))
	s.clear()
	return err
}

func (f *front) waitFlags(w Waiter) *getopt.Set {
	set := new(getopt.Set)
	set.Bool(&f.options.verbose, "v", "verbose")
	set.Bool(&f.options.version, "", "version")
	w.Flags(set)
	f.options.timeout = 1 // never 0 for parse: the waiter's own --timeout may be
	return set
}

// waitDefaults takes from the environment what the options did not say.
func (f *front) waitDefaults(set *getopt.Set) error {
	for _, name := range []string{"resolver", "nameserver"} {
		variable := "EXTAUTH_" + strings.ToUpper(name)
		if f.env[variable] == "" || set.Has(name) {
			continue
		}
		if err := set.Set(name, f.env[variable]); err != nil {
			return &configError{variable + ": " + err.Error()}
		}
	}
	return nil
}

// expected reads options and operands. word is a handler's phase, the only
// operand where there is one; without operands challenges is nil.
func (f *front) expected(set *getopt.Set) (challenges []envmap.Event, word string, err error) {
	for args := f.Args[1:]; ; args = set.Args()[3:] {
		if err := f.parse(set, args); err != nil {
			return nil, "", err
		}
		if len(set.Args()) == 0 {
			break
		}
		if challenges == nil && len(set.Args()) == 1 && isPhase(set.Args()[0]) {
			return nil, set.Args()[0], nil
		}
		challenge, err := operandGroup(set.Args())
		if err != nil {
			return nil, "", err
		}
		challenges = append(challenges, challenge)
	}
	if challenges == nil && columns(f.Stdin) > 0 {
		return nil, "", &usageError{"no operand, and standard input is a terminal"}
	}
	return challenges, "", nil
}

// isPhase knows the words that the handler convention calls with.
func isPhase(word string) bool {
	switch word {
	case "pre-perform", "perform", "post-perform", "pre-cleanup", "cleanup", "post-cleanup", "deploy_cert", "unchanged_cert":
		return true
	}
	return false
}

// operandGroup reads dns NAME VALUE or http URL BODY from the front of words.
func operandGroup(words []string) (envmap.Event, error) {
	e := envmap.Event{Cmd: envmap.PerformChallenge}
	if words[0] != "dns" && words[0] != "http" {
		return e, &usageError{fmt.Sprintf("%q is neither dns nor http", words[0])}
	}
	if len(words) < 3 {
		return e, &usageError{fmt.Sprintf("%s needs two operands and has %d", words[0], len(words)-1)}
	}
	e.Validation = words[2]
	if words[0] == "http" {
		e.Type, e.URI = envmap.HTTP01, words[1]
		return e, checkText("BODY", e.Validation)
	}
	e.Type, e.TXTDomain = envmap.DNS01, strings.TrimSuffix(strings.ToLower(words[1]), ".")
	return e, errors.Join(checkName(words[1], e.TXTDomain), checkText("VALUE", e.Validation))
}

// checkName allows what an identifier may be, but for wildcards and addresses.
func checkName(said, name string) error {
	challenge := envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: name, Validation: strings.Repeat("x", 43)}
	if challenge.Validate() != nil {
		return &envmap.ValueError{Name: "NAME", Value: said, Reason: "is not a DNS name"}
	}
	return nil
}

// checkText allows 1 to 255 printable ASCII characters, which is what fits into
// one string of a TXT record (RFC 1035 section 3.3.14).
func checkText(name, text string) error {
	printable := func(r rune) bool { return ' ' <= r && r <= '~' }
	if text == "" || len(text) > 255 || strings.ContainsFunc(text, func(r rune) bool { return !printable(r) }) {
		return &envmap.ValueError{Name: name, Value: text, Reason: "is not 1 to 255 printable ASCII characters"}
	}
	return nil
}

// readChallenges reads an order's lines. One that is wrong ends it: to wait for
// the others would be to say that all is there.
func (f *front) readChallenges(ctx context.Context) ([]envmap.Event, error) {
	lines := bufio.NewReaderSize(f.Stdin, maxLine+2)
	challenges := []envmap.Event{}
	for number := 1; ; number++ {
		line, err := awaitLine(ctx, lines)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return challenges, nil
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		var found []envmap.Event
		if err == nil && len(bytes.TrimSpace(line)) > 0 {
			found, err = f.challengesOf(line)
		}
		if err != nil {
			return nil, &refusal{fmt.Errorf("line %d: %w", number, err)}
		}
		challenges = append(challenges, found...)
	}
}

// challengesOf are those that a line is about: its own, or those of the order
// that it closes.
func (f *front) challengesOf(line []byte) (found []envmap.Event, err error) {
	convention, _ := envmap.Lookup(f.client)
	events, err := convention.Decode(envmap.Call{Stdin: line, Env: f.env})
	if err != nil {
		return nil, err
	}
	if events[0].Cmd == envmap.PostPerform {
		events = events[0].Challenges
	}
	for _, e := range events {
		dns := strings.HasPrefix(e.Type, "dns-")
		if e.Cmd != envmap.PerformChallenge || !dns && e.Type != envmap.HTTP01 {
			continue // nothing that could be seen
		}
		if dns && e.TXTDomain == "" {
			return nil, &envmap.MissingError{Convention: e.Type, Field: "txt_domain"}
		}
		found = append(found, e)
	}
	return found, nil
}

// distinct leaves out what is asked for already. A wildcard and its parent
// domain are two values at one name, and both stay.
func distinct(challenges []envmap.Event) []envmap.Event {
	type place struct{ name, uri, value string }
	seen := map[place]bool{}
	var rest []envmap.Event
	for _, e := range challenges {
		p := place{e.TXTDomain, e.URI, e.Validation}
		if e.Type == envmap.HTTP01 {
			p.name = ""
		} else {
			p.uri = ""
		}
		if !seen[p] {
			seen[p] = true
			rest = append(rest, e)
		}
	}
	return rest
}

// screen shows a line of progress where a person looks on.
type screen struct {
	w     io.Writer
	width int // in columns; 0: no terminal

	mu    sync.Mutex
	shown bool
}

// progress rewrites the line, cut to one column less than there are: in the
// last one some terminals wrap.
func (s *screen) progress() func(done, all int, missing string) {
	if s.width == 0 {
		return nil
	}
	return func(done, all int, missing string) {
		line := []rune(strings.ReplaceAll(runner.Printable(fmt.Sprintf("%d of %d; missing: %s", done, all, missing)), "\t", " "))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.shown = true
		fmt.Fprintf(s.w, "\r%s\x1b[K", string(line[:min(len(line), s.width-1)]))
	}
}

// tracer takes the line away before each message.
func (s *screen) tracer(trace func(string)) func(string) {
	if trace == nil {
		return nil
	}
	return func(message string) {
		s.clear()
		s.mu.Lock()
		defer s.mu.Unlock()
		trace(message)
	}
}

func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		fmt.Fprintf(s.w, "\r\x1b[K")
		s.shown = false
	}
}

// columns is the width of a terminal, and 0 for anything else.
func columns(stream any) (width int) {
	file, ok := stream.(syscall.Conn)
	if !ok {
		return 0
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	_ = conn.Control(func(fd uintptr) {
		size, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ)
		if err != nil {
			return
		}
		if width = int(size.Col); width < 2 {
			width = 80 // it does not know its size
		}
	})
	return width
}
