// Package pending is extauth-pending: it shows the challenges that were performed
// and never cleaned up, and cleans them up.
package pending

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/runner"
)

const usage = `Usage: extauth-pending [OPTION]... list
       extauth-pending [OPTION]... clean [--older-than DURATION] [ID]...

Lists challenges that were performed and never cleaned up, newest first, or cleans
them up with the handlers that performed them. It skips a challenge that another
process is working on.

  extauth-pending clean --older-than 1h

Options:
      --state-dir DIR    directory of the journal; else $EXTAUTH_STATE_DIR, else
                         /var/lib/extauth for root, else $XDG_STATE_HOME/extauth
      --json             list: print one JSON object per line
      --older-than DURATION
                         clean: only challenges that are older, such as 90m or 1h
      --timeout DURATION clean: time limit for each call of a handler (10m)
  -v, --verbose          show on standard error what runs and how it ends
      --help, --version  print this help, or the version

You can shorten an ID as long as it is unique. Exit status: 0 done, 1 a handler failed,
64 usage, 73 the journal cannot be read or written, 75 a challenge is busy.
`

// Pending is extauth-pending.
func Pending(io cli.IO) int {
	c := &command{program: cli.New(io, "extauth-pending", usage, "")}
	return c.program.Main(c.run)
}

// command is the running program.
type command struct {
	program   *cli.Program
	json      bool
	olderThan time.Duration
	journal   *runner.Runner // without handlers: records have their own
	worst     int            // worst status so far
}

func (c *command) run() (worst int, err error) {
	operand, words, err := c.parse()
	if err != nil {
		return 0, err
	}
	if c.journal, err = c.program.Runner(nil); err != nil {
		return 0, err
	}
	switch operand {
	case "list":
		if len(words) > 0 {
			return 0, cli.Usage("list takes no arguments (got %q)", words[0])
		}
		return 0, c.list()
	case "clean":
		err := c.clean(words)
		return c.worst, err
	}
	return 0, cli.Usage("unknown command %q (want list or clean)", operand)
}

func (c *command) parse() (operand string, words []string, err error) {
	set := c.program.NewFlags()
	c.program.Options.RegisterRunner(set)
	set.BoolVar(&c.json, "json", false, "")
	set.DurationVar(&c.olderThan, "older-than", 0, "")
	operand, err = c.program.ParseOperand(set)
	if err == nil && c.olderThan < 0 {
		err = cli.Usage("--older-than must not be less than 0")
	}
	return operand, set.Args(), err
}

// list writes a table, or a line of JSON for each.
func (c *command) list() error {
	all, err := c.journal.Leftovers()
	write := writeTable
	if c.json {
		write = writeLines
	}
	return errors.Join(c.program.Write(write(all)), err)
}

func writeTable(all []runner.Leftover) []byte {
	if len(all) == 0 {
		return nil
	}
	var b bytes.Buffer
	table := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTARTED\tTYPE\tDOMAIN\tHANDLERS")
	for _, l := range all {
		fmt.Fprintf(table, "%.12s\t%s\t%s\t%s\t%s\n", l.ID, l.Started.UTC().Format(time.RFC3339), l.Event.Type,
			cmp.Or(l.Event.Domain, l.Event.TXTDomain), strings.Join(programs(l), ", "))
	}
	table.Flush()
	return b.Bytes()
}

func writeLines(all []runner.Leftover) (lines []byte) {
	for _, l := range all {
		lines = append(lines, leftoverJSON(l)...)
	}
	return lines
}

func leftoverJSON(l runner.Leftover) []byte {
	line, _ := json.Marshal(struct {
		ID       string    `json:"id"`
		Started  time.Time `json:"started"`
		Type     string    `json:"type"`
		Domain   string    `json:"domain"`
		Handlers []string  `json:"handlers"`
	}{l.ID, l.Started, l.Event.Type, l.Event.Domain, programs(l)})
	return append(line, '\n')
}

// programs returns the handlers' conventions and programs.
func programs(l runner.Leftover) []string {
	names := []string{}
	for _, h := range l.Handlers {
		command := h.Command
		if len(command) == 0 {
			command = h.Commands["auth"]
		}
		names = append(names, commandline.Quote(append([]string{h.Convention}, command...)...))
	}
	return names
}

// clean cleans up the chosen records and reports each.
func (c *command) clean(ids []string) error {
	all, err := c.journal.Leftovers()
	if errors.As(err, new(*trust.UnsafeError)) && all == nil {
		return err
	}
	if err != nil {
		c.report(err.Error(), err)
	}
	chosen, err := choose(all, ids)
	if err != nil {
		return err
	}
	return c.program.Interruptible(func(ctx context.Context) error {
		for _, l := range chosen {
			if tooYoung(l, c.olderThan) {
				continue
			}
			if err := c.cleanOne(ctx, l); err != nil {
				return err
			}
		}
		return c.journal.ForgetOrders()
	})
}

// cleanOne reports a failure to clean up. Its error is one that ends the
// program.
func (c *command) cleanOne(ctx context.Context, l runner.Leftover) error {
	name := fmt.Sprintf("%.12s %s %s", l.ID, l.Event.Type, l.Event.Domain)
	if err := c.journal.CleanLeftover(ctx, l); err != nil {
		c.report(fmt.Sprintf("left %s: %v", name, err), err)
	} else if err := c.program.Write([]byte("cleaned " + name + "\n")); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (c *command) report(message string, err error) {
	c.program.Warn(message)
	c.worst = max(c.worst, cli.Status(err))
}

// tooYoung reports whether a record is younger than a limit. A record from the
// future is not.
func tooYoung(l runner.Leftover, limit time.Duration) bool {
	return limit > 0 && time.Since(l.Started) < limit
}

// choose returns the records with the IDs, or all without IDs.
func choose(all []runner.Leftover, ids []string) ([]runner.Leftover, error) {
	if len(ids) == 0 {
		return all, nil
	}
	var chosen []runner.Leftover
	for _, id := range ids {
		var found []runner.Leftover
		for _, l := range all {
			if id != "" && strings.HasPrefix(l.ID, id) {
				found = append(found, l)
			}
		}
		if len(found) != 1 {
			return nil, cli.Usage("%q matches %d records", id, len(found))
		}
		chosen = append(chosen, found[0])
	}
	return chosen, nil
}
