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
		{Name: "extauth-check", Doc: "test a hook as an ACME client would call it", Run: check.Check},
		{Name: "extauth-httpreq", Doc: "server and client of lego's httpreq protocol", Run: httpreq.HTTPReq},
		{Name: "extauth-json", Doc: "run handlers for JSON lines, or an ACME client as JSON lines", Run: jsonlines.JSON},
		{Name: "extauth-pending", Doc: "list and clean up challenges that were left performed", Run: pending.Pending},
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
