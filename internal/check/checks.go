package check

import (
	_ "embed" // the explanations
	"errors"
	"os"
	"strings"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// check is one check of a hook.
type check struct {
	name      string
	statement string              // true of a hook that passes
	requires  requirement         // what must work first
	skip      func(*suite) string // returns why the check does not apply, or ""; nil: it always does
	run       func(*trial) *finding
}

// requirement is what must work for a check to have a meaning.
type requirement int

const (
	canPublish requirement = iota // a challenge is published
	canEnd                        // calls end in time in time
	canStart                      // the hook can be started
	noRequirement
)

// checks returns all checks, in their order.
func checks() []check {
	return []check{
		{"starts", "the system can start it", noRequirement, nil, checkStarts},
		{"terminal", "it needs no terminal", canStart, nil, checkTerminal},
		{"perform", "it publishes a challenge's value and ends with 0", canStart, skipDeclined, checkPerform},
		{"cleanup", "it takes the value away again and ends with 0", canPublish, nil, checkCleanup},
		{"bare-environment", "PATH, HOME and TMPDIR are all that it needs", canPublish, nil, checkBareEnv},
		{"stale-environment", "what other calls left in the environment does not mislead it", canPublish, nil, checkStaleEnv},
		{"working-directory", "it depends on no working directory and leaves nothing there", canPublish, nil, checkDirectory},
		{"standard-input", "it does not read the client's standard input", canPublish, skipStdin, checkStdin},
		{"perform-twice", "a challenge may be performed twice", canPublish, nil, checkTwice},
		{"two-values", "a name and its wildcard are published at once", canPublish, nil, checkTwoValues},
		{"cleanup-own", "cleanup takes away only its own value", canPublish, skipCleanupOwn, checkCleanupOwn},
		{"cleanup-twice", "cleaning up twice is not a failure", canPublish, nil, checkCleanupTwice},
		{"cleanup-alone", "cleaning up what was never performed is not a failure", canPublish, nil, checkCleanupUnknown},
		{"dash", "tokens and values may begin with a dash", canPublish, nil, checkDash},
		{"hostile-texts", "no shell sees what it is told", canEnd, skipTexts, checkTexts},
		{"failing-provider", "it ends with a failure when its provider refuses", canPublish, skipFailing, checkFailing},
		{"other-events", "each other event of its client ends well", canEnd, skipOtherEvents, checkOtherEvents},
		{"unknown-operation", "an operation that it does not know is ignored", canEnd, skipUnknown, checkUnknown},
		{"standard-output", "standard output holds nothing but what its client reads there", canEnd, skipStdout, checkStdout},
		{"batch", "a call with many challenges does them all, or fails", canPublish, skipBatch, checkBatch},
		{"umask", "the web server can read its files, whatever the umask is", canPublish, skipUmask, checkUmask},
		{"background", "it leaves no process behind that holds its output open", canStart, nil, checkBackground},
		{"time", "each call ends in time", canStart, nil, checkTime},
	}
}

//go:embed explain.txt
var explanations string

// explanation says what a client does, why hooks fail there, and what to write
// instead. It is the paragraph below the check's name in explain.txt.
func (c check) explanation() string {
	_, text, _ := strings.Cut("\n\n"+explanations, "\n\n"+c.name+":\n")
	text, _, _ = strings.Cut(text, "\n\n")
	return strings.TrimSuffix(text, "\n")
}

func checkStarts(t *trial) *finding {
	if t.startErr == nil {
		return nil
	}
	reason := t.startErr.Error()
	if e := new(process.StartError); errors.As(t.startErr, &e) {
		reason = e.Reason
	}
	return t.newFinding("a program that the system can start", "%s", reason)
}

// needsTerminal is why other checks are skipped.
const needsTerminal = "it needs a terminal"

func checkTerminal(t *trial) *finding {
	t.runs = []hookRun{t.first}
	stderr := strings.ToLower(strings.Join(t.first.result.stderr, "\n"))
	for _, word := range []string{"/dev/tty", "not a tty", "not a terminal", "no tty", "inappropriate ioctl"} {
		if t.first.err != nil && strings.Contains(stderr, word) {
			t.obstacle = needsTerminal
			return t.newFinding("a challenge is performed without a terminal", "%s", t.first.status())
		}
	}
	return nil
}

func checkPerform(t *trial) *finding {
	t.runs = []hookRun{t.first}
	switch {
	case t.hung || t.obstacle == needsTerminal:
		t.skip = t.obstacle // another check reports it
		return nil
	case t.first.err != nil:
		return t.newFinding("exit status 0", "%s", t.first.status())
	case t.witness == byNothing:
		return t.newFinding("the value is published", "exit status 0, and the value is nowhere to be seen")
	}
	return nil
}

// mustPerform performs a challenge, and returns a finding if that does not
// work.
func (t *trial) mustPerform(e envmap.Event) (hookRun, *finding) {
	r := t.perform(e)
	switch {
	case r.err != nil:
		return r, t.newFinding("performing ends with 0", "%s", r.status())
	case !t.published(e):
		return r, t.newFinding("the value is published", "it is not there")
	}
	return r, nil
}

// mustCleanUp cleans up a challenge, and returns a finding if that does not
// work.
func (t *trial) mustCleanUp(e envmap.Event, performed hookRun) *finding {
	r := t.cleanup(e, performed)
	switch {
	case r.err != nil:
		return t.newFinding("cleaning up ends with 0", "%s", r.status())
	case t.published(e):
		return t.newFinding("the value is taken away", "it is still there")
	}
	return nil
}

// performAndCleanUp does both, and returns a finding if one does not work.
func (t *trial) performAndCleanUp(e envmap.Event) *finding {
	r, f := t.mustPerform(e)
	if f != nil {
		return f
	}
	return t.mustCleanUp(e, r)
}

func checkCleanup(t *trial) *finding { return t.performAndCleanUp(t.challenge("cleanup")) }

func checkBareEnv(t *trial) *finding {
	t.bareEnv = true
	return t.performAndCleanUp(t.challenge("bare"))
}

// checkStaleEnv adds variables of other clients, and those that certbot leaves
// from earlier certificates.
func checkStaleEnv(t *trial) *finding {
	t.staleEnv = map[string]string{
		"RENEWED_LINEAGE": "/nonexistent/lineage", "RENEWED_DOMAINS": "stale.invalid", "FAILED_DOMAINS": "stale.invalid",
		"CERTBOT_AUTH_OUTPUT": "stale", "CDPATH": "/:/usr", "POSIXLY_CORRECT": "1",
	}
	for name, value := range map[string]string{
		"CERTBOT_DOMAIN": "stale.invalid", "CERTBOT_VALIDATION": strings.Repeat("s", 43), "cmd": "deploy_cert",
		"type": "tls-sni-01", "domain": "stale.invalid", "token": "stale", "validation": "stale", "status": "stale",
		"UACME_METHOD": "failed", "CHALLENGETYPE": "http-01", "LEGO_CERT_DOMAIN": "stale.invalid",
	} {
		if !t.handler.Resolved().OwnsVariable(name) {
			t.staleEnv[name] = value
		}
	}
	return t.performAndCleanUp(t.challenge("stale"))
}

func checkDirectory(t *trial) *finding {
	dir, err := t.scratch.newDir()
	t.err, t.dir = errors.Join(t.err, err), dir
	e := t.challenge("directory")
	r, f := t.mustPerform(e)
	if left := t.scratch.files(dir); f == nil && len(left) > 0 {
		return t.newFinding("nothing is written into the working directory", "%q", left)
	}
	t.dir = "" // a new one
	if f == nil {
		f = t.mustCleanUp(e, r)
	}
	return f
}

// skipDeclined skips a check if the hook declines challenges: it may be only
// for certificates.
func skipDeclined(s *suite) string {
	if s.first.result.declined {
		return s.obstacle
	}
	return ""
}

func skipStdin(s *suite) string {
	if s.first.call.Stdin != nil || s.handler.Resolved().From.ReadsStdin {
		return "its client gives a part of the event on standard input"
	}
	return ""
}

// checkStdin has a shell save what the hook did not read from its standard
// input.
func checkStdin(t *trial) *finding {
	unread := t.scratch.path("rest")
	t.stdin = []byte("this is the client's own input\n")
	t.wrapper = []string{"/bin/sh", "-c", `status=0; rest=$1; shift; "$@" || status=$?; cat >"$rest"; exit $status`, "sh", unread}
	if r := t.perform(t.challenge("stdin")); r.timedOut() {
		return t.newFinding("nothing is read", "%s", r.status())
	}
	text, err := os.ReadFile(unread)
	if t.err = errors.Join(t.err, err); string(text) == string(t.stdin) {
		return nil
	}
	return t.newFinding("nothing is read", "%d of %d bytes were read", len(t.stdin)-len(text), len(t.stdin))
}

// checkBackground checks all runs so far.
func checkBackground(t *trial) *finding {
	for _, r := range t.allRuns {
		if r.result.HeldOpen {
			t.runs = []hookRun{r}
			return t.newFinding("its output is closed when it ends", "a process that it left behind held it open for 2 seconds more")
		}
	}
	return nil
}

// checkTime checks all runs so far.
func checkTime(t *trial) *finding {
	for _, r := range t.allRuns {
		if r.timedOut() || r.result.Duration > t.Slow {
			t.runs = []hookRun{r}
			return t.newFinding("each call ends within "+t.Slow.String(), "%s, after %s", r.status(), r.result.Duration.Round(1e6))
		}
	}
	return nil
}

func checkTwice(t *trial) *finding {
	e := t.challenge("twice")
	if _, f := t.mustPerform(e); f != nil {
		return f
	}
	r, f := t.mustPerform(e)
	if f == nil {
		f = t.mustCleanUp(e, r)
	}
	return f
}

func checkTwoValues(t *trial) *finding {
	one, two := t.challenge("two"), t.challenge("two")
	if _, f := t.mustPerform(one); f != nil {
		return f
	}
	_, f := t.mustPerform(two)
	if f == nil && !t.published(one) {
		f = t.newFinding("both values are published", "the second has taken the place of the first")
	}
	return f
}

func skipCleanupOwn(s *suite) string {
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

func checkCleanupOwn(t *trial) *finding {
	one, two := t.challenge("own"), t.challenge("own")
	first := t.perform(one)
	t.perform(two)
	if !t.published(two) {
		t.skip = "two values at one name do not work"
		return nil
	}
	t.cleanup(one, first)
	if !t.published(two) {
		return t.newFinding("the other value stays", "it is gone too")
	}
	return nil
}

func checkCleanupTwice(t *trial) *finding {
	e := t.challenge("again")
	r := t.perform(e)
	t.cleanup(e, r)
	return t.mustCleanUp(e, r)
}

func checkCleanupUnknown(t *trial) *finding { return t.mustCleanUp(t.challenge("alone"), hookRun{}) }

func checkDash(t *trial) *finding {
	if f := t.performAndCleanUp(t.challengeWith("dash", "-n", true)); f != nil {
		return f
	}
	return t.performAndCleanUp(t.challengeWith("dash", "--extauth-check-", true))
}
