//go:build unix

package completions_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// completions is a line and its completions in every shell, sorted.
type completions struct {
	line string
	want []string
}

// TestOptions: each shell completes exactly the options of a program's page.
func TestOptions(t *testing.T) {
	var all []completions
	for _, program := range programs(t) {
		all = append(all, completions{program + " -", optionsOf(t, program)})
	}
	requireCompleted(t, newDirectory(t), all)
}

// optionsOf returns the options in a program's page. Another test compares them
// with --help.
func optionsOf(t *testing.T, program string) []string {
	all := []string{}
	for _, head := range regexp.MustCompile(`(?m)^\.It Fl .*`).FindAllString(page(t, program), -1) {
		for _, match := range regexp.MustCompile(`Fl (-?[a-z-]+)`).FindAllStringSubmatch(head, -1) {
			all = append(all, "-"+match[1])
		}
	}
	require.NotEmpty(t, all)
	slices.Sort(all)
	return all
}

func page(t *testing.T, program string) string {
	text, err := os.ReadFile("../man/" + program + ".1")
	require.NoError(t, err)
	return string(text)
}

// TestFirstOperands: the first operands of a program are completed, also after
// each option and its value.
func TestFirstOperands(t *testing.T) {
	var all []completions
	for _, program := range programs(t) {
		want, begun := firstOperands(t, program), begun(program)
		requireKnown(t, program, want)
		all = append(all, completions{program + " " + begun, want})
		for _, option := range optionsOf(t, program) {
			switch {
			case option == "--help" || option == "--version": // nothing may follow
			case hasValue(t, program, option):
				all = append(all, completions{program + " " + option + " 1 " + begun, want})
			default:
				all = append(all, completions{program + " " + option + " " + begun, want})
			}
		}
	}
	requireCompleted(t, newDirectory(t), all)
}

// begun returns what is typed of the first operand: something if any command is
// possible.
func begun(program string) string {
	if program == "extauth-check" {
		return "./r"
	}
	return ""
}

func hasValue(t *testing.T, program, option string) bool {
	name := regexp.QuoteMeta(strings.TrimPrefix(option, "-"))
	head := regexp.MustCompile(`(?m)^\.It (?:Fl .*)?Fl ` + name + `(?: .*)?$`).FindString(page(t, program))
	require.NotEmpty(t, head, option)
	return strings.Contains(head, " Ar ")
}

// firstOperands returns the words of the synopsis, or a client's words for
// events, or a command.
func firstOperands(t *testing.T, program string) []string {
	words := map[string]string{
		"extauth":          names(t) + " help",
		"extauth-acmetool": "challenge-dns-start challenge-dns-stop challenge-http-start challenge-http-stop live-updated",
		"extauth-check":    "run",
		"extauth-dehydrated": "clean_challenge deploy_cert deploy_challenge deploy_ocsp exit_hook generate_csr invalid_challenge " +
			"request_failure startup_hook sync_cert unchanged_cert",
		"extauth-httpreq": "passwd serve",
		"extauth-mod-md":  "errored expiring installed ocsp-errored ocsp-renewed renewed renewing setup teardown",
	}
	if text, own := words[program]; own {
		return strings.Fields(text)
	}
	all := synopsisWords(t, program)
	require.NotEmpty(t, all, program)
	return all
}

// names are what extauth calls the programs.
func names(t *testing.T) string {
	var all []string
	for _, program := range programs(t) {
		if name, found := strings.CutPrefix(program, "extauth-"); found {
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

func synopsisWords(t *testing.T, program string) []string {
	_, text, _ := strings.Cut(page(t, program), ".Sh SYNOPSIS\n")
	text, _, _ = strings.Cut(text, ".Sh ")
	all := []string{}
	for _, line := range regexp.MustCompile(`(?m)^\.Cm .*`).FindAllString(text, -1) {
		all = append(all, regexp.MustCompile(`\b[a-z]+\b`).FindAllString(strings.TrimPrefix(line, ".Cm"), -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// requireKnown fails if a client's convention does not know a word.
func requireKnown(t *testing.T, program string, words []string) {
	name := strings.ReplaceAll(strings.TrimPrefix(program, "extauth-"), "-", "_")
	c, known := envmap.Lookup(name)
	if !known || name == "json" || name == "httpreq" {
		return
	}
	const nonsense = "nonsense"
	_, unknown := c.Decode(envmap.Call{Args: []string{nonsense}})
	require.ErrorContains(t, unknown, nonsense)
	for _, word := range words {
		if _, err := c.Decode(envmap.Call{Args: []string{word}}); err != nil {
			require.NotEqual(t, strings.ReplaceAll(unknown.Error(), nonsense, word), err.Error(), program)
		}
	}
}

// TestLines: values, further operands, and lines without completions.
func TestLines(t *testing.T) {
	w := newDirectory(t)
	var conventions, clients, scripts []string
	for _, c := range envmap.Conventions() {
		if c.To.Encode != nil {
			conventions = append(conventions, c.Name)
		}
		if c.To.Encode != nil && !c.To.Person && c.To.Program == "" {
			scripts = append(scripts, c.Name)
		}
		if c.From.Decode != nil {
			clients = append(clients, c.Name)
		}
	}
	files := []string{"a.chain", "b.env", "run", "sub"}
	forExec := []string{"--client", "--help", "--state-dir", "--timeout", "--trace", "--verbose", "--version"}
	forRun := []string{
		"--ack", "--chain", "--dry-run", "--env-file", "--help", "--jobs", "--listen", "--socket-group", "--socket-mode", "--state-dir",
		"--timeout", "--to", "--trace", "--verbose", "--version",
	}
	forReplay := []string{
		"--chain", "--dry-run", "--env-file", "--from", "--help", "--state-dir", "--timeout", "--to", "--verbose", "--version",
	}
	requireCompleted(t, w, []completions{
		{"extauth help ", strings.Fields(names(t) + " chain env")},
		{"extauth help hook ", nil},
		{"extauth hook --to ", conventions},
		{"extauth hook --to=ce", []string{"certbot"}},
		{"extauth hook auth ./r", []string{"run"}},
		{"extauth json run --", forRun},
		{"extauth pending clean --older-than 1h ", w.records},
		{"extauth-hook --to ", conventions},
		{"extauth-hook -t ce", []string{"certbot"}},
		{"extauth-hook --to=ce", []string{"certbot"}},
		{"extauth-hook -c ", files},
		{"extauth-hook --chain=a", []string{"a.chain"}},
		{"extauth-hook -e b", []string{"b.env"}},
		{"extauth-hook --state-dir ", []string{"sub"}},
		{"extauth-hook --timeout ", nil},
		{"extauth-hook --trace a", []string{"a.chain"}},
		{"extauth-uacme --trace=./", []string{"a.chain", "b.env", "run", "sub"}},
		{"extauth-hook --to json auth --ex", []string{"--exec"}},
		{"extauth-lego --ex", []string{"--exec"}},
		{"extauth-httpreq --ex", nil},
		{"extauth-hook --to json auth --ti", []string{"--timeout"}},
		{"extauth-hook auth ./r", []string{"run"}},
		{"extauth-hook auth -- ./", []string{"run", "sub"}},
		{"extauth-hook auth ./run a", []string{"a.chain"}},
		{"extauth-hook auth ./run --t", nil},
		{"extauth-check --as ", scripts},
		{"extauth-check --as=ce", []string{"certbot"}},
		{"extauth-check -e b", []string{"b.env"}},
		{"extauth-check --path ", []string{"sub"}},
		{"extauth-check --type ", []string{"dns-01", "http-01"}},
		{"extauth-check --zone ", []string{"auto", "no", "yes"}},
		{"extauth-check --domain ", nil},
		{"extauth-check --as lego ./r", []string{"run"}},
		{"extauth-check --as lego ./run a", []string{"a.chain"}},
		{"extauth-check --as lego ./run --e", nil},
		{"extauth-check --as lego mode=raw ./r", []string{"run"}},
		{"extauth-check --as certbot auth=./r", []string{"run"}},
		{"extauth-check --as certbot auth=./run cleanup=./r", []string{"run"}},
		{"extauth-dehydrated --handler ./r", []string{"run"}},
		{"extauth-dehydrated deploy_challenge -", nil},
		{"extauth-uacme begin ", []string{"dns-01", "http-01", "tls-alpn-01"}},
		{"extauth-json --client ", []string{"certbot", "dehydrated", "none"}},
		{"extauth-json --listen ", []string{"fifo:", "unix:"}},
		{"extauth-json --listen unix:s", []string{"sub"}},
		{"extauth-json --socket-mode 06", []string{"0600", "0660", "0666"}},
		{"extauth-json exec --", forExec},
		{"extauth-json run --c", []string{"--chain"}},
		{"extauth-json run --", forRun},
		{"extauth-json --from ", clients},
		{"extauth-json replay --from=ce", []string{"certbot"}},
		{"extauth-json replay --", forReplay},
		{"extauth-json replay ", files},
		{"extauth-json --dry-run replay a", []string{"a.chain"}},
		{"extauth-json replay a.chain --", forReplay},
		{"extauth-json replay a.chain --from lego ./r", []string{"run"}},
		{"extauth-json replay --from lego a.chain -- ./", []string{"run", "sub"}},
		{"extauth-json replay a.chain ./run a", []string{"a.chain"}},
		{"extauth-json replay a.chain ./run --t", nil},
		{"extauth-httpreq serve --tr", []string{"--trace"}},
		{"extauth-httpreq --listen ", []string{"systemd", "unix:"}},
		{"extauth-httpreq --tls-key b", []string{"b.env"}},
		{"extauth-httpreq https://dns.example.org:8053 ", []string{"cleanup", "present"}},
		{"extauth-httpreq https://dns.example.org:8053 --", []string{"--help", "--timeout", "--verbose", "--version"}},
		{"extauth-httpreq passwd ", nil},
		{"extauth-wait dns ", nil},
		{"extauth-wait dns _acme-challenge.example.org ", nil},
		{"extauth-wait --quorum 2 dns _acme-challenge.example.org value ", []string{"dns", "http"}},
		{"extauth-wait dns _acme-challenge.example.org value --no", []string{"--no-cname"}},
		{"extauth-pending clean ", w.records},
		{"extauth-pending clean --older-than 1h ", w.records},
		{"extauth-pending --state-dir /nonexistent clean ", nil},
		{"extauth-pending list ", nil},
	})
}

// TestCommands: a command after ours is completed as it is by itself. bash can
// do that only with bash-completion.
func TestCommands(t *testing.T) {
	w := newDirectory(t)
	lines := []string{
		"extauth-json exec -- extauth-pend", "extauth-json exec -- extauth-pending ", "extauth-hook auth extauth-wait --no",
		"extauth-json replay a.chain extauth-pending ", "extauth-check --as lego mode=raw extauth-pending ",
	}
	want := [][]string{{"extauth-pending"}, {"clean", "list"}, {"--no-cname"}, {"clean", "list"}, {"clean", "list"}}
	for _, shell := range []string{"bash-completion", "fish", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			require.Equal(t, want, w.complete(t, shell, lines))
		})
	}
}

func requireCompleted(t *testing.T, w directory, all []completions) {
	var lines []string
	for _, c := range all {
		lines = append(lines, c.line)
	}
	for _, shell := range shells() {
		t.Run(shell, func(t *testing.T) {
			for i, got := range w.complete(t, shell, lines) {
				require.ElementsMatch(t, all[i].want, got, all[i].line)
			}
			require.Equal(t, w.records, w.left(t), "it changed the journal")
		})
	}
}
