// Command extauth-getssl is the front end for getssl's DNS_ADD_COMMAND, DNS_DEL_COMMAND and RELOAD_CMD.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Getssl(cli.Process())) }
