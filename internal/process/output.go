package process

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// MaxOutput is how much of a handler's standard output is kept, in bytes.
// certbot puts it into an environment variable, which Linux limits to 128 KiB
// with all else in it.
const MaxOutput = 32 << 10

// maxDelivered is how much of all handlers' output a client gets, in bytes.
const maxDelivered = 3 * MaxOutput

// maxCredential is how long a credential may be that is not to be shown, bytes.
const maxCredential = 4 << 10

// capture keeps the first max bytes that are written to it and forgets the
// rest, so that a handler can write as much as it likes.
type capture struct {
	kept bytes.Buffer
	max  int
	cut  bool
}

func (c *capture) Write(p []byte) (int, error) {
	room := c.max - c.kept.Len()
	if len(p) > room {
		c.cut = true
		c.kept.Write(p[:room])
	} else {
		c.kept.Write(p)
	}
	return len(p), nil
}

// Clean makes output fit for a client: valid UTF-8 without NUL. certbot dies
// of anything else. What is not UTF-8 becomes U+FFFD, a NUL is dropped, and a
// character that the cap cut in two goes.
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
// are dropped, but for tabs.
func Printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || 0x7f <= r && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, string(utf8.RuneError)))
}

// lineWriter passes a handler's standard error on, a clean line at a time, up
// to max bytes.
type lineWriter struct {
	print func(line string)
	part  []byte
	left  int
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

// flush prints a last line that has no line feed, and says what was dropped.
func (w *lineWriter) flush() {
	cut := w.left == 0
	if cut { // it may end in a part of a credential, which nobody would know again
		w.part = w.part[:max(0, len(w.part)-maxCredential)]
	}
	if len(w.part) > 0 {
		w.print(Printable(string(w.part)))
	}
	if cut {
		w.print("(more was written, and dropped)")
	}
}
