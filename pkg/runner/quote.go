package runner

import "strings"

// Quote writes words as a POSIX shell reads them back.
func Quote(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// quote leaves NAME=value readable: only the value is quoted.
func quote(word string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%+,-./:@_="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	name, value, assigned := strings.Cut(word, "=")
	if assigned && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == "" {
		return name + "=" + singleQuote(value)
	}
	return singleQuote(word)
}

func singleQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
