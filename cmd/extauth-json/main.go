// Command extauth-json is the front end for JSON lines.
package main

import (
	"crypto/sha256"
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/listen"
)

func main() { os.Exit(cli.JSON(cli.Process().WithSum256(sha256.Sum256), listen.On)) }
