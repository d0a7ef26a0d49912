// Command extauth-acmetool is the front end for acmetool's hooks.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Client(cli.Process(), "acmetool")) }
