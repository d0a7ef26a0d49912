// Package listen opens addresses as package endpoint does, for package cli.
package listen

import (
	"io/fs"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
)

// On is endpoint.Listen.
func On(address string, o cli.SocketOptions) (cli.Listener, error) {
	return endpoint.Listen(address, endpoint.Options{Mode: fs.FileMode(o.Mode), Group: o.Group, Passed: o.Passed})
}
