package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

func skipTexts(s *suite) string {
	if len(s.otherEvents("", s.scratch.path("certs"))) == 0 {
		return "its client gives it no texts, and values without shell characters"
	}
	return ""
}

// checkTexts passes messages and paths that contain a command. A shell would
// run its first half in double quotes or without quotes, and its second half in
// single quotes.
func checkTexts(t *trial) *finding {
	sentinel := t.scratch.path("sentinel")
	text := fmt.Sprintf("$(touch %[1]s)'; touch %[1]s; '", sentinel)
	refused := cleanupOf(t.challenge("texts"), nil)
	refused.Error = text
	for _, e := range append(t.otherEvents(text, t.scratch.path(text)), refused) {
		t.runEvent(e)
		if _, err := os.Stat(sentinel); err == nil {
			t.runs = t.runs[len(t.runs)-1:]
			return t.newFinding("texts are handed on as they are", "a command in a text of %s was run", e.Cmd)
		}
	}
	return nil
}

// providers returns the stand-ins that can be made to fail.
func providers() []string {
	return []string{"curl", "wget", "nsupdate", "knsupdate", "ssh", "scp", "rsync"}
}

func skipFailing(s *suite) string {
	if s.witness != byServer && !s.first.calledBy(providers()...) {
		return "it calls no stand-in that could fail"
	}
	return ""
}

// checkFailing makes the provider refuse: a stand-in, or a server that does not
// have the zone.
func checkFailing(t *trial) *finding {
	e := t.challenge("failing")
	if t.first.calledBy(providers()...) {
		t.providersFail, t.err = true, errors.Join(t.err, t.scratch.setFailing(true))
		defer func() { t.err = errors.Join(t.err, t.scratch.setFailing(false)) }()
	} else {
		e = t.challengeOf("extauth-check.invalid", e.Token)
	}
	if r := t.perform(e); r.err == nil {
		return t.newFinding("a status other than 0", "exit status 0")
	}
	return nil
}

func skipOtherEvents(s *suite) string {
	if len(s.otherEvents("", s.scratch.path("certs"))) == 0 {
		return "its client calls it only for challenges"
	}
	return ""
}

// checkOtherEvents runs the hook for all other events, without a message and
// with one. Equal calls are made once.
func checkOtherEvents(t *trial) *finding {
	seen, failed := map[string]bool{}, []hookRun{}
	for _, text := range []string{"", "urn:ietf:params:acme:error:dns: no record\nfound"} {
		for _, e := range t.otherEvents(text, t.scratch.path("certs")) {
			c, err := t.handler.Resolved().Encode(e)
			t.err = errors.Join(t.err, err)
			key := fmt.Sprint(c)
			if seen[key] {
				continue
			}
			seen[key] = true
			if r := t.attempt(e.Cmd, c, e); r.err != nil && !r.result.declined {
				failed = append(failed, r)
			}
		}
	}
	if t.runs = failed; len(failed) == 0 {
		return nil
	}
	return t.newFinding("exit status 0 each time", "another, %d times of %d", len(failed), len(seen))
}

// unknownCall is a call that a client might make in the future and that no hook
// knows yet, and what the client expects of it.
type unknownCall struct {
	args     []string
	expected string
	accepts  func(hookRun) bool
}

func ignored(r hookRun) bool  { return r.err == nil }
func declined(r hookRun) bool { return r.err != nil && !r.timedOut() }

func (s *suite) unknownCall() (unknownCall, bool) {
	token := s.challenge("unknown")
	all := map[string]unknownCall{
		"dehydrated": {
			[]string{"this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"},
			"exit status 0", ignored,
		},
		"acmetool": {[]string{"extauth-check"}, "exit status 42", func(r hookRun) bool { return r.result.declined }},
		"handler": {[]string{"extauth-check"}, "exit status 0, or NotImplemented and another", func(r hookRun) bool {
			return r.err == nil || r.result.declined
		}},
		"uacme": {
			[]string{"begin", "extauth-check-01", token.Domain, token.Token, token.Validation},
			"a status other than 0, by which uacme offers another type", declined,
		},
	}
	found, known := all[s.handler.Convention]
	return found, known
}

func skipUnknown(s *suite) string {
	if _, known := s.unknownCall(); !known {
		return "its client adds no operations"
	}
	return ""
}

func checkUnknown(t *trial) *finding {
	s, _ := t.unknownCall()
	r := t.attempt("", envmap.Call{Args: s.args})
	if s.accepts(r) {
		return nil
	}
	return t.newFinding(s.expected, "%s", r.status())
}

func skipStdout(s *suite) string {
	if name := s.handler.Convention; name != "certbot" && name != "dehydrated" {
		return "its client reads nothing there"
	}
	return ""
}

// maxOutput is how many bytes of standard output the runner keeps.
const maxOutput = 32 << 10

func checkStdout(t *trial) *finding {
	if t.handler.Convention == "dehydrated" {
		return t.checkCSR()
	}
	printed := string(t.perform(t.challenge("stdout")).result.Stdout)
	switch {
	case strings.ContainsRune(printed, '\uFFFD'):
		return t.newFinding("text", "bytes that are not UTF-8, of which certbot dies")
	case len(printed) >= maxOutput-3:
		return t.newFinding("a few words", "%d bytes or more, which are too many for a variable", len(printed))
	}
	return nil
}

// checkCSR allows nothing or a certificate request on standard output.
func (t *trial) checkCSR() *finding {
	for _, e := range t.otherEvents("", t.scratch.path("certs")) {
		if e.Cmd != envmap.GenerateCSR {
			continue
		}
		printed := strings.TrimSpace(string(t.runEvent(e).result.Stdout))
		if printed != "" && !strings.HasPrefix(printed, "-----BEGIN ") {
			return t.newFinding("generate_csr prints nothing or a certificate request", "%d bytes of something else", len(printed))
		}
	}
	return nil
}

func skipBatch(s *suite) string {
	if s.handler.Resolved().To.Batch == nil {
		return "its client gives one challenge a call"
	}
	return ""
}

func checkBatch(t *trial) *finding {
	const size = 20
	var order, cleanups []envmap.Event
	for i := range size {
		e := t.challenge(fmt.Sprintf("batch%d", i))
		order, cleanups = append(order, e), append(cleanups, cleanupOf(e, nil))
	}
	if r := t.runBatch(envmap.PerformChallenge, order); r.err != nil {
		t.skip = "it refuses more than one challenge a call: only HOOK_CHAIN=no works"
		return nil
	}
	if n := t.countPublished(order); n < size {
		return t.newFinding(fmt.Sprintf("all %d values are published, or a failure", size), "exit status 0, and %d are", n)
	}
	if r := t.runBatch(envmap.Cleanup, cleanups); r.err != nil {
		return t.newFinding("exit status 0", "%s", r.status())
	}
	if n := t.countPublished(order); n > 0 {
		return t.newFinding("all values are taken away", "%d are still there", n)
	}
	return nil
}

// runBatch runs the hook for an order in one call.
func (t *trial) runBatch(cmd envmap.Cmd, order []envmap.Event) hookRun {
	c, err := t.handler.Resolved().EncodeBatch(order)
	if t.err = errors.Join(t.err, err); err != nil {
		return hookRun{}
	}
	return t.attempt(cmd, c, order...)
}

// countPublished returns how many of the challenges are published.
func (t *trial) countPublished(order []envmap.Event) (n int) {
	for _, e := range order {
		if t.published(e) {
			n++
		}
	}
	return n
}

func skipUmask(s *suite) string {
	if s.witness != byFile {
		return "it makes no file for a web server"
	}
	return ""
}

// checkUmask checks the modes of the file and of the directories above it: all
// runs have dehydrated's umask.
func checkUmask(t *trial) *finding {
	e := t.challenge("umask")
	t.perform(e)
	root := t.scratch.path("webroot")
	for path, needs := t.file(e), fs.FileMode(0o004); path != root; path, needs = filepath.Dir(path), 0o005 {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&needs != needs {
			return t.newFinding("everybody may read it", "%s has mode %04o", strings.TrimPrefix(path, root), info.Mode().Perm())
		}
	}
	return nil
}
