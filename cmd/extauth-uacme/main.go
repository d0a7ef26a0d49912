// Command extauth-uacme is the front end for uacme's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Client(cli.Process(), "uacme")) }
