package jsonlines_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
	"github.com/extauth/extauth/internal/jsonlines"
)

const recorded = "one-0123456789-0123456789-0123456789-abcdef"

func TestMain(m *testing.M) {
	syscall.Umask(0o022) // root's programs refuse what others can write
	commands := map[string]func(){}
	for name, run := range map[string]func(cli.IO) int{
		"extauth-json": jsonlines.JSON, "extauth-hook": hook.Hook, "extauth-dehydrated": hook.Dehydrated,
	} {
		commands[name] = func() { os.Exit(run(process())) }
	}
	testscript.Main(m, commands)
}

// process is the IO of the running process, except for the system's chain file,
// which no test may depend on.
func process() cli.IO {
	io := cli.Process()
	io.SystemChain = "/nonexistent/extauth/chain"
	return io
}

// resetSignals lets the programs start with the signals at their default even if
// the tests run under nohup(1) or in the background of a shell: a signal that is
// caught here is at its default after execve(2).
func resetSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}
