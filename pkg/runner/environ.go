package runner

import (
	"slices"
	"sort"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// Environment is what a handler gets: the client's variables without those of
// any convention and without those that make a loader or an interpreter run
// other code, then the given ones, later maps over earlier. Names are sorted
// behind the client's.
func Environment(client []string, added ...map[string]string) []string {
	conventions := envmap.Conventions()
	merged := map[string]string{}
	for _, m := range added {
		for name, value := range m {
			merged[name] = value
		}
	}
	env := make([]string, 0, len(client)+len(merged))
	seen := map[string]bool{}
	for _, variable := range client {
		name, value, ok := strings.Cut(variable, "=")
		_, replaced := merged[name]
		if !ok || name == "" || seen[name] || replaced || owned(conventions, name) || Injects(name, value) {
			continue
		}
		seen[name] = true
		env = append(env, variable)
	}
	return append(env, sorted(merged)...)
}

func sorted(variables map[string]string) []string {
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	sort.Strings(list)
	return list
}

// owned tells whether a variable is a convention's, or one of ours that says
// something of a single call or tells the programs what to run.
func owned(conventions []*envmap.Convention, name string) bool {
	switch name {
	case "EXTAUTH_EVENT", "EXTAUTH_PHASE", "EXTAUTH_RESULT", "EXTAUTH_TOKEN_SYNTHETIC", "EXTAUTH_PEER_UID",
		"EXTAUTH_SOCKET", "EXTAUTH_CHAIN", "EXTAUTH_TO", "EXTAUTH_HANDLER",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES": // sd_listen_fds(3): for us
		return true
	}
	return slices.ContainsFunc(conventions, func(c *envmap.Convention) bool { return c.OwnsVariable(name) })
}

// injectors are the variables that sudo takes away (sudo: plugins/sudoers/env.c,
// initial_badenv_table), and the exported functions of bash; a final * stands
// for any rest.
func injectors() []string {
	return []string{
		"IFS", "CDPATH", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES", "NLSPATH", "PATH_LOCALE", "GCONV_PATH",
		"LD_*", "_RLD*", "LIBPATH", "SHLIB_PATH", "DYLD_*",
		"TERMINFO", "TERMINFO_DIRS", "TERMPATH", "TERMCAP",
		"ENV", "BASH_ENV", "PS4", "GLOBIGNORE", "BASHOPTS", "SHELLOPTS", "BASH_FUNC_*",
		"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH",
		"PERLIO_DEBUG", "PERLLIB", "PERL5LIB", "PERL5OPT", "PERL5DB",
		"FPATH", "NULLCMD", "READNULLCMD", "ZDOTDIR", "TMPPREFIX",
		"PYTHONHOME", "PYTHONPATH", "PYTHONINSPECT", "PYTHONUSERBASE", "PYTHONSTARTUP",
		"RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH",
		"GIT_SSH_COMMAND", "GIT_CONFIG_*",
	}
}

// Injects tells whether a variable would make a loader or an interpreter run
// code that is not the handler's.
func Injects(name, value string) bool {
	if strings.HasPrefix(value, "()") {
		return true // a function that old shells exported
	}
	return slices.ContainsFunc(injectors(), func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return name == pattern || wild && strings.HasPrefix(name, prefix)
	})
}
