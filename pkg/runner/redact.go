package runner

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// minSecret is the length below which hiding a value would only hide words.
const minSecret = 6

// redactor returns a function that takes credentials out of a line: as they
// are, as in a URL or a form, and in base64, also where they stand inside of a
// longer text, as in an Authorization header. Longer forms go first, since one
// credential may begin with another.
func redactor(credentials map[string]string) func(string) string {
	var forms []string
	for _, secret := range credentials {
		if len(secret) >= minSecret {
			forms = append(forms, formsOf(secret)...)
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return func(line string) string {
		for _, form := range forms {
			line = strings.ReplaceAll(line, form, "[redacted]")
		}
		return line
	}
}

func formsOf(secret string) []string {
	escaped := url.QueryEscape(secret)
	forms := []string{secret, escaped, strings.ReplaceAll(escaped, "+", "%20"), url.PathEscape(secret)}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(secret)), encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(secret)))
		for before := range 3 {
			forms = append(forms, insideBase64(encoding, secret, before))
		}
	}
	return forms
}

// insideBase64 is the part of an encoding that depends on the secret alone,
// where a number of bytes, modulo 3, stands before it and more may follow.
func insideBase64(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(strings.Repeat("x", before) + secret))
	head := (before*8 + 5) / 6
	tail := (before + len(secret)) * 8 / 6
	return text[head:tail]
}
