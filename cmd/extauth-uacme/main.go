// Command extauth-uacme is the front end for uacme's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Uacme(cli.Process())) }
