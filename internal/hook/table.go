package hook

import "github.com/extauth/extauth/internal/cli"

// FrontEnds returns the programs that clients call.
func FrontEnds() []cli.Row {
	return []cli.Row{
		{Name: "extauth-acmesh", Doc: "run handlers of any convention for acme.sh", Run: Acmesh},
		{Name: "extauth-acmetool", Doc: "run handlers of any convention from acmetool's hooks directory", Run: Acmetool},
		{Name: "extauth-dehydrated", Doc: "run handlers of any convention as the HOOK of dehydrated", Run: Dehydrated},
		{Name: "extauth-getssl", Doc: "run handlers of any convention for the commands of getssl", Run: Getssl},
		{Name: "extauth-hook", Doc: "run handlers of any convention as hooks of certbot", Run: Hook},
		{Name: "extauth-lego", Doc: "run handlers of any convention for lego's exec provider and hooks", Run: Lego},
		{Name: "extauth-mod-md", Doc: "run handlers of any convention for mod_md of Apache", Run: ModMD},
		{Name: "extauth-uacme", Doc: "run handlers of any convention as the hook of uacme", Run: Uacme},
	}
}

// Main is the front end that the process was started as, by a link to
// extauth-hook. By any other name it is extauth-hook itself.
func Main(io cli.IO) int {
	if row, found := cli.Called(FrontEnds(), io); found {
		return row.Run(io)
	}
	return Hook(io)
}
