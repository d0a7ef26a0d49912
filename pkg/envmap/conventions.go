package envmap

// row is a convention's name, its variables, and what makes it. Most calls of a
// program need one convention or two: only those are made.
type row struct {
	name       string
	owns       []string
	convention func() *Convention
}

// rows has a row for each convention, in alphabetical order. To add one: a
// file, a row here, a directory of traces (CONTRIBUTING, "Adding a
// convention"). It is laid out when a program is built, as are the lists in it.
var rows = [...]row{
	{"acmesh", acmeshOwns, acmesh},
	{"acmetool", acmetoolOwns, acmetool},
	{"certbot", certbotOwns, certbot},
	{"dehydrated", dehydratedOwns, dehydrated},
	{"getssl", getsslOwns, getssl},
	{"handler", handlerOwns, handler},
	{"httpreq", httpreqOwns, httpreq},
	{"json", nil, jsonLines},
	{"lego", legoOwns, lego},
	{"lexicon", nil, lexicon},
	{"mod_md", nil, modMD},
	{"template", nil, template},
	{"text", nil, text},
	{"truenas", nil, truenas},
	{"uacme", uacmeOwns, uacme},
	{"winacme", nil, winacme},
}

// Conventions returns all conventions in alphabetical order.
func Conventions() []*Convention {
	all := make([]*Convention, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.convention())
	}
	return all
}

// Lookup finds a convention by its name.
func Lookup(name string) (*Convention, bool) {
	for i := range rows {
		if rows[i].name == name {
			return rows[i].convention(), true
		}
	}
	return nil, false
}

// Owned tells whether a variable belongs to any convention.
func Owned(name string) bool {
	for i := range rows {
		if owns(rows[i].owns, name) {
			return true
		}
	}
	return false
}
