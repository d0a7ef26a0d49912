// Command extauth-check tells the author of a hook what a client would stumble on.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/check"
	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(check.Check(cli.Process())) }
