package process

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// MaxOutput is how much of a program's standard output is kept, in bytes.
// certbot puts it into an environment variable, which Linux limits to 128 KiB
// with everything else in it.
const MaxOutput = 32 << 10

// MaxCredential is the longest credential, in bytes, that is still recognised at
// the place where a program's messages are cut.
const MaxCredential = 4 << 10

// capture keeps the first max bytes that are written to it and drops the rest,
// so that a program can write as much as it likes.
type capture struct {
	kept bytes.Buffer
	max  int
	cut  bool
}

func (c *capture) Write(p []byte) (int, error) {
	room := min(c.max-c.kept.Len(), len(p))
	c.cut = c.cut || room < len(p)
	c.kept.Write(p[:room])
	return len(p), nil
}

// Clean makes output fit for a client: valid UTF-8 without NUL, which certbot
// needs. What is not UTF-8 becomes U+FFFD, and a NUL is dropped. If the output
// was cut, a part of a character at its end is dropped too.
func Clean(output []byte, cut bool) []byte {
	if cut {
		output = withoutPartialRune(output)
	}
	return bytes.ToValidUTF8(bytes.ReplaceAll(output, []byte{0}, nil), []byte(string(utf8.RuneError)))
}

func withoutPartialRune(b []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		tail := b[len(b)-back:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-back]
			}
			break
		}
	}
	return b
}

// Printable makes a message fit for a terminal and a log: control characters
// except tabs are dropped.
func Printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || 0x7f <= r && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, string(utf8.RuneError)))
}

// lineWriter passes a program's standard error on, a printable line at a time, up
// to a number of bytes.
type lineWriter struct {
	print func(line string)
	part  []byte // of a line that has not ended
	left  int    // how many bytes it still takes
}

func (w *lineWriter) Write(p []byte) (int, error) {
	written := len(p)
	if len(p) > w.left {
		p = p[:w.left]
	}
	w.left -= len(p)
	w.part = append(w.part, p...)
	for {
		line, rest, found := bytes.Cut(w.part, []byte("\n"))
		if !found {
			return written, nil
		}
		w.print(Printable(string(line)))
		w.part = rest
	}
}

// flush prints a last line that has no line feed, and that the rest was dropped.
func (w *lineWriter) flush() {
	cut := w.left == 0
	if cut { // it may end in a part of a credential, which nobody would recognise
		w.part = w.part[:max(0, len(w.part)-MaxCredential)]
	}
	if len(w.part) > 0 {
		w.print(Printable(string(w.part)))
	}
	if cut {
		w.print("(more was written, and dropped)")
	}
}
