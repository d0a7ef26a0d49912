package jsonlines_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/jsonlines"
)

const (
	plainLine = `{"cmd": "cleanup", "type": "dns-01", "domain": "a.test", "token": "t", "validation": "one-0123456789-0123456789-0123456789-abcdef"}` + "\n"
	otherLine = `{"cmd":"restart"}` + "\n"
	otherWant = `{"cmd": "restart"}` + "\n"
)

// rewrite runs extauth-json --to json run on an input, and returns its output,
// its messages and its exit status.
func rewrite(stdin io.Reader, environ ...string) (stdout, stderr string, status int) {
	var out, say bytes.Buffer
	status = rewriteTo(stdin, &out, &say, environ...)
	return out.String(), say.String(), status
}

func rewriteTo(stdin io.Reader, stdout, stderr io.Writer, environ ...string) int {
	return jsonlines.JSON(cli.IO{
		Args: []string{"extauth-json", "--to", "json", "run"}, Environ: environ,
		Stdin: stdin, Stdout: stdout, Stderr: stderr, SystemChain: "/nonexistent/extauth/chain",
	})
}

// TestRewrite: lines come out in order, whatever pieces the input comes in.
func TestRewrite(t *testing.T) {
	var in, want strings.Builder
	for range 2000 {
		in.WriteString(plainLine + otherLine + "\r\n  \n" + plainLine)
		want.WriteString(plainLine + otherWant + plainLine)
	}
	for name, pieces := range map[string]func(io.Reader) io.Reader{
		"as it is": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader,
		"halves": iotest.HalfReader, "the end with data": iotest.DataErrReader,
	} {
		stdout, stderr, status := rewrite(pieces(strings.NewReader("\uFEFF" + in.String())))
		require.Zero(t, status, name)
		require.Empty(t, stderr, name)
		require.True(t, want.String() == stdout, name)
	}
}

// TestRewriteRefusesLines: each refused line is reported with its number, after
// the output of earlier lines, and the next is served.
func TestRewriteRefusesLines(t *testing.T) {
	var both bytes.Buffer
	status := rewriteTo(strings.NewReader(plainLine+"x\n"+otherLine+plainLine+"\n"+strings.Replace(plainLine, "a.test", "a..test", 1)+plainLine+plainLine[:20]), &both, &both)
	require.Equal(t, 65, status)
	require.Equal(t, plainLine+
		"extauth-json: line 2: line is not JSON near byte 0\n"+otherWant+plainLine+
		"extauth-json: line 6: domain \"a..test\" is not a DNS name or an IP address\n"+plainLine+
		"extauth-json: line 8: input ends inside of it\n", both.String())
}

// TestRewriteOfLongLines: a line may have 1048576 bytes without its line feed.
func TestRewriteOfLongLines(t *testing.T) {
	for _, size := range []int{1<<16 - 1, 1 << 16, 1<<16 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 2, 3 << 20} {
		names := strings.Repeat(`"a.test", `, size/10)
		line := strings.Replace(strings.TrimSuffix(plainLine, "}\n"), "}", "", 1) + `, "domains": [` + names
		line = line[:size-8] + strings.Repeat("b", 5) + `"]}`
		line = line[:strings.LastIndex(line, `, `)] + `]}` // ends with a whole name
		line += strings.Repeat(" ", size-len(line))
		want := strings.TrimRight(line, " ") + "\n"
		stdout, stderr, status := rewrite(strings.NewReader(plainLine + line + "\n" + plainLine))
		if size > 1<<20 {
			require.Equal(t, 65, status)
			require.Equal(t, "extauth-json: line 2: is longer than 1048576 bytes\n", stderr)
			want = ""
		} else {
			require.Zero(t, status, stderr)
		}
		require.True(t, plainLine+want+plainLine == stdout, size)
	}
}

// TestRewriteCompletes: members that follow from others, or from the
// environment, are added.
func TestRewriteCompletes(t *testing.T) {
	thumbprint := strings.Repeat("a", 43)
	in := strings.Replace(plainLine, "dns-01", "tls-alpn-01", 1)
	stdout, _, status := rewrite(strings.NewReader(in))
	require.Zero(t, status)
	require.Equal(t, in, stdout)
	stdout, stderr, status := rewrite(strings.NewReader(in), "EXTAUTH_THUMBPRINT="+thumbprint)
	require.Equal(t, 65, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "does not follow from the key authorization")
	for _, member := range []string{"timestamp", "cert_timestamp"} {
		stdout, _, status = rewrite(strings.NewReader(fmt.Sprintf(`{"cmd": "deploy_cert", "cert_path": "/dev/null", "%s": 1}`+"\n", member)))
		require.Zero(t, status)
		require.Contains(t, stdout, `, "timestamp": `)
		require.Contains(t, stdout, `, "cert_timestamp": `)
	}
}

// TestRewriteAnswersAtOnce: each line is written before the next is read, as
// the sender may wait for it.
func TestRewriteAnswersAtOnce(t *testing.T) {
	inRead, in, err := os.Pipe()
	require.NoError(t, err)
	out, outWrite, err := os.Pipe()
	require.NoError(t, err)
	done := make(chan int)
	go func() { done <- rewriteTo(inRead, outWrite, io.Discard) }()
	for _, line := range []string{plainLine, otherWant, "x\n" + plainLine, plainLine + plainLine} {
		_, err := io.WriteString(in, line)
		require.NoError(t, err)
		want := strings.TrimPrefix(line, "x\n")
		got := make([]byte, len(want))
		_, err = io.ReadFull(out, got)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	require.NoError(t, in.Close())
	require.Equal(t, 65, <-done)
}

// failing is a device that has no space left.
type failing struct{ writes int }

func (f *failing) Write([]byte) (int, error) {
	f.writes++
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// TestRewriteThatCannotWrite ends at the first line, however it is written.
func TestRewriteThatCannotWrite(t *testing.T) {
	for _, in := range []string{plainLine, otherLine, plainLine + "x\n" + plainLine, strings.Repeat(plainLine, 10000)} {
		full, say := new(failing), new(bytes.Buffer)
		require.Equal(t, 74, rewriteTo(strings.NewReader(in), full, say))
		require.Equal(t, "extauth-json: standard output: no space left on device\n", say.String())
		require.Equal(t, 1, full.writes)
	}
}

// TestRewriteThatCannotRead ends there.
func TestRewriteThatCannotRead(t *testing.T) {
	stdout, stderr, status := rewrite(io.MultiReader(strings.NewReader(plainLine), iotest.ErrReader(errors.New("no input"))))
	require.Equal(t, plainLine, stdout)
	require.Equal(t, "extauth-json: line 2: no input\n", stderr)
	require.Equal(t, 70, status)
}

// FuzzRewrite: if a line is accepted, encoding/json reads it too, and the
// output has the same names and values except for those that follow from
// others. Rewriting the output does not change it.
func FuzzRewrite(f *testing.F) {
	for _, line := range []string{
		plainLine, otherLine, `{"cmd": "deploy_cert", "domain": "a.test", "timestamp": 1.50, "cert_timestamp": 2, "x": [1, {"\u00e9": null}]}`,
		`{"cmd": "perform_challenge", "type": "http-01", "domain": "A.test", "validation": "t.one-0123456789-0123456789-0123456789-abcdef"}`,
		`{"cmd": "restart", "cmd": "restart"}`, `{"cmd": "restart", "x": "\ud800"}`, "{\"cmd\": \"restart\", \"x\": \"\xff\"}", `{"cmd": "restart", "X": 1, "x": 1}`,
		strings.Replace(plainLine, `"token"`, `"domain"`, 1), strings.Replace(plainLine, "t\"", "\xc3\x28\"", 1),
	} {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "\n") {
			t.Skip("several lines")
		}
		stdout, stderr, status := rewrite(strings.NewReader(line + "\n"))
		if status != 0 {
			require.Empty(t, stdout)
			require.Contains(t, stderr, "extauth-json: line 1: ")
			return
		}
		if stdout == "" {
			return // a blank line
		}
		require.True(t, utf8.ValidString(line))
		requireNamesOnce(t, line)
		requireSameMembers(t, strings.TrimPrefix(line, "\uFEFF"), stdout)
		again, _, _ := rewrite(strings.NewReader(stdout))
		require.Equal(t, stdout, again)
	})
}

// requireNamesOnce reads an object's names one by one: a map would hide a
// duplicate.
func requireNamesOnce(t *testing.T, line string) {
	d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(line, "\uFEFF")))
	_, err := d.Token()
	require.NoError(t, err)
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		require.NoError(t, err)
		require.False(t, seen[name.(string)], line)
		seen[name.(string)] = true
		var value any
		require.NoError(t, d.Decode(&value))
	}
}

// requireSameMembers fails unless the output has the members of the input,
// except that identifiers are in lower case without a final dot, and empty
// strings and lists are left out.
func requireSameMembers(t *testing.T, line, stdout string) {
	read, written := membersOf(t, line), membersOf(t, stdout)
	for name, value := range read {
		switch got, there := written[name]; {
		case !there:
			require.True(t, mayBeOmitted(name, value, read), "%s: %s", name, line)
		case strings.Contains(name, "domain"):
			require.Equal(t, lower(value), lower(got), line)
		case name == "remaining" && value != nil:
			require.Equal(t, strings.TrimPrefix(fmt.Sprint(value), "-"), fmt.Sprint(got), line) // -0
		case name != "challenges" && name != "timestamp": // completed; port is its other name
			require.Equal(t, value, got, line)
		}
	}
}

// mayBeOmitted reports whether the canonical form leaves a member out.
func mayBeOmitted(name string, value any, members map[string]any) bool {
	empty := value == "" || fmt.Sprint(value) == "[]"
	return empty || name == "port" || name == "txt_domain" && members["cmd"] == "cleanup"
}

func membersOf(t *testing.T, line string) map[string]any {
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var object map[string]any
	require.NoError(t, d.Decode(&object))
	return object
}

// lower is an identifier, or a list of them, in its canonical form.
func lower(value any) string {
	text := strings.ToLower(fmt.Sprintf("%q", value))
	return strings.ReplaceAll(text, `."`, `"`)
}

func BenchmarkRewrite(b *testing.B) {
	line := `{"cmd": "perform_challenge", "type": "http-01", "domain": "host000001.dept01.example.org", "token": "t", "validation": "t.one-0123456789-0123456789-0123456789-abcdef", ` +
		`"uri": "http://host000001.dept01.example.org/.well-known/acme-challenge/t", "key_auth": "t.one-0123456789-0123456789-0123456789-abcdef"}` + "\n"
	in := strings.Repeat(line, 10000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		require.Zero(b, rewriteTo(strings.NewReader(in), io.Discard, io.Discard))
	}
}
