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
	if len(s.others("", s.scratch.path("certs"))) == 0 {
		return "its client gives it no texts, and values without a character of a shell's"
	}
	return ""
}

// checkTexts tells of messages and paths with a command that a shell would run:
// in double quotes or in none by its first half, in single quotes by its second.
func checkTexts(b *bench) *finding {
	sentinel := b.scratch.path("sentinel")
	text := fmt.Sprintf("$(touch %[1]s)'; touch %[1]s; '", sentinel)
	refused := cleanupOf(b.challenge("texts"), nil)
	refused.Error = text
	for _, e := range append(b.others(text, b.scratch.path(text)), refused) {
		b.tell(e)
		if _, err := os.Stat(sentinel); err == nil {
			b.made = b.made[len(b.made)-1:]
			return b.found("texts are handed on as they are", "a command in a text of %s was run", e.Cmd)
		}
	}
	return nil
}

// providers are the stand-ins that fail in a failing world.
func providers() []string {
	return []string{"curl", "wget", "nsupdate", "knsupdate", "ssh", "scp", "rsync"}
}

func skipFailing(s *suite) string {
	if s.seen != byServer && !s.first.calledBy(providers()...) {
		return "it calls no stand-in that could fail"
	}
	return ""
}

// checkFailing has the provider refuse: a stand-in, or a server that does not
// have the zone.
func checkFailing(b *bench) *finding {
	e := b.challenge("failing")
	if b.first.calledBy(providers()...) {
		b.refuses, b.err = true, errors.Join(b.err, b.scratch.setFailing(true))
		defer func() { b.err = errors.Join(b.err, b.scratch.setFailing(false)) }()
	} else {
		e = b.challengeOf("extauth-check.invalid", e.Token)
	}
	if r := b.perform(e); r.err == nil {
		return b.found("a status other than 0", "exit status 0")
	}
	return nil
}

func skipOthers(s *suite) string {
	if len(s.others("", s.scratch.path("certs"))) == 0 {
		return "its client calls it for challenges alone"
	}
	return ""
}

// checkOthers tells of all of them, without a message and with one. What is the
// same then is told once.
func checkOthers(b *bench) *finding {
	told, failed := map[string]bool{}, []run{}
	for _, text := range []string{"", "urn:ietf:params:acme:error:dns: no record\nfound"} {
		for _, e := range b.others(text, b.scratch.path("certs")) {
			c, err := b.handler.Resolved().Encode(e)
			b.err = errors.Join(b.err, err)
			what := fmt.Sprint(c)
			if told[what] {
				continue
			}
			told[what] = true
			if r := b.try(e.Cmd, c, e); r.err != nil && !r.outcome.declined {
				failed = append(failed, r)
			}
		}
	}
	if b.made = failed; len(failed) == 0 {
		return nil
	}
	return b.found("exit status 0 each time", "another, %d times of %d", len(failed), len(told))
}

// stranger is a call that a convention's client might make and that no hook
// knows, and what the client expects of it.
type stranger struct {
	args     []string
	expected string
	fits     func(run) bool
}

func ignored(r run) bool  { return r.err == nil }
func declined(r run) bool { return r.err != nil && !r.timedOut() }

func (s *suite) stranger() (stranger, bool) {
	token := s.challenge("unknown")
	all := map[string]stranger{
		"dehydrated": {
			[]string{"this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"},
			"exit status 0", ignored,
		},
		"acmetool": {[]string{"extauth-check"}, "exit status 42", func(r run) bool { return r.outcome.declined }},
		"handler": {[]string{"extauth-check"}, "exit status 0, or NotImplemented and another", func(r run) bool {
			return r.err == nil || r.outcome.declined
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
	if _, known := s.stranger(); !known {
		return "its client adds no operations"
	}
	return ""
}

func checkUnknown(b *bench) *finding {
	s, _ := b.stranger()
	r := b.try("", envmap.Call{Args: s.args})
	if s.fits(r) {
		return nil
	}
	return b.found(s.expected, "%s", r.ended())
}

func skipStdout(s *suite) string {
	if name := s.handler.Convention; name != "certbot" && name != "dehydrated" {
		return "its client reads nothing there"
	}
	return ""
}

// maxOutput is what the runner keeps of standard output, in bytes.
const maxOutput = 32 << 10

func checkStdout(b *bench) *finding {
	if b.handler.Convention == "dehydrated" {
		return b.checkRequest()
	}
	printed := string(b.perform(b.challenge("stdout")).outcome.Stdout)
	switch {
	case strings.ContainsRune(printed, '\uFFFD'):
		return b.found("text", "bytes that are not UTF-8, of which certbot dies")
	case len(printed) >= maxOutput-3:
		return b.found("a few words", "%d bytes or more, which are too many for a variable", len(printed))
	}
	return nil
}

// checkRequest: nothing, or a certificate request and nothing else.
func (b *bench) checkRequest() *finding {
	for _, e := range b.others("", b.scratch.path("certs")) {
		if e.Cmd != envmap.GenerateCSR {
			continue
		}
		printed := strings.TrimSpace(string(b.tell(e).outcome.Stdout))
		if printed != "" && !strings.HasPrefix(printed, "-----BEGIN ") {
			return b.found("generate_csr prints nothing, or a certificate request alone", "%d bytes that are none", len(printed))
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

func checkBatch(b *bench) *finding {
	const many = 20
	var order, cleanups []envmap.Event
	for i := range many {
		e := b.challenge(fmt.Sprintf("batch%d", i))
		order, cleanups = append(order, e), append(cleanups, cleanupOf(e, nil))
	}
	if r := b.together(envmap.PerformChallenge, order); r.err != nil {
		b.skip = "it refuses more than one challenge a call: HOOK_CHAIN=no alone works"
		return nil
	}
	if n := b.count(order); n < many {
		return b.found(fmt.Sprintf("all %d values are published, or a failure", many), "exit status 0, and %d are", n)
	}
	if r := b.together(envmap.Cleanup, cleanups); r.err != nil {
		return b.found("exit status 0", "%s", r.ended())
	}
	if n := b.count(order); n > 0 {
		return b.found("all values are taken away", "%d are still there", n)
	}
	return nil
}

// together tells the hook of an order in one call.
func (b *bench) together(cmd envmap.Cmd, order []envmap.Event) run {
	c, err := b.handler.Resolved().EncodeBatch(order)
	if b.err = errors.Join(b.err, err); err != nil {
		return run{}
	}
	return b.try(cmd, c, order...)
}

// count is how many of the challenges are published.
func (b *bench) count(order []envmap.Event) (n int) {
	for _, e := range order {
		if b.published(e) {
			n++
		}
	}
	return n
}

func skipUmask(s *suite) string {
	if s.seen != byFile {
		return "it makes no file for a web server"
	}
	return ""
}

// checkUmask looks at the file and the directories above it: all runs have
// dehydrated's umask.
func checkUmask(b *bench) *finding {
	e := b.challenge("umask")
	b.perform(e)
	root := b.scratch.path("webroot")
	for path, needs := b.file(e), fs.FileMode(0o004); path != root; path, needs = filepath.Dir(path), 0o005 {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&needs != needs {
			return b.found("everybody may read it", "%s has mode %04o", strings.TrimPrefix(path, root), info.Mode().Perm())
		}
	}
	return nil
}
