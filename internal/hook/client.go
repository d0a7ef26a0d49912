package hook

import (
	"fmt"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const clientUsage = `Usage: %[1]s [OPTION]... %[2]s

A hook for clients that speak the convention %[3]s: %[4]s.
Handlers come from a chain file, which can itself be the hook:

  #!/usr/bin/%[1]s -c
  handler /usr/libexec/extauth/nsupdate

      --handler COMMAND  run one handler, with its arguments, instead of a chain
                         (with --to; also $EXTAUTH_TO and $EXTAUTH_HANDLER)

%[5]s`

// Acmesh is extauth-acmesh, which hooks/acmesh call for acme.sh.
func Acmesh(io cli.IO) int { return client(io, "acmesh") }

// Acmetool is extauth-acmetool, acmetool's front end.
func Acmetool(io cli.IO) int { return client(io, "acmetool") }

// Getssl is extauth-getssl, getssl's front end.
func Getssl(io cli.IO) int { return client(io, "getssl") }

// Lego is extauth-lego, the front end of lego's DNS provider exec and its hooks.
func Lego(io cli.IO) int { return client(io, "lego") }

// ModMD is extauth-mod-md, the front end of Apache's mod_md.
func ModMD(io cli.IO) int { return client(io, "mod_md") }

// Uacme is extauth-uacme, uacme's front end.
func Uacme(io cli.IO) int { return client(io, "uacme") }

// client is the front end for a client whose hook gets an event by operands,
// variables and standard input only, as its convention has them.
func client(io cli.IO, convention string) int {
	c, _ := envmap.Lookup(convention)
	name := "extauth-" + strings.ReplaceAll(convention, "_", "-")
	usage := fmt.Sprintf(clientUsage, name, c.From.Synopsis, c.Name, c.Doc, cli.ClientUsage)
	p := cli.New(io, name, usage, convention)
	return p.Main(func() (int, error) {
		err := runClient(p, c)
		if Declined(c, err) {
			p.Tracef("%v", err)
			return c.From.Declines, nil
		}
		return 0, err
	})
}

// Declined reports whether an error means that an event is not for our
// handlers, for which the client has a status of its own.
func Declined(c *envmap.Convention, err error) bool {
	return c.From.Declines != 0 && (is[*envmap.OperationError](err) || is[*runner.NoHandlerError](err) || is[*envmap.UnsupportedError](err))
}

// runClient parses its own options up to the first operand; the rest is the
// client's call.
func runClient(p *cli.Program, c *envmap.Convention) error {
	args, words, err := parseOwn(p)
	if err != nil {
		return err
	}
	received := envmap.Call{Args: args, Env: p.Env}
	if c.From.ReadsStdin {
		if received.Stdin, err = cli.ReadStdin(p.Stdin); err != nil {
			return err
		}
	}
	return serve(p, received, words, func(own *call) error {
		events, err := c.Decode(received)
		if err != nil || len(events) == 0 { // not for any handler
			return err
		}
		return own.run(events)
	})
}

// parseOwn parses options up to the first operand. words are those of
// --handler.
func parseOwn(p *cli.Program) (args, words []string, err error) {
	set := p.NewFlags()
	p.Options.Register(set)
	p.Options.RegisterExec(set)
	set.StringVar(&p.Options.Handler, "handler", "", "")
	if err := p.Parse(set, p.Args[1:]); err != nil {
		return nil, nil, err
	}
	words, err = p.Options.HandlerWords()
	return set.Args(), words, err
}
