// Package program is the table of all programs.
package program

import (
	"github.com/extauth/extauth/internal/check"
	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
	"github.com/extauth/extauth/internal/httpreq"
	"github.com/extauth/extauth/internal/jsonlines"
	"github.com/extauth/extauth/internal/pending"
	"github.com/extauth/extauth/internal/wait"
)

// All returns the programs by their names.
func All() map[string]func(cli.IO) int {
	return map[string]func(cli.IO) int{
		"extauth-acmesh":     hook.Acmesh,
		"extauth-acmetool":   hook.Acmetool,
		"extauth-check":      check.Check,
		"extauth-dehydrated": hook.Dehydrated,
		"extauth-getssl":     hook.Getssl,
		"extauth-hook":       hook.Hook,
		"extauth-httpreq":    httpreq.HTTPReq,
		"extauth-json":       jsonlines.JSON,
		"extauth-lego":       hook.Lego,
		"extauth-mod-md":     hook.ModMD,
		"extauth-pending":    pending.Pending,
		"extauth-uacme":      hook.Uacme,
		"extauth-wait":       wait.Wait,
	}
}
