// Command extauth-pending shows what was performed and never cleaned up, and cleans it up.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/pending"
)

func main() { os.Exit(pending.Pending(cli.Process())) }
