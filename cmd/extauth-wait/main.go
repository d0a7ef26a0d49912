// Command extauth-wait returns when every challenge's response is visible to a CA.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/wait"
)

func main() { os.Exit(wait.Wait(cli.Process())) }
