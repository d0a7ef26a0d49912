package envfile

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/process"
)

// minSecret is the length below which hiding a value would only hide words.
const minSecret = 6

// FilesRedactor returns a function that takes the values of env files out of a
// line, as far as the files can be read. Values that only say where something is
// stay: paths, DNS names and addresses.
func FilesRedactor(files []string) func(string) string {
	credentials := map[string]string{}
	for _, file := range files {
		variables, _ := Read(file)
		for name, value := range variables {
			if !isPlace(value) {
				credentials[file+" "+name] = value
			}
		}
	}
	return Redactor(credentials)
}

// isPlace reports whether a value is a path, a DNS name in lower case whose last
// label has only letters, or an IP address.
func isPlace(value string) bool {
	name := strings.TrimSuffix(value, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	isName := len(last) < len(name) && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" &&
		(strings.Trim(last, "abcdefghijklmnopqrstuvwxyz") == "" || strings.Trim(name, "0123456789.") == "")
	isAddress := strings.Count(name, ":") > 1 && strings.Trim(name, "abcdef0123456789:.") == ""
	return strings.HasPrefix(value, "/") && !strings.Contains(value, "\n") || isName || isAddress
}

// Redactor returns a function that takes credentials out of a line: as they are,
// as in a URL or a form, and in base64, also inside a longer text, such as an
// Authorization header. Longer forms go first, since one credential may begin
// with another.
func Redactor(credentials map[string]string) func(string) string {
	var forms []string
	for _, secret := range credentials {
		for _, part := range parts(secret) {
			if len(part) >= minSecret {
				forms = append(forms, formsOf(part)...)
			}
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	forms = slices.Compact(forms)
	return func(line string) string {
		for _, form := range forms {
			line = strings.ReplaceAll(line, form, "[redacted]")
		}
		return line
	}
}

// parts returns a secret and, if it has several lines, each of them as it is
// printed.
func parts(secret string) []string {
	all := []string{secret, process.Printable(secret)}
	for line := range strings.Lines(secret) {
		all = append(all, process.Printable(line))
	}
	return all
}

func formsOf(secret string) []string {
	inForm := url.QueryEscape(secret)
	forms := []string{secret, inForm, strings.ReplaceAll(inForm, "+", "%20"), url.PathEscape(secret)}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(secret)), encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(secret)))
		for before := range 3 {
			forms = append(forms, insideBase64(encoding, secret, before))
		}
	}
	return forms
}

// insideBase64 returns the part of an encoding that depends only on the secret,
// if a number of bytes, modulo 3, is before it and more may follow.
func insideBase64(encoding *base64.Encoding, secret string, before int) string {
	text := encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(strings.Repeat("x", before) + secret))
	head := (before*8 + 5) / 6
	tail := (before + len(secret)) * 8 / 6
	return text[head:tail]
}
