package hook

import (
	"slices"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
)

const hookUsage = `Usage: extauth-hook [OPTION]... auth|cleanup|deploy|pre|post [--] [HANDLER [ARG]...]

A hook for certbot that runs a handler of another convention, or a chain of
handlers.

  certbot certonly --manual --preferred-challenges dns -d example.org \
    --manual-auth-hook    'extauth-hook --to dehydrated auth -- /etc/hook.sh' \
    --manual-cleanup-hook 'extauth-hook --to dehydrated cleanup -- /etc/hook.sh'

` + cli.ClientUsage

// Hook is extauth-hook, certbot's front end.
func Hook(io cli.IO) int {
	p := cli.New(io, "extauth-hook", hookUsage, "certbot")
	return p.Main(func() (int, error) { return 0, runHook(p) })
}

func runHook(p *cli.Program) error {
	set := p.NewFlags()
	p.Options.Register(set)
	p.Options.RegisterExec(set)
	operand, err := p.ParseOperand(set)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"auth", "cleanup", "deploy", "pre", "post"}, operand) {
		return cli.Usage("unknown command %q (want auth, cleanup, deploy, pre or post)", operand)
	}
	received := envmap.Call{Args: []string{operand}, Env: p.Env}
	return serve(p, received, set.Args(), func(c *call) error {
		events, err := c.convention.Decode(received)
		if err != nil {
			return err
		}
		return c.run(events)
	})
}
