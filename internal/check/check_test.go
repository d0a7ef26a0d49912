package check_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/check"
	"github.com/extauth/extauth/internal/process"
)

// hook is a copy of a hook in testdata, with what its comments say: the options
// for the checks, and the checks that find something.
type hook struct {
	path    string
	as      string
	notOK   []string
	options []string
}

// newHook copies a hook to a directory that root's programs may be in.
func newHook(t *testing.T, file string) hook {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	info, err := os.Stat(file)
	require.NoError(t, err)
	h := hook{path: filepath.Join(t.TempDir(), filepath.Base(file)), as: filepath.Base(filepath.Dir(file))}
	require.NoError(t, os.WriteFile(h.path, text, info.Mode()&^0o022))
	h.notOK = comment(text, "not ok")
	h.options = comment(text, "options")
	if len(h.options) > 1 && h.options[0] == "--as" {
		h.as, h.options = h.options[1], h.options[2:]
	}
	return h
}

// comment returns the words after # NAME: in a script.
func comment(text []byte, name string) []string {
	found := regexp.MustCompile(`(?m)^# ` + name + `: (.*?)\r?$`).FindSubmatch(text)
	if found == nil {
		return nil
	}
	return strings.Fields(string(found[1]))
}

// words returns the operands of extauth-check: a command for each event if the
// convention's client has them.
func (h hook) words() []string {
	switch h.as {
	case "certbot":
		return []string{"auth=" + h.path + " auth", "cleanup=" + h.path + " cleanup"}
	case "getssl":
		return []string{"add=" + h.path + " add", "del=" + h.path + " del"}
	case "template":
		return []string{"perform=add {txt_domain} {validation}", "cleanup=del {txt_domain} {validation}", h.path}
	}
	return []string{h.path}
}

// result is the result of the checks.
type result struct {
	tap   string
	notOK []string
}

// run checks the hook without a name server.
func (h hook) run(t *testing.T) result {
	suite := new(check.Suite)
	set := flag.NewFlagSet("extauth-check", flag.ContinueOnError)
	suite.Flags(set)
	require.NoError(t, set.Parse(append([]string{"--zone", "no", "--timeout", "10m", "--slow", "10m"}, h.options...)))
	handler, fault := chain.ParseLine(append(append([]string{h.as}, set.Args()...), h.words()...))
	if fault != nil {
		require.ErrorAs(t, fault, new(*process.StartError))
	}
	var out bytes.Buffer
	failed, err := suite.Check(context.Background(), handler, fault, os.Getenv("PATH"), &out)
	require.NoError(t, err, out.String())
	r := result{tap: out.String()}
	for _, found := range regexp.MustCompile(`(?m)^not ok [0-9]+ - ([a-z-]+):`).FindAllStringSubmatch(r.tap, -1) {
		r.notOK = append(r.notOK, found[1])
	}
	require.Len(t, r.notOK, failed, r.tap)
	return r
}

// TestBrokenHooks: the fault of each is found by the checks that its comment
// names.
func TestBrokenHooks(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			h := newHook(t, file)
			require.NotEmpty(t, h.notOK)
			r := h.run(t)
			require.ElementsMatch(t, h.notOK, r.notOK, r.tap)
		})
	}
}

// TestGoodHooks: one for each kind of client.
func TestGoodHooks(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			r := newHook(t, file).run(t)
			require.Empty(t, r.notOK, r.tap)
			require.NotContains(t, r.tap, "nothing was published")
		})
	}
}

// TestSlowHook: slowness is a finding of its own.
func TestSlowHook(t *testing.T) {
	t.Parallel()
	h := newHook(t, "testdata/good/lego")
	h.options = []string{"--slow", "1ns"}
	require.Equal(t, []string{"time"}, h.run(t).notOK)
}

// TestOwnStandIns: programs in --path come before the stand-ins.
func TestOwnStandIns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nsupdate"), []byte("#!/bin/sh\nexit 2\n"), 0o700))
	h := newHook(t, "testdata/good/lego")
	h.options = []string{"--path", dir}
	r := h.run(t)
	require.Equal(t, []string{"perform"}, r.notOK)
	require.Contains(t, r.tap, `seen: "exit status 2"`)
}

func TestStandInIsShellcheckClean(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil && os.Getenv("CI") == "" {
		t.Skip("needs shellcheck (Debian package shellcheck)")
	}
	good, err := filepath.Glob("testdata/good/*")
	require.NoError(t, err)
	out, err := exec.Command("shellcheck", append(good, "standin.sh")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// The umask is the process's; the checks set the same one before every call.
func TestMain(m *testing.M) {
	syscall.Umask(0o022)
	os.Exit(m.Run())
}
