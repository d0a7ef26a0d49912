package check

import (
	_ "embed" // the explanations
	"errors"
	"os"
	"strings"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// check is one thing that a client may do to a hook, or a hook to its client.
type check struct {
	name      string
	statement string              // what is true of a hook that passes
	needs     need                // what must work for it
	skip      func(*suite) string // why it does not apply; nil: it always does
	run       func(*bench) *finding
}

// need is what must work for a check to say something.
type need int

const (
	published need = iota // a first challenge
	ending                // calls end
	starting              // the hook can be started
	nothing
)

// checks are all of them, in their order.
func checks() []check {
	return []check{
		{"starts", "the system can start it", nothing, nil, checkStarts},
		{"terminal", "it needs no terminal", starting, nil, checkTerminal},
		{"perform", "it publishes a challenge's value and ends with 0", starting, skipDeclined, checkPerform},
		{"cleanup", "it takes the value away again and ends with 0", published, nil, checkCleanup},
		{"bare-environment", "PATH, HOME and TMPDIR are all that it needs", published, nil, checkBare},
		{"stale-environment", "what other calls left in the environment does not mislead it", published, nil, checkStale},
		{"working-directory", "it depends on no working directory and leaves nothing there", published, nil, checkDirectory},
		{"standard-input", "it leaves the client's standard input alone", published, skipStdin, checkStdin},
		{"perform-twice", "a challenge may be performed twice", published, nil, checkTwice},
		{"two-values", "a name and its wildcard are published at once", published, nil, checkTwoValues},
		{"cleanup-own", "clean-up takes away its own value alone", published, skipForgets, checkCleanupOwn},
		{"cleanup-twice", "cleaning up twice is no failure", published, nil, checkCleanupTwice},
		{"cleanup-alone", "cleaning up what was never performed is no failure", published, nil, checkCleanupAlone},
		{"dash", "tokens and values may begin with a dash", published, nil, checkDash},
		{"hostile-texts", "no shell sees what it is told", ending, skipTexts, checkTexts},
		{"failing-provider", "it ends with a failure when its provider refuses", published, skipFailing, checkFailing},
		{"other-events", "each other event of its client ends well", ending, skipOthers, checkOthers},
		{"unknown-operation", "an operation that it does not know is ignored", ending, skipUnknown, checkUnknown},
		{"standard-output", "standard output holds nothing but what its client reads there", ending, skipStdout, checkStdout},
		{"batch", "a call with many challenges does them all, or fails", published, skipBatch, checkBatch},
		{"umask", "the web server can read its files, whatever the umask is", published, skipUmask, checkUmask},
		{"background", "it leaves no process behind that holds its output open", starting, nil, checkBackground},
		{"time", "each call ends in time", starting, nil, checkTime},
	}
}

//go:embed explain.txt
var explanations string

// explanation is what a client does, why a hook fails there, and what to write
// instead: the paragraph below the check's name in explain.txt.
func (c check) explanation() string {
	_, text, _ := strings.Cut("\n\n"+explanations, "\n\n"+c.name+":\n")
	text, _, _ = strings.Cut(text, "\n\n")
	return strings.TrimSuffix(text, "\n")
}

func checkStarts(b *bench) *finding {
	if b.fault == nil {
		return nil
	}
	reason := b.fault.Error()
	if e := new(process.StartError); errors.As(b.fault, &e) {
		reason = e.Reason
	}
	return b.found("a program that the system can start", "%s", reason)
}

// needsTerminal is why other checks are not made.
const needsTerminal = "it needs a terminal"

func checkTerminal(b *bench) *finding {
	b.made = []run{b.first}
	said := strings.ToLower(strings.Join(b.first.outcome.stderr, "\n"))
	for _, word := range []string{"/dev/tty", "not a tty", "not a terminal", "no tty", "inappropriate ioctl"} {
		if b.first.err != nil && strings.Contains(said, word) {
			b.hopeless = needsTerminal
			return b.found("a challenge is performed without a terminal", "%s", b.first.ended())
		}
	}
	return nil
}

func checkPerform(b *bench) *finding {
	b.made = []run{b.first}
	switch {
	case b.hung || b.hopeless == needsTerminal:
		b.skip = b.hopeless // another check says so
		return nil
	case b.first.err != nil:
		return b.found("exit status 0", "%s", b.first.ended())
	case b.seen == unseen:
		return b.found("the value is published", "exit status 0, and the value is nowhere to be seen")
	}
	return nil
}

// performs performs a challenge that must work.
func (b *bench) performs(e envmap.Event) (run, *finding) {
	r := b.perform(e)
	switch {
	case r.err != nil:
		return r, b.found("performing ends with 0", "%s", r.ended())
	case !b.published(e):
		return r, b.found("the value is published", "it is not there")
	}
	return r, nil
}

// cleans cleans up a challenge, which must work too.
func (b *bench) cleans(e envmap.Event, performed run) *finding {
	r := b.cleanup(e, performed)
	switch {
	case r.err != nil:
		return b.found("cleaning up ends with 0", "%s", r.ended())
	case b.published(e):
		return b.found("the value is taken away", "it is still there")
	}
	return nil
}

// both performs and cleans up.
func (b *bench) both(e envmap.Event) *finding {
	r, f := b.performs(e)
	if f != nil {
		return f
	}
	return b.cleans(e, r)
}

func checkCleanup(b *bench) *finding { return b.both(b.challenge("cleanup")) }

func checkBare(b *bench) *finding {
	b.bare = true
	return b.both(b.challenge("bare"))
}

// checkStale leaves variables of other clients, and those that certbot's own
// earlier certificates left.
func checkStale(b *bench) *finding {
	b.stale = map[string]string{
		"RENEWED_LINEAGE": "/nonexistent/lineage", "RENEWED_DOMAINS": "stale.invalid", "FAILED_DOMAINS": "stale.invalid",
		"CERTBOT_AUTH_OUTPUT": "stale", "CDPATH": "/:/usr", "POSIXLY_CORRECT": "1",
	}
	for name, value := range map[string]string{
		"CERTBOT_DOMAIN": "stale.invalid", "CERTBOT_VALIDATION": strings.Repeat("s", 43), "cmd": "deploy_cert",
		"type": "tls-sni-01", "domain": "stale.invalid", "token": "stale", "validation": "stale", "status": "stale",
		"UACME_METHOD": "failed", "CHALLENGETYPE": "http-01", "LEGO_CERT_DOMAIN": "stale.invalid",
	} {
		if !b.handler.Resolved().OwnsVariable(name) {
			b.stale[name] = value
		}
	}
	return b.both(b.challenge("stale"))
}

func checkDirectory(b *bench) *finding {
	dir, err := b.scratch.newDir()
	b.err, b.dir = errors.Join(b.err, err), dir
	e := b.challenge("directory")
	r, f := b.performs(e)
	if left := b.scratch.files(dir); f == nil && len(left) > 0 {
		return b.found("nothing is written into the working directory", "%q", left)
	}
	b.dir = "" // another
	if f == nil {
		f = b.cleans(e, r)
	}
	return f
}

// skipDeclined: a hook may be for certificates alone, and say so of challenges.
func skipDeclined(s *suite) string {
	if s.first.outcome.declined {
		return s.hopeless
	}
	return ""
}

func skipStdin(s *suite) string {
	if s.first.call.Stdin != nil || s.handler.Resolved().From.ReadsStdin {
		return "its client gives a part of the event on standard input"
	}
	return ""
}

// checkStdin has a shell write down what the hook left of its standard input.
func checkStdin(b *bench) *finding {
	rest := b.scratch.path("rest")
	b.stdin = []byte("this is the client's own input\n")
	b.wrapper = []string{"/bin/sh", "-c", `status=0; rest=$1; shift; "$@" || status=$?; cat >"$rest"; exit $status`, "sh", rest}
	if r := b.perform(b.challenge("stdin")); r.timedOut() {
		return b.found("nothing is read", "%s", r.ended())
	}
	text, err := os.ReadFile(rest)
	if b.err = errors.Join(b.err, err); string(text) == string(b.stdin) {
		return nil
	}
	return b.found("nothing is read", "%d of %d bytes were read", len(b.stdin)-len(text), len(b.stdin))
}

// checkBackground looks at all runs so far.
func checkBackground(b *bench) *finding {
	for _, r := range b.runs {
		if r.outcome.HeldOpen {
			b.made = []run{r}
			return b.found("its output is closed when it ends", "a process that it left behind held it open for 2 seconds more")
		}
	}
	return nil
}

// checkTime looks at all runs so far.
func checkTime(b *bench) *finding {
	for _, r := range b.runs {
		if r.timedOut() || r.outcome.Duration > b.Slow {
			b.made = []run{r}
			return b.found("each call ends within "+b.Slow.String(), "%s, after %s", r.ended(), r.outcome.Duration.Round(1e6))
		}
	}
	return nil
}

func checkTwice(b *bench) *finding {
	e := b.challenge("twice")
	if _, f := b.performs(e); f != nil {
		return f
	}
	r, f := b.performs(e)
	if f == nil {
		f = b.cleans(e, r)
	}
	return f
}

func checkTwoValues(b *bench) *finding {
	one, two := b.challenge("two"), b.challenge("two")
	if _, f := b.performs(one); f != nil {
		return f
	}
	_, f := b.performs(two)
	if f == nil && !b.published(one) {
		f = b.found("both values are published", "the second has taken the place of the first")
	}
	return f
}

func skipForgets(s *suite) string {
	e := cleanupOf(s.challenge("forgets"), nil)
	if c, err := s.handler.Resolved().Encode(e); err == nil && !mentions(c, e) {
		return "its client does not say which value is meant"
	}
	return ""
}

// mentions reports whether a call names the challenge's value or its token.
func mentions(c envmap.Call, e envmap.Event) bool {
	words := append([]string{string(c.Stdin)}, c.Args...)
	for _, value := range c.Env {
		words = append(words, value)
	}
	all := strings.Join(words, "\n")
	return strings.Contains(all, e.Validation) || strings.Contains(all, e.Token)
}

func checkCleanupOwn(b *bench) *finding {
	one, two := b.challenge("own"), b.challenge("own")
	first := b.perform(one)
	b.perform(two)
	if !b.published(two) {
		b.skip = "two values at one name do not work"
		return nil
	}
	b.cleanup(one, first)
	if !b.published(two) {
		return b.found("the other value stays", "it is gone too")
	}
	return nil
}

func checkCleanupTwice(b *bench) *finding {
	e := b.challenge("again")
	r := b.perform(e)
	b.cleanup(e, r)
	return b.cleans(e, r)
}

func checkCleanupAlone(b *bench) *finding { return b.cleans(b.challenge("alone"), run{}) }

func checkDash(b *bench) *finding {
	if f := b.both(b.dashed("dash", "-n", true)); f != nil {
		return f
	}
	return b.both(b.dashed("dash", "--extauth-check-", true))
}
