package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplay(t *testing.T) {
	for script, want := range map[string]records{
		"update add a.test 60 TXT v\nsend\n":                                             {"a.test": {"v"}},
		"update add A.test. 60 IN TXT \"v\"\n\n":                                         {"a.test": {"v"}},
		"add a.test 60 TXT v\nadd a.test 60 TXT w\nadd a.test 60 TXT w\nsend\n":          {"a.test": {"v", "w"}},
		"server ns 53\nzone test\nttl 1\nadd a.test 60 TXT v\nsend\nquit\n":              {"a.test": {"v"}},
		"update add a.test 60 TXT v\n":                                                   {},
		"update add a.test 60 A 127.0.0.1\nsend\n":                                       {},
		"add a.test 60 TXT v\nadd a.test 60 TXT w\nsend\ndel a.test TXT v\nsend":         {"a.test": {"w"}},
		"add a.test 60 TXT v\nadd b.test 60 TXT v\nsend\nupdate delete a.test TXT\nsend": {"b.test": {"v"}},
		"add a.test 60 TXT v\nsend\nupdate delete a.test\nsend":                          {},
		"add a.test 60 TXT v\nsend\nupdate delete a.test 0 IN TXT \"w\"\nsend":           {"a.test": {"v"}},
		"update\nsend\nprereq nxdomain a.test\n":                                         {},
	} {
		left := records{}
		left.replay(script)
		for name, values := range left {
			if len(values) == 0 {
				delete(left, name)
			}
		}
		require.Equal(t, want, left, script)
	}
}

func TestEachCheckIsExplained(t *testing.T) {
	for _, c := range checks() {
		require.NotEmpty(t, c.explanation(), c.name)
		require.NotContains(t, c.explanation(), "\n\n", c.name)
	}
	require.Equal(t, len(checks()), strings.Count("\n\n"+explanations, "\n\n"))
}
