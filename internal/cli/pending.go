package cli

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

	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/runner"
)

const pendingUsage = `Usage: extauth-pending [OPTION]... list
       extauth-pending [OPTION]... clean [--older-than DURATION] [ID]...

Shows the challenges that were performed and never cleaned up, newest first, and
cleans them up with the handlers that performed them. A challenge that another
process is busy with is left alone.

  extauth-pending clean --older-than 1h

Options:
      --state-dir DIR    the journal; else $EXTAUTH_STATE_DIR, else /var/lib/extauth
                         for root, else $XDG_STATE_HOME/extauth
      --json             list: one JSON object a line
      --older-than DURATION
                         clean: only what was begun longer ago, as 90m or 1h
      --timeout DURATION clean: limit for each call of a handler (10m)
  -v, --verbose          say on standard error what is run and how it went
      --help, --version  say so on standard output

An ID may be cut as long as it is unique. Exit status: 0 done, 1 a handler failed,
64 usage, 73 the journal cannot be read or written, 75 a challenge is busy.
`

// Pending is extauth-pending.
func Pending(io IO) int {
	f := newFront(io, "extauth-pending", pendingUsage, "")
	worst := 0
	err := f.work(func() (err error) {
		worst, err = f.pending()
		return err
	})
	return max(f.finish(err), worst)
}

// pendingOptions are extauth-pending's own.
type pendingOptions struct {
	json      bool
	olderThan time.Duration
}

func (f *front) pending() (worst int, err error) {
	var own pendingOptions
	set := f.pendingFlags(&own)
	operand, words, err := f.operandsOf(set)
	if errors.Is(err, errDone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if own.olderThan < 0 {
		return 0, &usageError{"--older-than must not be less than 0"}
	}
	r, err := f.runner(&target{})
	if err != nil {
		return 0, err
	}
	switch operand {
	case "list":
		if len(words) > 0 {
			return 0, &usageError{fmt.Sprintf("list takes no operand, such as %q", words[0])}
		}
		return 0, f.list(r, own)
	case "clean":
		return f.clean(r, own, words)
	}
	return 0, &usageError{fmt.Sprintf("%q is no command; there are list and clean", operand)}
}

func (f *front) pendingFlags(own *pendingOptions) *getopt.Set {
	set := new(getopt.Set)
	set.String(&f.options.stateDir, "", "state-dir")
	set.Duration(&f.options.timeout, "", "timeout")
	set.Bool(&f.options.verbose, "v", "verbose")
	set.Bool(&f.options.version, "", "version")
	set.Bool(&own.json, "", "json")
	set.Duration(&own.olderThan, "", "older-than")
	return set
}

// list writes a table, or a line of JSON for each.
func (f *front) list(r *runner.Runner, own pendingOptions) error {
	all, err := r.Leftovers()
	var b bytes.Buffer
	table := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	if len(all) > 0 && !own.json {
		fmt.Fprintln(table, "ID\tSTARTED\tTYPE\tDOMAIN\tHANDLERS")
	}
	for _, l := range all {
		if own.json {
			b.Write(leftoverJSON(l))
			continue
		}
		fmt.Fprintf(table, "%.12s\t%s\t%s\t%s\t%s\n", l.ID, l.Started.UTC().Format(time.RFC3339), l.Event.Type, cmp.Or(l.Event.Domain, l.Event.TXTDomain), strings.Join(programs(l), ", "))
	}
	table.Flush()
	return errors.Join(f.write(b.Bytes()), err)
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

// programs are the handlers' conventions and programs.
func programs(l runner.Leftover) []string {
	names := []string{}
	for _, h := range l.Handlers {
		command := h.Command
		if len(command) == 0 {
			command = h.Commands["auth"]
		}
		names = append(names, runner.Quote(append([]string{h.Convention}, command...)))
	}
	return names
}

// clean cleans up what is asked for and reports each.
func (f *front) clean(r *runner.Runner, own pendingOptions, ids []string) (worst int, err error) {
	all, err := r.Leftovers()
	if is[*runner.UnsafeError](err) && all == nil {
		return 0, err
	}
	if err != nil {
		f.warn(err.Error())
		worst = status(err)
	}
	chosen, err := choose(all, ids)
	if err != nil {
		return worst, err
	}
	runner.Unblock(f.Args, f.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	for _, l := range chosen {
		if tooYoung(l, own.olderThan) {
			continue
		}
		if err := r.CleanLeftover(ctx, l); err != nil {
			f.warn(fmt.Sprintf("left %.12s %s %s: %v", l.ID, l.Event.Type, l.Event.Domain, err))
			worst = max(worst, status(err))
		} else if err := f.write(fmt.Appendf(nil, "cleaned %.12s %s %s\n", l.ID, l.Event.Type, l.Event.Domain)); err != nil {
			return worst, err
		}
		if ctx.Err() != nil {
			return worst, context.Cause(ctx)
		}
	}
	return worst, r.ForgetOrders()
}

// tooYoung: a record from the future has no age that could be trusted.
func tooYoung(l runner.Leftover, limit time.Duration) bool {
	return limit > 0 && time.Since(l.Started) < limit
}

// choose finds the records that the IDs mean; none means all.
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
			return nil, &usageError{fmt.Sprintf("%q means %d of the records", id, len(found))}
		}
		chosen = append(chosen, found[0])
	}
	return chosen, nil
}
