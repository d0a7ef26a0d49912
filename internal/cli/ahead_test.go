package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stayer is a chain of one program that stays. It says in "seen" what it begins,
// and in "early" when it has more to do before it has answered.
type stayer struct {
	t      *testing.T
	dir    string
	status int
	said   string
}

// newStayer writes a program that runs a script of Perl for each event: the $n-th
// of this process, of $cmd and $domain. It reads as much as it can at once.
func newStayer(t *testing.T, options, script string) *stayer {
	s := &stayer{t: t, dir: t.TempDir()}
	program := `#!/usr/bin/perl
use strict; use warnings;
$| = 1;
my ($buffer, $n) = ('', 0);
sub note { my ($file, $text) = @_; open my $f, '>>', "$ENV{HERE}/$file" or die; print $f "$text\n"; close $f }
sub more { sysread STDIN, $buffer, 65536, length $buffer }
sub early { my $r = ''; vec($r, 0, 1) = 1; length $buffer or select($r, undef, undef, 0) > 0 && more() }
sub answer { print qq({"cmd":"result","for":"$_[0]","domain":"$_[1]","ok":true,"output":"$_[1]"}\n) }
note('started', $$);
while (1) {
	until ($buffer =~ /\n/) { more() or exit }
	$buffer =~ s/^(.*)\n//; my $line = $1; $n++;
	my ($cmd, $domain) = $line =~ /"cmd": "([^"]*)".*"domain": "([^"]*)"/;
	note('seen', "$cmd $domain");
	` + script + `
}
`
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "program"), []byte(program), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "chain"), []byte("json persist=yes "+options+" ./program\n"), 0o644))
	return s
}

// run gives lines to extauth-json, and returns its results, parsed.
func (s *stayer) run(lines ...string) (results []answerLine) {
	cmd := exec.Command("unwatched-json", "-c", filepath.Join(s.dir, "chain"), "run")
	cmd.Env = append(os.Environ(), "HERE="+s.dir, "EXTAUTH_STATE_DIR="+filepath.Join(s.dir, "state"))
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var said bytes.Buffer
	cmd.Stderr = &said
	printed, _ := cmd.Output()
	s.status, s.said = cmd.ProcessState.ExitCode(), said.String()
	for line := range bytes.Lines(printed) {
		var r answerLine
		require.NoError(s.t, json.Unmarshal(line, &r))
		results = append(results, r)
	}
	return results
}

type answerLine struct {
	For, Domain, Output, Error string
	OK                         bool
}

// lines are those of one of the program's files.
func (s *stayer) lines(name string) []string {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if !os.IsNotExist(err) {
		require.NoError(s.t, err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// renewals are events of as many orders, and what the program sees of them.
func renewals(from, to int) (lines, seen []string) {
	for i := from; i < to; i++ {
		domain := fmt.Sprintf("%d.test", i)
		lines = append(lines, `{"cmd": "deploy_cert", "domain": "`+domain+`", "cert_path": "/c", "key_path": "/k", "timestamp": 1, "cert_timestamp": 1}`)
		seen = append(seen, "deploy_cert "+domain)
	}
	return lines, seen
}

// failures are the results that are not ok, by their number.
func failures(results []answerLine) map[int]string {
	failed := map[int]string{}
	for i, r := range results {
		if !r.OK {
			failed[i] = r.Error
		}
	}
	return failed
}

// requireInOrder holds where every event has its own result, in the order of
// the lines.
func requireInOrder(t *testing.T, results []answerLine, seen []string) {
	require.Len(t, results, len(seen))
	for i, r := range results {
		require.Equal(t, seen[i], r.For+" "+r.Domain)
		if r.OK {
			require.Equal(t, r.Domain, r.Output)
		}
	}
}

// TestAhead: a program that has answered a hundred events is given the next
// sixteen at once.
func TestAhead(t *testing.T) {
	s := newStayer(t, "", `$n < 116 && early() and note('early', $n);
answer($cmd, $domain)`)
	lines, seen := renewals(0, 400)
	results := s.run(lines...)
	requireInOrder(t, results, seen)
	require.Empty(t, failures(results))
	require.Equal(t, seen, s.lines("seen"))
	require.Equal(t, []string{"101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111", "112", "113", "114", "115"}, s.lines("early"))
	require.Len(t, s.lines("started"), 1)
	require.Zero(t, s.status)
	require.Empty(t, s.said)
}

// TestAheadNot: one event at a time is what a line with limit=1 gets, and what
// events of one order, and those that belong to none, need.
func TestAheadNot(t *testing.T) {
	check := `early() and note('early', $n); answer($cmd, $domain // '')`
	many, _ := renewals(0, 300)
	one, _ := renewals(0, 1)
	startup := `{"cmd": "startup"}`
	for name, c := range map[string]struct {
		options string
		lines   []string
	}{
		"limit": {"limit=1", many},
		"order": {"", append(append([]string{}, many[:110]...), strings.Split(strings.Repeat(one[0]+"\n", 200)+one[0], "\n")...)},
		"none":  {"", append(append([]string{}, many[:100]...), strings.Split(strings.Repeat(startup+"\n", 200)+startup, "\n")...)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStayer(t, c.options, strings.ReplaceAll(check, "early()", "$n > 112 && early()"))
			if name == "limit" {
				s = newStayer(t, c.options, check)
			}
			results := s.run(c.lines...)
			require.Len(t, results, len(c.lines))
			require.Empty(t, failures(results), s.said)
			require.Len(t, s.lines("seen"), len(c.lines))
			require.Empty(t, s.lines("early"))
		})
	}
}

// TestAheadLoss: whatever becomes of the program while it has more to do, each
// event is begun once at most, and each has a result. What the program had read
// behind the one that it owed an answer for is given to the next.
func TestAheadLoss(t *testing.T) {
	for name, c := range map[string]struct {
		options, at150 string
		failed         map[int]string
		started        int
	}{
		"ends behind an answer": {"", `answer($cmd, $domain); exit`, map[int]string{150: "may be done or not: exit status 0"}, 2},
		"ends in an event":      {"", `exit 3`, map[int]string{149: "ended without an answer, so that the event may be done or not: exit status 3"}, 2},
		"is killed":             {"", `kill 'KILL', $$; sleep 9`, map[int]string{149: "may be done or not: killed by signal 9"}, 2},
		"is late":               {"timeout=2s", `sleep 60`, map[int]string{149: "timed out after 2s"}, 2},
		"closes its output":     {"", `close STDOUT; sleep 1; exit`, map[int]string{149: "may be done or not"}, 2},
		"closes its input":      {"", `close STDIN; answer($cmd, $domain); sleep 1; exit 5`, map[int]string{150: "may be done or not: exit status 5"}, 2},
		"refuses":               {"", `print qq({"cmd":"result","ok":false,"error":"no"}\n)`, map[int]string{149: "answered: no"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStayer(t, c.options, `if ($n == 150 && $domain eq '149.test') { `+c.at150+`; next }
answer($cmd, $domain)`)
			lines, seen := renewals(0, 400)
			results := s.run(lines...)
			requireInOrder(t, results, seen)
			failed := failures(results)
			require.Len(t, failed, len(c.failed), s.said)
			for i, message := range c.failed {
				require.Contains(t, failed[i], message)
			}
			if failed[150] != "" { // it had read it, and nobody knows whether it had begun
				seen = slices.Delete(seen, 150, 151)
			}
			require.Equal(t, seen, s.lines("seen"))
			require.Len(t, s.lines("started"), c.started)
		})
	}
}

// TestAheadUnread: a program that reads no further than the line that it works
// on may end behind each answer.
func TestAheadUnread(t *testing.T) {
	s := newStayer(t, "", "")
	program := `#!/bin/sh
n=0
while read -r line; do
	domain=${line#*'"domain": "'} domain=${domain%%'"'*} n=$((n + 1))
	echo "deploy_cert $domain" >>"$HERE/seen"
	printf '{"cmd":"result","for":"deploy_cert","domain":"%s","ok":true,"output":"%s"}\n' "$domain" "$domain"
	[ $n -lt 150 ] || exit 0
done
`
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "program"), []byte(program), 0o755))
	lines, seen := renewals(0, 500)
	results := s.run(lines...)
	requireInOrder(t, results, seen)
	require.Empty(t, failures(results))
	require.Equal(t, seen, s.lines("seen"))
	require.Empty(t, s.said)
}

// TestAheadTalk: of a program that prints what is no answer nobody knows what it
// has begun. What it has read has failed, and is not done twice.
func TestAheadTalk(t *testing.T) {
	s := newStayer(t, "", `$domain eq '149.test' and print "working\n";
answer($cmd, $domain)`)
	lines, seen := renewals(0, 500)
	results := s.run(lines...)
	requireInOrder(t, results, seen)
	failed := failures(results)
	require.Contains(t, failed[149], "answered: something that is no result line")
	delete(failed, 149)
	require.Less(t, len(failed), 16)
	for _, message := range failed {
		require.Contains(t, message, "ended without an answer, so that the event may be done or not")
	}
	begun := map[string]int{}
	for _, line := range s.lines("seen") {
		begun[line]++
	}
	for _, line := range seen {
		require.LessOrEqual(t, begun[line], 1, line)
	}
	for i, line := range seen {
		if _, bad := failed[i]; !bad {
			require.Equal(t, 1, begun[line], line)
		}
	}
}

// TestAheadChallenges: of challenges each is in the journal while it stands, and
// one that fails is cleaned up. Those of one order wait for each other.
func TestAheadChallenges(t *testing.T) {
	s := newStayer(t, "phase=perform,cleanup", `if ($domain eq '200.test' && $cmd eq 'perform_challenge') { print qq({"cmd":"result","ok":false,"error":"no"}\n); next }
answer($cmd, $domain)`)
	var lines []string
	want := map[string][]string{}
	add := func(cmd, domain, status string) {
		lines = append(lines, fmt.Sprintf(`{"cmd": %q, "type": "dns-01", "domain": %q, "token": "t", "validation": %q%s}`, cmd, domain, recorded, status))
		want[domain] = append(want[domain], cmd)
	}
	for i := range 400 {
		add("perform_challenge", fmt.Sprintf("%d.test", i), "")
		if i >= 3 && i%2 == 1 {
			add("cleanup", fmt.Sprintf("%d.test", i-3), "")
		}
	}
	want["200.test"] = []string{"perform_challenge", "cleanup"} // undone at once
	results := s.run(lines...)
	require.Len(t, results, len(lines))
	failed := failures(results)
	require.Len(t, failed, 1, s.said)
	for i, line := range lines {
		require.Contains(t, line, fmt.Sprintf(`{"cmd": %q, "type": "dns-01", "domain": %q`, results[i].For, results[i].Domain))
	}
	got := map[string][]string{}
	for _, line := range s.lines("seen") {
		cmd, domain, _ := strings.Cut(line, " ")
		got[domain] = append(got[domain], cmd)
	}
	require.Equal(t, want, got)
	records, err := filepath.Glob(filepath.Join(s.dir, "state", "journal", "*"))
	require.NoError(t, err)
	require.Len(t, records, 400-199)
}
