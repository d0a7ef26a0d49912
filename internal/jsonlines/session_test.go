package jsonlines_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/jsonlines"
)

// session is a client that writes many events, and checks now and then how many
// files and how much memory the program uses.
type session struct {
	line, last   []byte // last is every thousandth
	left, served int
	files        []int
	memory       []uint64
	answers      int
}

func (s *session) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	s.served++
	if s.served%1000 != 0 {
		return copy(p, s.line), nil
	}
	if s.served%20000 == 0 {
		s.look()
	}
	return copy(p, s.last), nil
}

func (s *session) look() {
	open, _ := os.ReadDir("/proc/self/fd")
	s.files = append(s.files, len(open))
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	s.memory = append(s.memory, m.HeapAlloc)
}

// Write counts the answers.
func (s *session) Write(p []byte) (int, error) {
	s.answers += bytes.Count(p, []byte(`"ok":true`))
	return len(p), nil
}

// TestLongSession: after 100000 events a session has no more files open and
// uses no more memory than at its beginning, with handlers too.
func TestLongSession(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain"), []byte("dehydrated phase=exit ./handler\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "handler"), []byte("#!/bin/sh\nprintf . >>\"$LOG\"\n"), 0o755))
	s := &session{
		line: fmt.Appendf(nil, "{\"cmd\": \"startup\", \"x\": %q}\n", strings.Repeat("y", 100)), last: []byte("{\"cmd\": \"exit\"}\n"),
		left: 100000,
	}
	var stderr bytes.Buffer
	status := jsonlines.JSON(cli.IO{
		Args:    []string{"extauth-json", "--state-dir", filepath.Join(dir, "state"), "-c", filepath.Join(dir, "chain"), "run"},
		Environ: []string{"PATH=/usr/bin:/bin", "LOG=" + filepath.Join(dir, "log")},
		Stdin:   s, Stdout: s, Stderr: &stderr,
	})
	require.Zero(t, status, stderr.String())
	require.Empty(t, stderr.String())
	require.Equal(t, 100000, s.answers)
	handlers, err := os.ReadFile(filepath.Join(dir, "log"))
	require.NoError(t, err)
	require.Len(t, handlers, 100)
	require.Len(t, s.files, 5)
	require.LessOrEqual(t, s.files[4], s.files[0])
	require.Less(t, s.memory[4], s.memory[0]+1<<20)
}

// TestHostileLinesCostNoMemory: the installed program stays below 64 MB with
// lines that are made to cost memory; a handler reads its peak.
func TestHostileLinesCostNoMemory(t *testing.T) {
	const most = 1 << 20
	dir := t.TempDir()
	program := filepath.Join(dir, "extauth-json")
	build := exec.Command("go", "build", "-o", program, "../../cmd/extauth-json")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain"), []byte("dehydrated phase=exit ./handler\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "handler"),
		[]byte("#!/bin/sh\nsed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB$/\\1/p' /proc/$PPID/status >\"$PEAK\"\n"), 0o755))
	const start = `{"cmd": "startup", "x": `
	var lines strings.Builder
	for range 5 {
		for _, line := range []string{
			strings.Repeat("[", most), strings.Repeat("{", most), strings.Repeat(`{"":`, most/4), strings.Repeat(`"`, most), strings.Repeat(`\`, most),
			start + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + "}",
			start + "[" + strings.Repeat("1,", most/2-20) + "1]}", start + "[" + strings.Repeat("{},", most/3-20) + "1]}",
			start + `"` + strings.Repeat("\x01", most-50) + `"}`, start + `"` + strings.Repeat("\u00e9", most/2-50) + `"}`,
			start + `"` + strings.Repeat(`\u0001`, most/6-10) + `"}`, start + strings.Repeat("9", most-50) + "}", strings.Repeat("x", 8*most),
		} {
			lines.WriteString(line + "\n")
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, "-c", filepath.Join(dir, "chain"), "run")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "EXTAUTH_STATE_DIR=" + filepath.Join(dir, "state"), "PEAK=" + filepath.Join(dir, "peak")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(lines.String()+"{\"cmd\": \"exit\"}\n"), &stdout, &stderr
	_ = cmd.Run()
	require.Equal(t, 65, cmd.ProcessState.ExitCode())
	require.Equal(t, 5*13+1, strings.Count(stdout.String(), "\n"))
	require.Contains(t, stdout.String(), `"for":"exit","ok":true`)
	require.NotContains(t, stderr.String(), "goroutine")
	peak, err := os.ReadFile(filepath.Join(dir, "peak"))
	require.NoError(t, err)
	require.Regexp(t, `^([1-5]?[0-9]{4}|6[0-3][0-9]{3})\n$`, string(peak), "kB")
}
