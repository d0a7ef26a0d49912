// Package httpreq is extauth-httpreq: a server and a client of the protocol of
// lego's httpreq provider (lego: providers/dns/httpreq).
package httpreq

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/fault"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const usage = `Usage: extauth-httpreq [OPTION]... serve [[--] HANDLER [ARG]...]
       extauth-httpreq [OPTION]... URL present|cleanup
       extauth-httpreq passwd NAME

serve runs handlers for ACME clients on other machines that speak lego's httpreq
protocol: lego, Traefik, acme.sh's dns_acmeproxy, Proxmox.

  extauth-httpreq --listen :8053 --tls-cert cert.pem --tls-key key.pem \
    --users /etc/extauth/httpreq.users serve

      --listen ADDRESS   HOST:PORT, unix:PATH, or systemd (one TCP socket that it
                         passes); without --tls-cert only a loopback address
      --tls-cert FILE, --tls-key FILE
                         certificate and key; read again when they change
      --users FILE       clients and what they may touch, one client per line;
                         read again when it changes:
                         NAME:HASH DOMAIN[,GLOB]...
                         HASH is a bcrypt hash, as from passwd or htpasswd -B;
                         *.example.org is every name below example.org
      --max-clients N    connections at the same time (256); others wait
      --jobs N           requests that run at the same time (64); others wait
      --grace DURATION   how long running requests may go on after SIGTERM before
                         they are undone (10s)
      --socket-mode MODE, --socket-group GROUP
                         permissions (0600) and group of unix:PATH

With a URL, it posts the JSON object on standard input to URL/present or
URL/cleanup, within --timeout (30s). A chain line starts it:

  httpreq env=/etc/extauth/dns.env https://dns.example.org:8053

It reads $HTTPREQ_USERNAME, $HTTPREQ_PASSWORD, and $HTTPREQ_CA (a file of
certificates to trust instead of the system's).

passwd reads a password on standard input and prints NAME:HASH.

` + cli.OptionsUsage

// HTTPReq is extauth-httpreq.
func HTTPReq(io cli.IO) int {
	c := newCommand(io)
	return c.program.Main(func() (int, error) { return 0, c.run() })
}

// command is the program with its own options.
type command struct {
	program *cli.Program
	flags   *flag.FlagSet
	server  options
	jobs    cli.JobCount
}

func newCommand(io cli.IO) *command {
	c := &command{program: cli.New(io, "extauth-httpreq", usage, "httpreq")}
	c.flags = c.program.NewFlags()
	c.program.Options.Register(c.flags)
	c.flags.Var(&c.jobs, "jobs", "")
	c.server.register(c.flags)
	c.server.log = c.program.Warn
	return c
}

func (c *command) run() error {
	operand, err := c.program.ParseOperand(c.flags)
	words := c.flags.Args()
	switch {
	case err != nil:
		return err
	case operand == "serve":
		return c.serve(words)
	}
	if err := c.checkOptions(operand); err != nil {
		return err
	}
	switch {
	case operand == "passwd":
		return c.passwd(words)
	case strings.Contains(operand, "://"):
		return c.post(operand, words)
	}
	return cli.Usage("unknown command %q (want serve, passwd or a URL)", operand)
}

// checkOptions refuses options that are only for serve.
func (c *command) checkOptions(operand string) error {
	if operand != "passwd" {
		operand = "a request" // a URL may have a password in it
	}
	for _, name := range cli.Given(c.flags) {
		if name != "timeout" && name != "v" && name != "verbose" {
			return cli.Usage("%s is not an option of %s", cli.Dashed(name), operand)
		}
	}
	return nil
}

// passwd writes the beginning of a line for --users.
func (c *command) passwd(words []string) error {
	if len(words) != 1 {
		return cli.Usage("passwd needs a NAME")
	}
	if strings.ContainsAny(words[0], ": \t#") || words[0] == "" || process.Printable(words[0]) != words[0] {
		return cli.Usage("NAME may have no colon, no blank and no #")
	}
	line, err := bufio.NewReader(io.LimitReader(c.program.Stdin, cli.MaxStdin)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	hash, err := hashPassword(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	return c.program.Write([]byte(words[0] + ":" + hash + "\n"))
}

// post is the client: a handler that a chain line starts.
func (c *command) post(url string, words []string) error {
	p := c.program
	if len(words) != 1 || !slices.Contains([]string{"present", "cleanup"}, words[0]) {
		return cli.Usage("a URL needs present or cleanup after it")
	}
	text, err := cli.ReadStdin(p.Stdin)
	if err != nil {
		return err
	}
	bodies, err := encodeBodies(words, text)
	if err != nil {
		return cli.Refused(err)
	}
	r := client{
		url: url, operation: words[0], timeout: p.Options.Timeout,
		username: p.Env["HTTPREQ_USERNAME"], password: p.Env["HTTPREQ_PASSWORD"], ca: p.Env["HTTPREQ_CA"],
	}
	return r.sendAll(context.Background(), bodies)
}

// encodeBodies returns one JSON object, or those of an order, one a line. All
// are checked before the first is sent.
func encodeBodies(args []string, text []byte) ([][]byte, error) {
	convention, _ := envmap.Lookup("httpreq")
	all := [][]byte{text}
	if _, err := convention.Decode(envmap.Call{Args: args, Stdin: text}); err == nil {
		return all, nil
	}
	if lines := bytes.Split(bytes.TrimSpace(text), []byte("\n")); len(lines) > 1 {
		all = lines
	}
	for _, body := range all {
		if _, err := convention.Decode(envmap.Call{Args: args, Stdin: body}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// serve is the server.
func (c *command) serve(words []string) error {
	p := c.program
	if err := c.server.check(); err != nil {
		return err
	}
	if p.Options.DryRun {
		return cli.Usage("serve excludes --dry-run")
	}
	t, err := p.Target(words)
	switch {
	case err != nil:
		return err
	case len(t.Chain) == 0:
		return cli.Usage("serve needs a HANDLER or a chain")
	}
	c.server.listen = cli.AbsoluteAddress(c.server.listen)
	c.server.socket.Passed = cli.PassedSockets(p.Env)
	return p.Supervise(t, func(ctx context.Context, r *runner.Runner) error {
		recorder, err := p.OpenTrace()
		if err != nil {
			return err
		}
		recorder.Hide(t.Chain)
		h := &handlers{target: t, runner: r, recorder: recorder, queue: cli.NewQueue(c.jobs)}
		return serve(ctx, &c.server, h.run)
	})
}

// handlers run the events of all clients.
type handlers struct {
	target   *cli.Target
	runner   *runner.Runner
	recorder *cli.Recorder
	queue    *cli.Queue
}

// run runs one event. Those of one TXT record run one after another, those of
// others at the same time. If the client has gone away by its end, a challenge is
// undone.
func (h *handlers) run(ctx context.Context, e envmap.Event) (err error) {
	defer fault.Recover(&err)
	_, leave, err := h.queue.Enter(ctx, e.TXTDomain)
	if err != nil {
		return err
	}
	defer leave()
	recording := h.recorder.BeginEvent(e)
	defer func() { recording.End(err) }()
	events := []envmap.Event{e}
	if err := h.target.Expressible("httpreq", events); err != nil {
		return err
	}
	r := *h.runner
	r.Deliver = func(context.Context, []byte) error { return context.Cause(ctx) }
	return r.Run(ctx, events)
}
