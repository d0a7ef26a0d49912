// Command extauth-mod-md is the front end for Apache mod_md's MDChallengeDns01 and MDMessageCmd.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Client(cli.Process(), "mod_md")) }
