package main

const (
	domain     = "www.example.org"
	token      = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	thumbprint = "gfj9Xq7LkYtXwlHnYRvTQ3bnL0f0dF6hGJ5CkRg85nM"
)

// unit is what the values of a block are.
type unit string

const (
	perRun       unit = "us"
	perEvent     unit = "us/event"
	instructions unit = "instructions"
)

// maker makes a block, and the files that it needs: a quick one for the check,
// or that of the whole benchmark.
type maker struct {
	name string
	make func(quick bool) (block, error)
}

// makers are those of the check, or all.
func (p place) makers(quick bool) []maker {
	all := []maker{{"count", p.count}, {"start", p.start}, {"chain", p.chain}, {"stream", p.stream}, {"persist", p.persist},
		{"jobs", p.jobs}, {"growth", p.growth}}
	if !quick {
		all = append(all, maker{"httpreq", p.httpreq})
	}
	return all
}

// amount is how much is done in the check, and in the whole benchmark.
func amount(quick bool, check, whole int) int {
	if quick {
		return check
	}
	return whole
}

// floor is the program that the rows of a block are compared with, twice.
func (p place) floor() []row {
	empty := []string{p.peer("empty.program")}
	return []row{{label: base, args: empty}, {label: again, args: empty}}
}
