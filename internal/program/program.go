// Package program is the table of all programs, and extauth, which is each of them.
package program

import (
	"cmp"
	"slices"

	"github.com/extauth/extauth/internal/check"
	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
	"github.com/extauth/extauth/internal/httpreq"
	"github.com/extauth/extauth/internal/jsonlines"
	"github.com/extauth/extauth/internal/pending"
	"github.com/extauth/extauth/internal/wait"
)

// All returns the programs, sorted by name.
func All() []cli.Row {
	rows := append(hook.FrontEnds(), []cli.Row{
		{Name: "extauth-check", Doc: "say what an ACME client would stumble on in a hook", Run: check.Check},
		{Name: "extauth-httpreq", Doc: "serve the httpreq protocol of lego to other machines, and speak it", Run: httpreq.HTTPReq},
		{Name: "extauth-json", Doc: "run handlers for JSON lines, or a client as a stream of them", Run: jsonlines.JSON},
		{Name: "extauth-pending", Doc: "show what was performed and never cleaned up, and clean it up", Run: pending.Pending},
		{Name: "extauth-wait", Doc: "wait until the responses to challenges are visible", Run: wait.Wait},
	}...)
	slices.SortFunc(rows, func(a, b cli.Row) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// Main is the program that the process was started as, by a link to extauth. By
// any other name it is extauth itself.
func Main(io cli.IO) int {
	if row, found := cli.Called(All(), io); found {
		return row.Run(io)
	}
	return extauth(io)
}
