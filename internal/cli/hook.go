package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
)

const hookUsage = `Usage: extauth-hook [OPTION]... auth|cleanup|deploy|pre|post [--] [HANDLER [ARG]...]

A hook for certbot: tells a handler that speaks another convention, or a chain
of handlers, what certbot tells its hooks.

  certbot certonly --manual --preferred-challenges dns -d example.org \
    --manual-auth-hook    'extauth-hook --to dehydrated auth -- /etc/hook.sh' \
    --manual-cleanup-hook 'extauth-hook --to dehydrated cleanup -- /etc/hook.sh'

` + optionsUsage

const optionsUsage = `Options:
  -t, --to CONVENTION    what HANDLER speaks: certbot, dehydrated, handler, json, ...;
                         json without a HANDLER writes the event on standard output,
                         text, which has none, tells a person at the terminal
  -c, --chain FILE       run this chain file; else $EXTAUTH_CHAIN, else
                         /etc/extauth/chain if it is there
  -e, --env-file FILE    dotenv file whose variables the handler gets (repeatable)
      --timeout DURATION limit for each call of a handler, as 90s or 5m
                         (a chain's default: 10m)
      --state-dir DIR    the journal; else $EXTAUTH_STATE_DIR, else /var/lib/extauth
                         for root, else $XDG_STATE_HOME/extauth
      --trace FILE       append each call to FILE, as a line of JSON without
                         credentials; else $EXTAUTH_TRACE
  -n, --dry-run          say what would be run; run nothing
  -v, --verbose          say on standard error what is run and how it went
      --help, --version  say so on standard output

Exit status: 0 done, 1 a handler failed and all was undone, 2 undoing it failed
too, 64 usage, 65 a value was refused, 69 the handler's convention cannot
express the event, 75 try later, 78 bad configuration; a single HANDLER's own.
`

// Hook is extauth-hook, certbot's front end.
func Hook(io IO) int {
	f := newFront(io, "extauth-hook", hookUsage, "certbot")
	return f.finish(f.work(f.hook))
}

func (f *front) hook() error {
	operand, words, err := f.operands()
	if errors.Is(err, errDone) {
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"auth", "cleanup", "deploy", "pre", "post"}, operand) {
		return &usageError{fmt.Sprintf("%q is none of auth, cleanup, deploy, pre or post", operand)}
	}
	call := envmap.Call{Args: []string{operand}, Env: f.env}
	if err := f.took(call); err != nil {
		return err
	}
	events, err := f.decode(call.Args)
	if err != nil {
		return err
	}
	return f.run(events, words)
}

// operands reads options, the operand, further options, and the HANDLER behind
// them or behind --.
func (f *front) operands() (operand string, words []string, err error) {
	return f.operandsOf(f.flags())
}

func (f *front) operandsOf(set *getopt.Set) (operand string, words []string, err error) {
	if err := f.parse(set, f.Args[1:]); err != nil {
		return "", nil, err
	}
	if len(set.Args()) == 0 {
		return "", nil, &usageError{"no operand"}
	}
	operand = set.Args()[0]
	if err := f.parse(set, set.Args()[1:]); err != nil {
		return "", nil, err
	}
	return operand, set.Args(), nil
}
