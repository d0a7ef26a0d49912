// Command extauth-dehydrated is the front end for dehydrated's HOOK.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
)

func main() { os.Exit(cli.Dehydrated(cli.Process())) }
