package envmap

import "bytes"

// cursor reads plain JSON: strings of printable ASCII without a backslash, and
// numbers in decimal digits. Its methods either take something and move on, or
// return false (or nothing).
type cursor struct {
	text []byte
	at   int // the next byte
}

// take takes s, if it comes next.
func (c *cursor) take(s string) bool {
	end := c.at + len(s)
	if end > len(c.text) || string(c.text[c.at:end]) != s {
		return false
	}
	c.at = end
	return true
}

// takeSame takes what was read before, if it comes again.
func (c *cursor) takeSame(read []byte) bool {
	if !bytes.HasPrefix(c.text[c.at:], read) {
		return false
	}
	c.at += len(read)
	return true
}

// atEnd reports whether nothing is left.
func (c *cursor) atEnd() bool { return c.at == len(c.text) }

// skip takes n bytes and returns them.
func (c *cursor) skip(n int) []byte {
	c.at += n
	return c.text[c.at-n : c.at]
}

// plain takes characters of a plain string, up to its closing quote.
func (c *cursor) plain() []byte { return c.skip(lengthOf(plainBytes(), c.text[c.at:])) }

// word takes base64url characters.
func (c *cursor) word() []byte { return c.skip(lengthOf(wordBytes(), c.text[c.at:])) }

// label takes letters, digits, hyphens and underscores, as isLDH has them.
func (c *cursor) label() []byte { return c.skip(lengthOf(labelBytes(), c.text[c.at:])) }

// digits takes decimal digits.
func (c *cursor) digits() []byte {
	n := c.at
	for n < len(c.text) && '0' <= c.text[n] && c.text[n] <= '9' {
		n++
	}
	return c.skip(n - c.at)
}

// whole takes the digits of a whole number, which may not begin with a zero that
// others follow.
func (c *cursor) whole() []byte {
	d := c.digits()
	if len(d) > 1 && d[0] == '0' {
		return nil
	}
	return d
}

// number takes a decimal number, with or without a fraction.
func (c *cursor) number() bool {
	return len(c.whole()) > 0 && (!c.take(".") || len(c.digits()) > 0)
}

// byteSet is a set of bytes: bit b%64 of element b/64 is for b.
type byteSet [4]uint64

func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 == 1 }

// plainBytes are printable ASCII except the quote and the backslash.
func plainBytes() byteSet {
	return byteSet{1<<64 - 1<<' ' - 1<<'"', 1<<63 - 1 - 1<<('\\'-64)}
}

// wordBytes are base64url's characters (RFC 4648 section 5).
func wordBytes() byteSet {
	label := labelBytes()
	return byteSet{label[0], label[1] | (1<<('Z'+1-64) - 1<<('A'-64))}
}

// labelBytes are the characters of a DNS label in lower case.
func labelBytes() byteSet {
	const digits = 1<<('9'+1) - 1<<'0'
	const letters = 1<<('z'+1-64) - 1<<('a'-64)
	return byteSet{digits | 1<<'-', letters | 1<<('_'-64)}
}

// lengthOf returns how many bytes of s, from its start, are in the set.
func lengthOf(set byteSet, s []byte) int {
	for i := 0; i < len(s); i++ {
		if !set.has(s[i]) {
			return i
		}
	}
	return len(s)
}
