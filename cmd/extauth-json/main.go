// Command extauth-json is the front end for JSON lines.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/listen"
)

func main() { os.Exit(cli.JSON(cli.Process(), listen.On)) }
