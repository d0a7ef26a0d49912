// Command extauth-lego is the front end for lego's DNS provider exec and lego's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Lego(cli.Process())) }
