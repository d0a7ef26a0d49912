// Command extauth-json is the front end for JSON lines.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/jsonlines"
)

func main() { os.Exit(jsonlines.JSON(cli.Process())) }
