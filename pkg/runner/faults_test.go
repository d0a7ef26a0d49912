package runner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/pkg/runner"
)

// TestFileIsReplacedMeanwhile: another user's file is not used if it replaces
// root's between check and use.
func TestFileIsReplacedMeanwhile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only what root runs is checked")
	}
	program := script(t, "true")
	dir := t.TempDir()
	for _, file := range []struct{ name, ours, theirs string }{
		{"x.env", "A=ours\n", "A=theirs\n"},
		{"chain", "dehydrated " + program + " ours\n", "dehydrated " + program + " theirs\n"},
	} {
		ours, theirs := filepath.Join(dir, file.name+".ours"), filepath.Join(dir, file.name+".theirs")
		require.NoError(t, os.WriteFile(ours, []byte(file.ours), 0o600))
		require.NoError(t, os.WriteFile(theirs, []byte(file.theirs), 0o600))
		require.NoError(t, os.Chown(theirs, 65534, 65534))
	}
	place := func(name, whose string) {
		next := filepath.Join(dir, name+".next")
		require.NoError(t, os.Link(filepath.Join(dir, name+whose), next))
		require.NoError(t, os.Rename(next, filepath.Join(dir, name)))
		_ = os.Remove(next) // rename does nothing if both are the same file
	}
	swapped := func(t *testing.T, name string, read func(path string) string) {
		place(name, ".ours")
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					place(name, ".theirs")
					place(name, ".ours")
				}
			}
		}()
		for range 5000 {
			if got := read(filepath.Join(dir, name)); got != "" && got != "ours" {
				t.Errorf("%s: %s was read", name, got)
			}
		}
		close(stop)
		<-stopped
	}
	t.Run("env file", func(t *testing.T) {
		swapped(t, "x.env", func(path string) string {
			variables, _ := envfile.Read(path)
			return variables["A"]
		})
	})
	t.Run("chain", func(t *testing.T) {
		swapped(t, "chain", func(path string) string {
			chain, err := runner.ReadChain(path)
			if err != nil {
				return ""
			}
			return chain[0].Command[1]
		})
	})
}
