// Command extauth-lego is the front end for lego's DNS provider exec and lego's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Client(cli.Process(), "lego")) }
