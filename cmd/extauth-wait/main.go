// Command extauth-wait returns when every challenge's response is visible to a CA.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/propagation"
)

func main() { os.Exit(cli.Wait(cli.Process(), new(propagation.Prober))) }
