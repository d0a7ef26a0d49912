package sha256_test

import (
	"bytes"
	standard "crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/sha256"
)

// TestExamples are NIST's examples for SHA-256 and its short message of length 0.
func TestExamples(t *testing.T) {
	for _, example := range []struct{ text, hash string }{
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
			"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
		{string(bytes.Repeat([]byte("a"), 1_000_000)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	} {
		sum := sha256.Sum256([]byte(example.text))
		require.Equal(t, example.hash, hex.EncodeToString(sum[:]), "%d bytes", len(example.text))
	}
}

// TestEachLength: the last block is another for each length modulo 64.
func TestEachLength(t *testing.T) {
	var text []byte
	for n := range 301 {
		require.Equal(t, standard.Sum256(text), sha256.Sum256(text), "%d bytes", n)
		text = append(text, byte(7*n))
	}
}

// TestTextStays: a text is read alone, and nothing behind it.
func TestTextStays(t *testing.T) {
	text := []byte("abcdef")
	require.Equal(t, standard.Sum256([]byte("abc")), sha256.Sum256(text[:3]))
	require.Equal(t, "abcdef", string(text))
}

func FuzzSum256(f *testing.F) {
	for _, n := range []int{0, 55, 56, 64, 119, 120, 1000} {
		f.Add(bytes.Repeat([]byte{0x80}, n))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		require.Equal(t, standard.Sum256(text), sha256.Sum256(text))
	})
}

func BenchmarkSum256(b *testing.B) {
	text := bytes.Repeat([]byte("k"), 87) // a key authorization
	for b.Loop() {
		sha256.Sum256(text)
	}
}
