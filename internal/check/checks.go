package check

import (
	"errors"
	"os"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// check is one thing that a client may do to a hook, or a hook to its client.
type check struct {
	name      string
	statement string // what is true of a hook that passes
	explain   string // what the client does, why it matters, what to write
	needs     need   // what must work for it
	skip      func(*suite) string
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
		{name: "starts", statement: "the system can start it", needs: nothing, run: checkStarts, explain: `The client runs the hook as a program, without a shell to help. It needs the x bit, a first line "#!" with the path of an
interpreter that is there, and no carriage return at the end of that line. Write the file with Unix line ends, and chmod +x it.`},
		{name: "terminal", statement: "it needs no terminal", needs: starting, run: checkTerminal, explain: `Clients run from cron or a timer, where there is no terminal: opening /dev/tty fails. Take answers from a configuration file or
from variables, and write what people should read to standard error.`},
		{name: "perform", statement: "it publishes a challenge's value and ends with 0", needs: starting, run: checkPerform, explain: `The CA looks at _acme-challenge.NAME for the value (dns-01), or below /.well-known/acme-challenge/ (http-01, in $WEBROOT here).
The client goes on when the hook ends with 0. What does not work here may lack a setting (--env-file) or go to a server by
other means than the stand-ins see: say with --server which DNS server is to be asked.`},
		{name: "cleanup", statement: "it takes the value away again and ends with 0", run: checkCleanup, explain: `The client calls the hook once more with the same values when the CA has looked. What stays behind stays for ever, and a zone
that collects old values becomes too large for a DNS answer.`},
		{name: "bare-environment", statement: "PATH, HOME and TMPDIR are all that it needs", run: checkBare, explain: `cron, systemd and some clients set hardly any variable: no USER, no LANG, no SHELL. Under "set -u" a missing one ends the hook.
Write ${USER:-$(id -un)}, and set what you need yourself.`},
		{name: "stale-environment", statement: "what other calls left in the environment does not mislead it", run: checkStale, explain: `certbot never takes a variable back: RENEWED_LINEAGE and CERTBOT_AUTH_OUTPUT of an earlier certificate are still there when the
next is asked for, and variables of other clients may be. Tell events apart by an argument, not by which variables are set.`},
		{name: "working-directory", statement: "it depends on no working directory and leaves nothing there", run: checkDirectory, explain: `A client runs the hook wherever it was started itself: in / under cron, elsewhere by hand, and not always in the same place to
perform and to clean up. Use absolute paths, or ones that begin with "$(dirname "$0")", and mktemp for temporary files.`},
		{name: "standard-input", statement: "it leaves the client's standard input alone", skip: skipStdin, run: checkStdin, explain: `The hook inherits the client's standard input: a terminal, where reading hangs, or input that was meant for somebody else. ssh
reads it too. Put </dev/null behind such a command, or write "ssh -n".`},
		{name: "perform-twice", statement: "a challenge may be performed twice", run: checkTwice, explain: `Clients try again, as getssl does while it waits for DNS: the same value for the same name may be there already. Take that for
done, and do not add it a second time.`},
		{name: "two-values", statement: "a name and its wildcard are published at once", run: checkTwoValues, explain: `example.org and *.example.org are proven by two values at one name, _acme-challenge.example.org, and both must be there when the
CA looks. Add a value ("update add"); never replace the record set.`},
		{name: "cleanup-own", statement: "clean-up takes away its own value alone", skip: skipForgets, run: checkCleanupOwn, explain: `When the first of two values at a name is cleaned up, the CA may still have to look at the second, and another client may be at
work in the same zone. Delete by value: "update delete NAME TXT VALUE", not "update delete NAME TXT".`},
		{name: "cleanup-twice", statement: "cleaning up twice is no failure", run: checkCleanupTwice, explain: `Clients clean up again after a crash or a retry. A value that is gone already is what was asked for: end with 0.`},
		{name: "cleanup-alone", statement: "cleaning up what was never performed is no failure", run: checkCleanupAlone, explain: `After a failure clients clean up every challenge of the order, those too that they never performed. End with 0 where there is
nothing to take away, and leave other values alone.`},
		{name: "dash", statement: "tokens and values may begin with a dash", run: checkDash, explain: `One of 64 tokens and values begins with "-", and commands take it for an option: "echo $value" loses "-n", grep and rm refuse it.
Write printf '%s\n' "$value", and -- before operands, or --option=value.`},
		{name: "hostile-texts", statement: "no shell sees what it is told", needs: ending, skip: skipTexts, run: checkTexts, explain: `Messages of the CA and paths of certificates may contain anything that prints: $(command), backticks, quotes, semicolons. eval, sh
-c and ssh give them to a shell. Quote every "$variable", and hand values over as arguments or on standard input, never in code.`},
		{name: "failing-provider", statement: "it ends with a failure when its provider refuses", skip: skipFailing, run: checkFailing, explain: `If the hook ends with 0, the client tells the CA to look, which finds nothing and counts a failed validation. curl ends with 0
for an HTTP error unless it is given --fail; in a pipeline only the last status counts; without "set -e" the last command's.`},
		{name: "other-events", statement: "each other event of its client ends well", skip: skipOthers, needs: ending, run: checkOthers, explain: `The client calls the same hook for other events too, such as startup_hook, deploy_cert and exit_hook, and most clients give up
when one fails. Ignore those that you have no use for, with status 0.`},
		{name: "unknown-operation", statement: "an operation that it does not know is ignored", skip: skipUnknown, needs: ending, run: checkUnknown, explain: `Clients get new operations. dehydrated asks at every start for one that does not exist, and gives up unless the hook ends with 0;
acmetool wants 42, uacme a failure, a certbot-external-auth handler NotImplemented. End a "case" with the answer that is due.`},
		{name: "standard-output", statement: "standard output holds nothing but what its client reads there", needs: ending, skip: skipStdout, run: checkStdout, explain: `dehydrated takes what generate_csr prints for the certificate request, and certbot hands what the auth hook prints to the cleanup
hook, as one variable. Write messages to standard error: echo "done" >&2`},
		{name: "batch", statement: "a call with many challenges does them all, or fails", skip: skipBatch, run: checkBatch, explain: `With HOOK_CHAIN=yes dehydrated gives three operands for each challenge in one call. Go through them: while [ $# -ge 3 ]; do ...;
shift 3; done. A hook that cannot must end with a failure when there are more than three.`},
		{name: "umask", statement: "the web server can read its files, whatever the umask is", skip: skipUmask, run: checkUmask, explain: `dehydrated sets umask 077, and the web server is another user: it gets 403 for a file that the hook has made without a mode.
Write "umask 022" at the beginning, or chmod what is to be seen.`},
		{name: "background", statement: "it leaves no process behind that holds its output open", needs: starting, run: checkBackground, explain: `certbot and lego read the hook's output to its end, which comes when the last process has closed it: one in the background
keeps the client waiting. Start it as: command >/dev/null 2>&1 </dev/null &`},
		{name: "time", statement: "each call ends in time", needs: starting, run: checkTime, explain: `Some clients wait for ever, others kill the hook (lego after two minutes). Give every network call a limit, as curl
--max-time, and leave waiting for DNS to the client or to extauth-wait. --slow and --timeout say what is taken for too long.`},
	}
}

func checkStarts(b *bench) *finding {
	if b.fault == nil {
		return nil
	}
	reason := b.fault.Error()
	if e := new(runner.StartError); errors.As(b.fault, &e) {
		reason = e.Reason
	}
	return b.found("a program that the system can start", "%s", reason)
}

func checkTerminal(b *bench) *finding {
	b.made = []run{b.first}
	said := strings.ToLower(strings.Join(b.first.outcome.Stderr, "\n"))
	for _, word := range []string{"/dev/tty", "not a tty", "not a terminal", "no tty", "inappropriate ioctl"} {
		if b.first.err != nil && strings.Contains(said, word) {
			b.hopeless = "it needs a terminal"
			return b.found("a challenge is performed without a terminal", "%s", b.first.ended())
		}
	}
	return nil
}

func checkPerform(b *bench) *finding {
	b.made = []run{b.first}
	switch {
	case b.hung || b.hopeless == "it needs a terminal":
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
		if !b.handler.Speaks().OwnsVariable(name) {
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

func skipStdin(s *suite) string {
	if s.first.call.Stdin != nil || s.handler.Speaks().ReadsStdin {
		return "its client gives a part of the event on standard input"
	}
	return ""
}

// checkStdin has a shell write down what the hook left of its standard input.
func checkStdin(b *bench) *finding {
	rest := b.scratch.path("rest")
	b.stdin = []byte("this is the client's own input\n")
	b.wrapper = []string{"/bin/sh", "-c", `status=0; rest=$1; shift; "$@" || status=$?; cat >"$rest"; exit $status`, "sh", rest}
	b.perform(b.challenge("stdin"))
	text, err := os.ReadFile(rest)
	if b.err = errors.Join(b.err, err); string(text) == string(b.stdin) {
		return nil
	}
	return b.found("nothing is read", "%d of %d bytes were read", len(b.stdin)-len(text), len(b.stdin))
}

// checkBackground looks at all runs so far.
func checkBackground(b *bench) *finding {
	for _, r := range b.runs {
		if r.outcome.Held {
			b.made = []run{r}
			return b.found("its output is closed when it ends", "a process that it left behind held it open for 2 seconds more")
		}
	}
	return nil
}

// checkTime looks at all runs so far.
func checkTime(b *bench) *finding {
	for _, r := range b.runs {
		if r.timedOut() || r.outcome.Took > b.Slow {
			b.made = []run{r}
			return b.found("each call ends within "+b.Slow.String(), "%s, after %s", r.ended(), r.outcome.Took.Round(1e6))
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
	if c, err := s.handler.Speaks().Encode(e); err == nil && !mentions(c, e) {
		return "its client does not say which value is meant"
	}
	return ""
}

// mentions tells whether a call names the challenge's value or its token.
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
