package runner

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// event are the fields of an event that are kept. Key material and members that
// nobody knows are not, nor the other challenges of its order.
func (n *notes) event(e *envmap.Event) {
	cmd := string(e.Cmd)
	n.text("cmd", &cmd)
	e.Cmd = envmap.Cmd(cmd)
	for _, field := range []struct {
		name  string
		place *string
	}{
		{"type", &e.Type}, {"domain", &e.Domain}, {"token", &e.Token}, {"validation", &e.Validation},
		{"txt_domain", &e.TXTDomain}, {"uri", &e.URI}, {"command", &e.Command}, {"z_domain", &e.ZDomain},
		{"key_auth", &e.KeyAuth}, {"port", &e.Port}, {"status", &e.Status}, {"validated", &e.Validated}, {"error", &e.Error},
		{"cert_path", &e.CertPath}, {"key_path", &e.KeyPath}, {"order", &e.Order}, {"client", &e.Client}, {"via", &e.Via},
	} {
		n.text(field.name, field.place)
	}
	n.yes("failed", &e.Failed)
	n.yes("undone", &e.Undone)
	n.yes("partial", &e.Partial)
	n.place("remaining", &e.Remaining)
	n.place("peer", &e.Peer)
	n.list("domains", &e.Domains)
	n.list("nulls", &e.Nulls)
	n.optional("auth_output", &e.AuthOutput)
	n.clientEnv(&e.ClientEnv)
}

// clientEnv are a client's variables, without passwords.
func (n *notes) clientEnv(place *map[string]string) {
	if n.line == nil {
		n.pairs("client_env", place)
		return
	}
	public := maps.Clone(*place)
	maps.DeleteFunc(public, func(name, _ string) bool { return envmap.IsSecret(name) })
	n.pairs("client_env", &public)
}

// handler are the fields of a handler.
func (n *notes) handler(h *Handler) {
	n.text("convention", &h.Convention)
	n.list("command", &h.Command)
	n.commands(&h.Commands)
	n.list("domain", &h.Domains)
	n.list("types", &h.Types)
	n.list("phase", &h.Phases)
	n.list("env", &h.EnvFiles)
	n.number("timeout", (*int64)(&h.Timeout))
	n.yes("optional", &h.Optional)
	n.yes("strict", &h.Strict)
	n.text("user", &h.User)
	n.pairs("settings", &h.Settings)
	n.pairs("alias", &h.Aliases)
	n.closer(&h.Closer)
	n.yes("batch", &h.Batch)
	n.text("verify", &h.Verify)
	n.yes("persist", &h.Persist)
	n.integer("limit", &h.Limit)
	n.integer("line", &h.Line)
}

// commands are a handler's commands for single events: each is a field.
func (n *notes) commands(place *map[string][]string) {
	const prefix = "command="
	for _, operand := range sortedKeys(*place) {
		words := (*place)[operand]
		n.list(prefix+operand, &words)
	}
	for name, words := range n.read {
		if operand, is := strings.CutPrefix(name, prefix); is {
			if *place == nil {
				*place = map[string][]string{}
			}
			(*place)[operand] = words
		}
	}
}

// closer is what other lines take: a glob, and types separated by commas.
func (n *notes) closer(place *[]closer) {
	var values []string
	for _, c := range *place {
		values = append(values, c.Domain, strings.Join(c.Types, ","))
	}
	n.list("closer", &values)
	if n.line != nil || len(values) == 0 {
		return
	}
	*place = nil
	for pair := range slices.Chunk(values, 2) {
		c := closer{Domain: pair[0]}
		if types := pair[len(pair)-1]; types != "" {
			c.Types = strings.Split(types, ",")
		}
		*place = append(*place, c)
	}
}

// appendRecord writes a record: its event, then a line for each step.
func appendRecord(r *record) []byte {
	text := write("event", func(n *notes) {
		started, e := r.Started.UnixNano(), r.Event
		n.number("started", &started)
		n.event(&e)
	})
	for _, s := range r.Steps {
		text = append(text, write("step", func(n *notes) { n.handler(&s.Handler); n.text("output", &s.Output) })...)
	}
	return text
}

func readRecord(text string) (*record, error) {
	r := &record{}
	for line := range strings.Lines(text) {
		kind, n, err := parse(strings.TrimSuffix(line, "\n"))
		switch {
		case err != nil:
			return nil, err
		case kind == "event":
			started := int64(0)
			n.number("started", &started)
			r.Started = time.Unix(0, started).UTC()
			n.event(&r.Event)
		case kind == "step":
			s := step{}
			n.handler(&s.Handler)
			n.text("output", &s.Output)
			r.Steps = append(r.Steps, s)
		default:
			return nil, errNotes
		}
		if n.fault != nil {
			return nil, n.fault
		}
	}
	return r, nil
}

func (n *notes) member(m *member) {
	n.yes("taken_off", &m.Undone)
	n.yes("awaited", &m.Awaited)
	n.event(&m.Event)
}

func readMember(line string, m *member) error {
	kind, n, err := parse(strings.TrimSuffix(line, "\n"))
	if err != nil || kind != "member" || !strings.HasSuffix(line, "\n") {
		return errNotes
	}
	n.member(m)
	return n.fault
}
