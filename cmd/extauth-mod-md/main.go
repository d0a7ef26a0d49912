// Command extauth-mod-md is the front end for Apache mod_md's MDChallengeDns01 and MDMessageCmd.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.ModMD(cli.Process())) }
