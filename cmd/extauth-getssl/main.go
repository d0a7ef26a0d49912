// Command extauth-getssl is the front end for getssl's DNS_ADD_COMMAND, DNS_DEL_COMMAND and RELOAD_CMD.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Client(cli.Process(), "getssl")) }
