// Command extauth-acmesh is the front end for acme.sh: dns_extauth.sh and
// extauth_deploy.sh in hooks/acmesh call it.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() { os.Exit(hook.Acmesh(cli.Process())) }
