// Command extauth-hook is the front end for certbot's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Hook(cli.Process())) }
