package envmap

// row is a convention's name, its variables, and the function that makes it.
type row struct {
	name       string
	owns       []string
	convention func() *Convention
}

// rows has a row for each convention, in alphabetical order. To add one: a
// file, a row here, a directory of traces (CONTRIBUTING, "Adding a
// convention").
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

// Conventions returns all conventions in alphabetical order. They are made anew
// by each call.
func Conventions() []*Convention {
	all := make([]*Convention, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.convention())
	}
	return all
}

// Lookup returns the convention of that name, such as "certbot", and false if there
// is none. It makes a new one each time: keep the result. A chain line's settings
// are applied by its To.With.
func Lookup(name string) (*Convention, bool) {
	for i := range rows {
		if rows[i].name == name {
			return rows[i].convention(), true
		}
	}
	return nil, false
}

// Owned reports whether a variable belongs to any convention.
func Owned(name string) bool {
	for i := range rows {
		if owns(rows[i].owns, name) {
			return true
		}
	}
	return false
}
