// Command extauth-pending shows what was performed and never cleaned up, and cleans it up.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Pending(cli.Process())) }
