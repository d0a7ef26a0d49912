package program

import (
	"fmt"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/process"
)

const usage = `Usage: extauth PROGRAM [ARG]...
       extauth help PROGRAM

Runs a program of extauth: "extauth hook auth" is "extauth-hook auth". help
shows a program's manual page; help chain and help env show the file formats.

Programs:
%s
Options:
      --help, --version  print this help, or the version

Exit status: the program's; 64 usage, 127 man is not installed.
`

const (
	prefix = "extauth-"
	source = "https://github.com/extauth/extauth/tree/main/man"
)

// extauth runs the program that its first operand names.
func extauth(io cli.IO) int {
	p := cli.New(io, "extauth", fmt.Sprintf(usage, list()), "")
	return p.Main(func() (int, error) { return run(p) })
}

// list has a line for each program.
func list() string {
	var b strings.Builder
	for _, row := range All() {
		fmt.Fprintf(&b, "  %-11s %s\n", strings.TrimPrefix(row.Name, prefix), row.Doc)
	}
	return b.String()
}

func run(p *cli.Program) (status int, err error) {
	set := p.NewFlags()
	if err := p.Parse(set, p.Args[1:]); err != nil {
		return 0, err
	}
	switch set.Arg(0) {
	case "":
		return cli.StatusUsage, p.ShowUsage()
	case "help":
		return 0, help(p, set.Args()[1:])
	}
	row, found := cli.Find(All(), prefix+set.Arg(0))
	if !found {
		return 0, unknown("program", set.Arg(0), names("help"))
	}
	io := p.IO
	io.Typed = "extauth " + set.Arg(0)
	io.Args = append([]string{row.Name}, set.Args()[1:]...)
	return row.Run(io), nil
}

// help becomes man with a page.
func help(p *cli.Program, args []string) error {
	if len(args) == 0 {
		return p.ShowUsage()
	}
	topic := strings.TrimPrefix(args[0], prefix)
	switch pages := names("chain", "env"); {
	case len(args) > 1:
		return cli.Usage("help takes one argument (got %q)", args[1])
	case !slices.Contains(pages, topic):
		return unknown("page", args[0], pages)
	}
	man, err := process.Locate("man")
	if err != nil {
		return fmt.Errorf("%w; the pages are at %s", err, source)
	}
	return process.Become(man, []string{"man", prefix + topic}, p.Environ, nil)
}

// names are the programs' without their prefix, and others.
func names(others ...string) []string {
	for _, row := range All() {
		others = append(others, strings.TrimPrefix(row.Name, prefix))
	}
	return others
}

func unknown(what, word string, words []string) error {
	if meant, found := commandline.Nearest(word, words); found {
		return cli.Usage("unknown %s %q (did you mean %q?)", what, word, meant)
	}
	return cli.Usage("unknown %s %q (want one of %s)", what, word, strings.Join(words, ", "))
}
