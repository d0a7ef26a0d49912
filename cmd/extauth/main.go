// Command extauth is all programs: the one that it is called as, by a link, or
// that its first operand names.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/program"
)

func main() { os.Exit(program.Main(cli.Process())) }
