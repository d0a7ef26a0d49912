package cli

import (
	"path/filepath"
	"slices"
)

// Row is a program in the table of programs.
type Row struct {
	Name string // as extauth-hook
	Doc  string // what it does, in a few words: the NAME of its manual page
	Run  func(IO) int
}

// Called returns the row of the program that a process was started as.
func Called(rows []Row, io IO) (row Row, found bool) {
	return Find(rows, filepath.Base(io.Args[0]))
}

// Find returns the row of a name.
func Find(rows []Row, name string) (row Row, found bool) {
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
	if i < 0 {
		return Row{}, false
	}
	return rows[i], true
}
