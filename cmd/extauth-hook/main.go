// Command extauth-hook is the front end for certbot's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Hook(cli.Process())) }
