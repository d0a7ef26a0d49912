package cli

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Version is set when the programs are linked: see packaging/ldflags.sh. Without
// it, --version says what the Go command knows of the module.
var Version string

// Commit is that of Version, where it is known.
var Commit string

// Date is that of Commit, as 2006-01-02.
var Date string

// version is what --version prints after the program's name: the version, and in
// parentheses the commit, its date, Go's version and the system, as far as they
// are known.
func version() string {
	version, commit, date := Version, Commit, Date
	if version == "" {
		version, commit, date = versionOf(debug.ReadBuildInfo())
	}
	var details []string
	if commit != "" {
		details = append(details, "commit "+commit)
	}
	if date != "" {
		details = append(details, date)
	}
	details = append(details, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return version + " (" + strings.Join(details, ", ") + ")"
}

// versionOf reads what the Go command noted: the module's version, and where
// it built in a checkout, the commit and its time.
func versionOf(info *debug.BuildInfo, ok bool) (version, commit, date string) {
	version = "(devel)"
	if !ok {
		return version, "", ""
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			date, _, _ = strings.Cut(s.Value, "T")
		}
	}
	return version, commit, date
}
