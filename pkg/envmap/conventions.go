package envmap

// Conventions returns a row for each convention, in alphabetical order. To add
// one: a file, a row here, a directory of traces (CONTRIBUTING, "Adding a
// convention").
func Conventions() []*Convention {
	return []*Convention{
		acmesh(),
		acmetool(),
		certbot(),
		dehydrated(),
		getssl(),
		handler(),
		httpreq(),
		jsonLines(),
		lego(),
		lexicon(),
		modMD(),
		template(),
		text(),
		truenas(),
		uacme(),
		winacme(),
	}
}

// Lookup finds a convention by its name.
func Lookup(name string) (*Convention, bool) {
	for _, c := range Conventions() {
		if c.Name == name {
			return c, true
		}
	}
	return nil, false
}
