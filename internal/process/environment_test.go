package process_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

func TestEnvironment(t *testing.T) {
	env := process.Environment([]string{
		"PATH=/bin", "CERTBOT_DOMAIN=x", "RENEWED_LINEAGE=x", "domain=x", "cbot_type=x", "CHALLENGETYPE=x", "altnames=x",
		"LD_PRELOAD=/x", "BASH_ENV=/x", "BASH_FUNC_ls%%=() { :; }", "X=() { :; }", "PYTHONPATH=/x", "GIT_CONFIG_COUNT=1",
		"EXTAUTH_CHAIN=/x", "EXTAUTH_EVENT=x", "EXTAUTH_EXEC=1", "EXTAUTH_STATE_DIR=/s", "junk", "=x", "A=1", "A=2", "B=1", "EMPTY=",
	}, map[string]string{"B": "2", "domain": "a.test"}, map[string]string{"C": "3", "domain": "b.test"})
	require.Equal(t, []string{"PATH=/bin", "EXTAUTH_STATE_DIR=/s", "A=1", "EMPTY=", "B=2", "C=3", "domain=b.test"}, env)
}

func TestEventVariables(t *testing.T) {
	peer := 1000
	require.Equal(t, map[string]string{"EXTAUTH_EVENT": "cleanup", "EXTAUTH_PHASE": "cleanup", "EXTAUTH_PEER_UID": "1000"},
		process.EventVariables(envmap.Event{Cmd: envmap.Cleanup, Peer: &peer}))
}

// TestInjectingVariablesAreRemoved: sudo's list (plugins/sudoers/env.c,
// initial_badenv_table), and what bash exports as functions; with a name for
// each * of it. Their neighbours stay: handlers rely on what users export.
func TestInjectingVariablesAreRemoved(t *testing.T) {
	for _, name := range []string{
		"IFS", "CDPATH", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES", "NLSPATH", "PATH_LOCALE",
		"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_", "_RLD_LIST", "_RLDN32_LIST", "LIBPATH", "SHLIB_PATH",
		"DYLD_INSERT_LIBRARIES", "TERMINFO", "TERMINFO_DIRS", "TERMPATH", "TERMCAP",
		"ENV", "BASH_ENV", "PS4", "GLOBIGNORE", "BASHOPTS", "SHELLOPTS", "BASH_FUNC_ls%%", "BASH_FUNC_ls()",
		"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH",
		"PERLIO_DEBUG", "PERLLIB", "PERL5LIB", "PERL5OPT", "PERL5DB",
		"FPATH", "NULLCMD", "READNULLCMD", "ZDOTDIR", "TMPPREFIX",
		"PYTHONHOME", "PYTHONPATH", "PYTHONINSPECT", "PYTHONUSERBASE", "PYTHONSTARTUP",
		"RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH",
		"GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GCONV_PATH",
	} {
		require.Empty(t, process.Environment([]string{name + "=/tmp/evil"}), name)
		require.Empty(t, process.Environment([]string{name + "="}), name)
	}
	for _, function := range []string{"anything=() { :; }; id", "f=()"} {
		require.Empty(t, process.Environment([]string{function}))
	}
	stay := []string{
		"PATH=/bin", "HOME=/root", "USER=root", "LANG=C", "LC_ALL=C", "TZ=UTC", "TMPDIR=/tmp", "TERM=dumb", "SHELL=/bin/sh",
		"LDFLAGS=x", "ENVIRONMENT=x", "PS1=x", "PERL=x", "PYTHON=x", "GIT_DIR=x", "NODE_ENV=x", "BASH=x", "MY_IFS=x",
		"http_proxy=x", "AWS_SECRET_ACCESS_KEY=x", "VALUE=x() y",
	}
	require.Equal(t, stay, process.Environment(stay))
}
