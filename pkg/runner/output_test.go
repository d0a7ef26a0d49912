package runner

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestOutputIsCappedAndClean(t *testing.T) {
	c := &capture{max: 5}
	for range 3 {
		n, err := c.Write([]byte("ab\u00fc"))
		require.NoError(t, err)
		require.Equal(t, 4, n, "all is taken, or the handler would wait")
	}
	require.Equal(t, "ab\u00fc", string(Clean(c.kept.Bytes()[:5], true)[:4]))
	require.Equal(t, "a\ufffdb", string(Clean([]byte("a\xff\x00b"), false)))
	require.Equal(t, "ab", string(Clean([]byte("ab\xc3"), true)), "a character that the cap cut goes")
	require.Equal(t, "ab\ufffd", string(Clean([]byte("ab\xc3"), false)))
	require.Equal(t, "\u00fc", string(Clean([]byte("\u00fc"), true)))
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("a\x00\xff\u00fc"), true)
	f.Fuzz(func(t *testing.T, output []byte, cut bool) {
		clean := Clean(output, cut)
		require.True(t, utf8.Valid(clean))
		require.NotContains(t, string(clean), "\x00")
		if utf8.Valid(output) && !bytes.Contains(output, []byte{0}) {
			require.Equal(t, string(output), string(clean))
		}
	})
}

func TestMessagesAreFitForATerminal(t *testing.T) {
	var lines []string
	w := &lineWriter{print: func(line string) { lines = append(lines, line) }, left: 64}
	_, _ = w.Write([]byte("one\x1b[2J\ntwo"))
	_, _ = w.Write([]byte(" more\r\n\xff"))
	_, _ = w.Write([]byte(strings.Repeat("x", 1000)))
	w.flush()
	require.Equal(t, []string{"one[2J", "two more", "(more was written, and dropped)"}, lines)
}

func TestQuote(t *testing.T) {
	require.Equal(t, `/bin/x A=b C='d e' '' 'it'\''s' 'a b=c' -n '~'`, Quote([]string{"/bin/x", "A=b", "C=d e", "", "it's", "a b=c", "-n", "~"}))
}

func TestEnvironment(t *testing.T) {
	env := Environment([]string{
		"PATH=/bin", "CERTBOT_DOMAIN=x", "RENEWED_LINEAGE=x", "domain=x", "cbot_type=x", "CHALLENGETYPE=x", "altnames=x",
		"LD_PRELOAD=/x", "BASH_ENV=/x", "BASH_FUNC_ls%%=() { :; }", "X=() { :; }", "PYTHONPATH=/x", "GIT_CONFIG_COUNT=1",
		"EXTAUTH_CHAIN=/x", "EXTAUTH_EVENT=x", "EXTAUTH_STATE_DIR=/s", "junk", "=x", "A=1", "A=2", "B=1", "EMPTY=",
	}, map[string]string{"B": "2", "domain": "a.test"}, map[string]string{"C": "3", "domain": "b.test"})
	require.Equal(t, []string{"PATH=/bin", "EXTAUTH_STATE_DIR=/s", "A=1", "EMPTY=", "B=2", "C=3", "domain=b.test"}, env)
}

func TestRecordsAreChecked(t *testing.T) {
	j := journal{dir: t.TempDir()}
	require.NoError(t, j.save("k", &record{Steps: []step{{Output: "x"}}}))
	r, err := j.load("k")
	require.NoError(t, err)
	require.Equal(t, "x", r.Steps[0].Output)
	r, err = j.load("other")
	require.NoError(t, err)
	require.Nil(t, r)
}

// FuzzParseRecord: what is taken for a record has the length and the checksum of
// its first line, in either version.
func FuzzParseRecord(f *testing.F) {
	inVersion1 := func(body []byte) string { return inJSON + strings.TrimPrefix(header(body), version) }
	written := appendRecord(&record{Steps: []step{{Output: "x"}}})
	f.Add(append([]byte(header(written)+"\n"), written...))
	old := []byte(`{"Steps":[{"Output":"x"}]}`)
	f.Add(append([]byte(inVersion1(old)+"\n"), old...))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := parseRecord(text); err == nil {
			require.NotNil(t, r)
			head, body, _ := bytes.Cut(text, []byte("\n"))
			require.Contains(t, []string{header(body), inVersion1(body)}, string(head))
		}
	})
}
