package commandline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	words := []string{"acmesh", "certbot", "dehydrated", "handler", "json", "text"}
	for word, want := range map[string]string{
		"handlr": "handler", "dehydratd": "dehydrated", "tex": "text", "hndler": "handler", "jsn": "json", "Certbot": "certbot",
		"dance": "", "": "", "x": "", "certificate": "",
	} {
		got, ok := Nearest(word, words)
		require.Equal(t, want, got, word)
		require.Equal(t, want != "", ok, word)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2}, {"abc", "abc", 0}} {
		require.Equal(t, c.want, distance(c.a, c.b), c)
	}
}
