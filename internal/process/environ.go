package process

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// Environment is what a handler gets: the client's variables without those of
// any convention and without those that make a loader or an interpreter run
// other code, then the given ones, later maps over earlier. Names are sorted
// behind the client's.
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

// owned tells whether a variable is a convention's, or one of ours that says
// something of a single call or tells the programs what to run.
func owned(name string) bool {
	switch name {
	case "EXTAUTH_EVENT", "EXTAUTH_PHASE", "EXTAUTH_RESULT", "EXTAUTH_TOKEN_SYNTHETIC", "EXTAUTH_PEER_UID",
		"EXTAUTH_SOCKET", "EXTAUTH_CHAIN", "EXTAUTH_TO", "EXTAUTH_HANDLER", "EXTAUTH_TRACE",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES": // sd_listen_fds(3): for us
		return true
	}
	return envmap.Owned(name)
}

// Injects tells whether a variable would make a loader or an interpreter run
// code that is not the handler's. They are those that sudo takes away (sudo:
// plugins/sudoers/env.c, initial_badenv_table), and functions that shells
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

// about tells any handler what it is called for, and by whom.
func about(e envmap.Event) map[string]string {
	variables := map[string]string{"EXTAUTH_EVENT": string(e.Cmd), "EXTAUTH_PHASE": e.Phase()}
	if e.Peer != nil {
		variables["EXTAUTH_PEER_UID"] = strconv.Itoa(*e.Peer)
	}
	return variables
}
