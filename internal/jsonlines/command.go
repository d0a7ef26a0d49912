// Package jsonlines is extauth-json, the front end for pipelines: events come in, or
// go out, as JSON objects, one a line.
package jsonlines

import (
	"flag"
	"slices"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
)

const usage = `Usage: extauth-json [OPTION]... run [--] [HANDLER [ARG]...]
       extauth-json [OPTION]... exec [--] CLIENT [ARG]...
       extauth-json [OPTION]... replay FILE [--] [HANDLER [ARG]...]

run reads events on standard input, one JSON object per line as
certbot-external-auth wrote them, runs handlers for each, and prints a line with
the result. With --to json and no HANDLER it checks every line and prints it in
canonical form.

  extauth-dehydrated --to json "$@" | extauth-json --to certbot run -- /etc/le/hook.sh

exec starts an ACME client and prints what the client asks of its hooks, as the
plugin did. After each perform_challenge it waits for a line on standard input.
The client's own output goes to standard error.

  extauth-json exec -- certbot certonly --preferred-challenges dns -d example.org

replay runs the calls in a file that --trace wrote again, as run does, and reports
those that end differently. It uses its own journal, unless --state-dir names one.
exec passes --trace on to the hooks of the client.

  extauth-json --dry-run -c /etc/extauth/chain replay calls.jsonl

      --ack              run: answer each perform_challenge with an empty line, as
                         the plugin's callers did; stop at the first failure
      --jobs N           run: run up to N events of different orders at the same
                         time (1, with --listen 64)
      --listen ADDRESS   run: serve many clients at unix:PATH (a socket, or the one
                         that systemd passes) or fifo:DIRECTORY (named pipes)
      --socket-mode MODE permissions of the socket or pipe (0600)
      --socket-group GROUP
                         its group
      --client CLIENT    exec: add the hook options of certbot, dehydrated or none
                         (default: by the client's file name)
      --from CONVENTION  replay: convention of lines that do not name theirs

` + cli.OptionsUsage

// JSON is extauth-json.
func JSON(io cli.IO) int {
	c := newCommand(io)
	return c.program.Main(c.start)
}

// command is the program with its own options.
type command struct {
	program *cli.Program
	flags   *flag.FlagSet
	ack     bool
	jobs    cli.JobCount
	listen  string
	socket  endpoint.Options
	client  string
	from    string // convention of trace lines that do not name one
}

func newCommand(io cli.IO) *command {
	c := &command{program: cli.New(io, "extauth-json", usage, "json")}
	c.flags = c.program.NewFlags()
	c.program.Options.Register(c.flags)
	c.flags.BoolVar(&c.ack, "ack", false, "")
	c.flags.Var(&c.jobs, "jobs", "")
	c.flags.StringVar(&c.listen, "listen", "", "")
	c.flags.StringVar(&c.client, "client", "", "")
	c.flags.StringVar(&c.from, "from", "", "")
	cli.RegisterSocket(c.flags, &c.socket.Mode, &c.socket.Group)
	return c
}

// start returns the worst status of a line, or the client's; its error is about
// the whole run.
func (c *command) start() (worst int, err error) {
	operand, err := c.program.ParseOperand(c.flags)
	if err == nil {
		err = c.check(operand)
	}
	if err != nil {
		return 0, err
	}
	switch words := c.flags.Args(); operand {
	case "exec":
		return c.exec(words)
	case "replay":
		return c.replay(words)
	default:
		return c.run(words)
	}
}

// foreignOptions returns the options that a command does not have.
func foreignOptions(operand string) (options []string, known bool) {
	switch operand {
	case "run":
		return []string{"client", "from"}, true
	case "exec":
		return []string{"ack", "jobs", "listen", "socket-mode", "socket-group", "t", "to", "c", "chain", "e", "env-file", "n", "dry-run", "from"}, true
	case "replay":
		return []string{"ack", "jobs", "listen", "socket-mode", "socket-group", "client", "trace"}, true
	}
	return nil, false
}

// check refuses options that are not the command's, or that exclude each other.
func (c *command) check(operand string) error {
	others, known := foreignOptions(operand)
	if !known {
		return cli.Usage("unknown command %q (want run, exec or replay)", operand)
	}
	given := cli.Given(c.flags)
	for _, name := range given {
		if slices.Contains(others, name) {
			return cli.Usage("%s is not an option of %s", cli.Dashed(name), operand)
		}
	}
	listens := slices.Contains(given, "listen")
	switch {
	case listens && (c.ack || c.program.Options.DryRun):
		return cli.Usage("--listen excludes --ack and --dry-run")
	case c.ack && c.jobs > 1:
		return cli.Usage("--ack excludes --jobs: its answers do not say what they are for")
	case !listens && (slices.Contains(given, "socket-mode") || slices.Contains(given, "socket-group")):
		return cli.Usage("--socket-mode and --socket-group are for --listen")
	}
	return nil
}
