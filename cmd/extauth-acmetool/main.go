// Command extauth-acmetool is the front end for acmetool's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Acmetool(cli.Process())) }
