package envmap

// row is a convention's name and what makes it. Most calls of a program need
// one convention or two: only those are made.
type row struct {
	name       string
	convention func() *Convention
}

// rows has a row for each convention, in alphabetical order. To add one: a
// file, a row here, a directory of traces (CONTRIBUTING, "Adding a
// convention").
func rows() [16]row {
	return [...]row{
		{"acmesh", acmesh},
		{"acmetool", acmetool},
		{"certbot", certbot},
		{"dehydrated", dehydrated},
		{"getssl", getssl},
		{"handler", handler},
		{"httpreq", httpreq},
		{"json", jsonLines},
		{"lego", lego},
		{"lexicon", lexicon},
		{"mod_md", modMD},
		{"template", template},
		{"text", text},
		{"truenas", truenas},
		{"uacme", uacme},
		{"winacme", winacme},
	}
}

// Conventions returns all conventions in alphabetical order.
func Conventions() []*Convention {
	all := make([]*Convention, 0, len(rows()))
	for _, r := range rows() {
		all = append(all, r.convention())
	}
	return all
}

// Lookup finds a convention by its name.
func Lookup(name string) (*Convention, bool) {
	for _, r := range rows() {
		if r.name == name {
			return r.convention(), true
		}
	}
	return nil, false
}
