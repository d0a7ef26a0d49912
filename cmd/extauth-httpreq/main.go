// Command extauth-httpreq serves lego's httpreq protocol, and speaks it to others.
package main

import (
	"os"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/httpreq"
)

func main() { os.Exit(httpreq.HTTPReq(cli.Process())) }
