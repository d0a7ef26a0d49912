package runner

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// minSecret is the length below which hiding a value would only hide words.
const minSecret = 6

// FilesRedactor returns a function that takes the values of dotenv files out of
// a line, as far as they can be read, but for those that only say where
// something is: a path, a DNS name or an address.
func FilesRedactor(files []string) func(string) string {
	credentials := map[string]string{}
	for _, file := range files {
		variables, _ := ReadEnvFiles([]string{file})
		for name, value := range variables {
			if !isPlace(value) {
				credentials[file+" "+name] = value
			}
		}
	}
	return redactor(credentials)
}

// isPlace tells whether a value is a path, a DNS name in lower case whose last label
// is of letters, or an IP address.
func isPlace(value string) bool {
	name := strings.TrimSuffix(value, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	isName := len(last) < len(name) && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" &&
		(strings.Trim(last, "abcdefghijklmnopqrstuvwxyz") == "" || strings.Trim(name, "0123456789.") == "")
	isAddress := strings.Count(name, ":") > 1 && strings.Trim(name, "abcdef0123456789:.") == ""
	return strings.HasPrefix(value, "/") || isName || isAddress
}

// redactor returns a function that takes credentials out of a line: as they
// are, as in a URL or a form, and in base64, also where they stand inside of a
// longer text, as in an Authorization header. Longer forms go first, since one
// credential may begin with another.
func redactor(credentials map[string]string) func(string) string {
	var forms []string
	for _, secret := range credentials {
		if len(secret) < minSecret {
			continue
		}
		for _, form := range formsOf(secret) {
			at, _ := slices.BinarySearchFunc(forms, form, func(a, b string) int { return len(b) - len(a) })
			forms = slices.Insert(forms, at, form)
		}
	}
	return func(line string) string {
		for _, form := range forms {
			line = strings.ReplaceAll(line, form, "[redacted]")
		}
		return line
	}
}

func formsOf(secret string) []string {
	inQuery := escaped(secret, "")
	forms := []string{secret, inQuery, strings.ReplaceAll(inQuery, "%20", "+"), escaped(secret, "$&+:=@")}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(secret)), encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(secret)))
		for before := range 3 {
			forms = append(forms, insideBase64(encoding, secret, before))
		}
	}
	return forms
}

// escaped is a text as a URL has it: letters, digits, -._~ and the kept
// characters as they are, every other byte as %XX (RFC 3986 section 2.1). Package
// net/url would bring net/netip along, which a program pays for when it starts.
func escaped(text, kept string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~"+kept, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// insideBase64 is the part of an encoding that depends on the secret alone,
// where a number of bytes, modulo 3, stands before it and more may follow.
func insideBase64(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(strings.Repeat("x", before) + secret))
	head := (before*8 + 5) / 6
	tail := (before + len(secret)) * 8 / 6
	return text[head:tail]
}
