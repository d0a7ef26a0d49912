package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
)

const (
	domain     = "www.example.org"
	token      = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	thumbprint = "gfj9Xq7LkYtXwlHnYRvTQ3bnL0f0dF6hGJ5CkRg85nM"

	empty = "empty Go program" // which the start of other programs is compared with
)

// blockMaker makes a block: a quick one for the check, or that of the whole
// benchmark.
type blockMaker struct {
	name   string
	hasBar bool // the block has bars
	make   func(p workspace, quick bool) (block, error)
}

func blockMakers() []blockMaker {
	return []blockMaker{
		{"count", false, workspace.count}, {"start", true, workspace.start}, {"chain", true, workspace.chain},
		{"stream", true, workspace.stream}, {"httpreq", false, workspace.httpreq},
	}
}

// byMode returns one of two numbers: that of the check, or that of the whole
// benchmark.
func byMode(quick bool, check, whole int) int {
	if quick {
		return check
	}
	return whole
}

// calls are the variables of certbot's auth hook and of its deploy hook.
func calls() []string {
	return []string{
		"CERTBOT_DOMAIN=" + domain, "CERTBOT_TOKEN=" + token, "CERTBOT_VALIDATION=" + token + "." + thumbprint,
		"CERTBOT_ALL_DOMAINS=" + domain, "CERTBOT_REMAINING_CHALLENGES=0",
		"RENEWED_LINEAGE=/etc/letsencrypt/live/" + domain, "RENEWED_DOMAINS=" + domain,
	}
}

func (p workspace) floor() row { return row{label: empty, args: []string{p.peer("empty.program")}} }

// execRow is extauth-hook --exec, whose process becomes the handler.
func (p workspace) execRow() row {
	args := []string{p.ours("extauth-hook")}
	if exec.Command(args[0], "--exec", "--version").Run() == nil {
		args = append(args, "--exec")
	}
	return row{label: "extauth-hook", args: append(args, "--to", "dehydrated", "auth", "--", p.peer("nostd")), env: calls()}
}

// start measures extauth-hook --exec beside an adapter in bash.
func (p workspace) start(quick bool) (block, error) {
	const hook, adapter = "extauth-hook", "bash adapter"
	b := block{rounds: byMode(quick, 200, 500), unit: "us"}
	b.rows = []row{p.floor(), p.execRow(), {label: adapter, args: []string{p.peer("adapter.bash"), p.peer("nostd")}, env: calls()}}
	b.lines = []line{
		{name: empty, row: empty},
		{name: adapter, row: adapter, ratio: over(adapter, empty)},
		{name: "`--exec` / empty Go program", row: hook, ratio: over(hook, empty), bar: 2},
		{name: "`--exec` / bash adapter", row: hook, ratio: over(hook, adapter), bar: 1},
	}
	return b, nil
}

// chain measures extauth-hook as it supervises handlers, with a journal for
// challenges.
func (p workspace) chain(quick bool) (block, error) {
	b := block{rounds: byMode(quick, 150, 300), unit: "us", rows: []row{p.floor()}}
	file, err := p.write("chain", "dehydrated "+p.peer("nostd")+"\n")
	for _, r := range p.supervised(file) {
		b.rows = append(b.rows, r)
		b.lines = append(b.lines, line{name: "supervised " + r.label + " / empty Go program", row: r.label, ratio: over(r.label, empty), bar: 3})
	}
	if quick || err != nil {
		return b, err
	}
	return p.withHandlers(b)
}

// supervised returns rows of calls with a chain file.
func (p workspace) supervised(file string) []row {
	call := func(operand string) []string { return []string{p.ours("extauth-hook"), "-c", file, operand} }
	env := append(calls(), "EXTAUTH_STATE_DIR="+p.memory)
	return []row{
		{label: "perform", args: call("auth"), env: env, after: call("cleanup")},
		{label: "cleanup", args: call("cleanup"), env: env, before: call("auth")},
		{label: "deploy", args: call("deploy"), env: env},
	}
}

// withHandlers adds what each further handler of a chain takes, beside the
// handler by itself.
func (p workspace) withHandlers(b block) (block, error) {
	handler := p.peer("true.dash")
	b.rows = append(b.rows, row{label: "handler", args: []string{handler}})
	for label, n := range map[string]int{"one": 1, "five": 5} {
		file, err := p.write(label, strings.Repeat("dehydrated "+handler+"\n", n))
		if err != nil {
			return b, err
		}
		r := p.supervised(file)[0]
		r.label = label
		b.rows = append(b.rows, r)
	}
	further := func(value at) float64 { return (value("five") - value("one")) / 4 / value("handler") }
	b.lines = append(b.lines, line{name: "each further handler / the handler itself", row: "five", ratio: further})
	return b, nil
}

// stream measures extauth-json as it checks lines and writes them again.
func (p workspace) stream(quick bool) (block, error) {
	n := byMode(quick, 50_000, 100_000)
	b := block{rounds: byMode(quick, 3, 7), unit: "us/event"}
	file, err := p.write("events.jsonl", events(n))
	if err != nil {
		return b, err
	}
	ours := []string{p.ours("extauth-json"), "--to", "json", "run"}
	b.rows = []row{
		{label: "extauth-json", args: ours, in: file, events: n},
		{label: "jq", args: []string{"/usr/bin/jq", "-c", "."}, in: file, events: n},
	}
	b.lines = []line{
		{name: "jq -c .", row: "jq"},
		{name: "`jq -c .` / `extauth-json`", row: "extauth-json", ratio: over("jq", "extauth-json"), bar: 10, atLeast: true},
	}
	return b, canonical(ours, file)
}

// events returns challenges in the form that extauth-json writes, the same ones
// every time.
func events(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random, word := rand.New(rand.NewSource(7)), make([]byte, 43)
	var all strings.Builder
	for i := range n {
		for j := range word {
			word[j] = letters[random.Intn(len(letters))]
		}
		name := fmt.Sprintf("host%07d.dept%02d.example.org", i, i%97)
		auth := string(word) + "." + thumbprint
		fmt.Fprintf(&all, `{"cmd": "perform_challenge", "type": "http-01", "domain": %q, "token": %q, "validation": %q, `+
			`"uri": "http://%s/.well-known/acme-challenge/%s", "key_auth": %q}`+"\n", name, word, auth, name, word, auth)
	}
	return all.String()
}

// canonical checks that a program's output is the same as its input.
func canonical(command []string, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	program := exec.Command(command[0], command[1:]...)
	program.Stdin = bytes.NewReader(text)
	written, err := program.Output()
	if err == nil && !bytes.Equal(text, written) {
		err = errors.New("does not write its input again")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
