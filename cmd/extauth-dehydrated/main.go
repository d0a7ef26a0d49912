// Command extauth-dehydrated is the front end for dehydrated's HOOK.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Dehydrated(cli.Process())) }
