package process

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
		require.Equal(t, 4, n, "all is taken, or the program would wait")
	}
	require.True(t, c.cut)
	require.Equal(t, "ab\u00fca", c.kept.String())
	require.Equal(t, "a\ufffdb", string(Clean([]byte("a\xff\x00b"), false)))
	require.Equal(t, "ab", string(Clean([]byte("ab\xc3"), true)), "a part of a character goes")
	require.Equal(t, "ab\ufffd", string(Clean([]byte("ab\xc3"), false)))
	require.Equal(t, "\u00fc", string(Clean([]byte("\u00fc"), true)))
}

func TestOutputThatFitsIsNotCut(t *testing.T) {
	c := &capture{max: 4}
	_, _ = c.Write([]byte("ab\u00fc"))
	_, _ = c.Write(nil)
	require.False(t, c.cut)
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

// TestComplaintsOfEachEvent: each has room of its own, and the end of a line that
// was cut is not shown with the next event.
func TestComplaintsOfEachEvent(t *testing.T) {
	var lines []string
	w := &complaints{lines: lineWriter{print: func(line string) { lines = append(lines, line) }, left: MaxOutput}}
	_, _ = w.Write([]byte(strings.Repeat("x", MaxOutput) + "sec"))
	w.renew.Store(true)
	_, _ = w.Write([]byte("ret\nof the "))
	_, _ = w.Write([]byte("second\n"))
	require.Equal(t, []string{strings.Repeat("x", MaxOutput-MaxCredential), "(more was written, and dropped)", "of the second"}, lines)
	require.Equal(t, MaxOutput-len("of the second\n"), w.lines.left)
}
