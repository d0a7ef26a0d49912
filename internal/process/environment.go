package process

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// Environment is what a handler gets: the client's variables except those of a
// convention, those that are for our programs, and those that make a loader or an
// interpreter run other code; then the added ones, sorted. Of two variables with
// the same name the first of the client's counts, an added one more, and that of a
// later map most.
func Environment(client []string, added ...map[string]string) []string {
	size := len(client)
	for _, m := range added {
		size += len(m)
	}
	merged := make(map[string]string, size)
	for _, m := range added {
		maps.Copy(merged, m)
	}
	ours := sorted(merged)
	env := make([]string, 0, len(client)+len(ours))
	for _, variable := range client {
		name, value, ok := strings.Cut(variable, "=")
		if _, taken := merged[name]; !ok || name == "" || taken || owned(name) || Injects(name, value) {
			continue
		}
		merged[name], env = value, append(env, variable)
	}
	return append(env, ours...)
}

func sorted(variables map[string]string) []string {
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// owned reports whether a variable is a convention's, or one of ours that
// describes a single call or says what our programs run.
func owned(name string) bool {
	switch name {
	case "EXTAUTH_EVENT", "EXTAUTH_PHASE", "EXTAUTH_RESULT", "EXTAUTH_TOKEN_SYNTHETIC", "EXTAUTH_PEER_UID",
		"EXTAUTH_SOCKET", "EXTAUTH_CHAIN", "EXTAUTH_TO", "EXTAUTH_HANDLER", "EXTAUTH_EXEC", "EXTAUTH_TRACE",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES": // sd_listen_fds(3): for us
		return true
	}
	return envmap.Owned(name)
}

// Injects reports whether a variable would make a loader or an interpreter run
// code that is not the handler's. These are the variables that sudo removes (sudo:
// plugins/sudoers/env.c, initial_badenv_table), and functions that a shell
// exported.
func Injects(name, value string) bool {
	switch name {
	case "IFS", "CDPATH", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES", "NLSPATH", "PATH_LOCALE", "GCONV_PATH",
		"LIBPATH", "SHLIB_PATH",
		"TERMINFO", "TERMINFO_DIRS", "TERMPATH", "TERMCAP",
		"ENV", "BASH_ENV", "PS4", "GLOBIGNORE", "BASHOPTS", "SHELLOPTS",
		"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH",
		"PERLIO_DEBUG", "PERLLIB", "PERL5LIB", "PERL5OPT", "PERL5DB",
		"FPATH", "NULLCMD", "READNULLCMD", "ZDOTDIR", "TMPPREFIX",
		"PYTHONHOME", "PYTHONPATH", "PYTHONINSPECT", "PYTHONUSERBASE", "PYTHONSTARTUP",
		"RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH",
		"GIT_SSH_COMMAND":
		return true
	}
	for _, prefix := range [...]string{"LD_", "_RLD", "DYLD_", "BASH_FUNC_", "GIT_CONFIG_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasPrefix(value, "()")
}

// EventVariables are those that tell every handler, whatever its convention, what
// it is called for and by whom.
func EventVariables(e envmap.Event) map[string]string {
	variables := map[string]string{"EXTAUTH_EVENT": string(e.Cmd), "EXTAUTH_PHASE": e.Phase()}
	if e.Peer != nil {
		variables["EXTAUTH_PEER_UID"] = strconv.Itoa(*e.Peer)
	}
	return variables
}
