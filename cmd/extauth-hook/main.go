// Command extauth-hook is the front end for certbot's hooks, and by links to it
// those of all other clients.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Main(cli.Process())) }
