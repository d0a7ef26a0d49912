// Package sha256 computes SHA-256 as FIPS 180-4 defines it. crypto/sha256 does
// so too, and faster, but it stands on Go's FIPS 140-3 module: twenty packages
// with self-checks, settings, entropy and AES, which are initialised whenever a
// program starts that links it. A hook's program starts for each event, and
// hashes a few hundred bytes. All of them are public, or lie beside their hash
// (key authorizations, records): that the time it takes may tell something of
// them gives nothing away.
//
// Sections and equations are those of FIPS 180-4.
package sha256

import (
	"encoding/binary"
	"math/bits"
)

// Size is the length of a hash, in bytes.
const Size = 32

// blockSize is the length of a block, in bytes.
const blockSize = 64

// Sum256 is the hash of a text (section 6.2).
func Sum256(text []byte) (sum [Size]byte) {
	h := hash{ // section 5.3.3
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}
	var last [2 * blockSize]byte
	rest := h.add(text)
	h.add(last[:pad(&last, rest, len(text))])
	for i, word := range h {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

// pad puts what follows the whole blocks of a text into one or two blocks of
// their own, with a bit 1, zeros, and the text's length in bits behind it, and
// returns where they end (section 5.1.1).
func pad(blocks *[2 * blockSize]byte, rest []byte, length int) int {
	end := blockSize
	if len(rest)+1+8 > blockSize {
		end = 2 * blockSize
	}
	blocks[copy(blocks[:], rest)] = 0x80
	binary.BigEndian.PutUint64(blocks[end-8:], 8*uint64(length))
	return end
}

// hash is the hash of the blocks so far, H in section 6.2.
type hash [8]uint32

// add adds the whole blocks of a text, and returns what follows them.
func (h *hash) add(text []byte) (rest []byte) {
	for ; len(text) >= blockSize; text = text[blockSize:] {
		h.addBlock(text[:blockSize])
	}
	return text
}

// addBlock is section 6.2.2. Its last working variable, h, is called last.
func (h *hash) addBlock(block []byte) {
	words := schedule(block)
	a, b, c, d, e, f, g, last := h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
	for t, word := range &words {
		t1 := last + upper1(e) + choice(e, f, g) + constants[t] + word
		t2 := upper0(a) + majority(a, b, c)
		a, b, c, d, e, f, g, last = t1+t2, a, b, c, d+t1, e, f, g
	}
	for i, working := range [...]uint32{a, b, c, d, e, f, g, last} {
		h[i] += working
	}
}

// schedule is a block's message schedule, W in section 6.2.2.
func schedule(block []byte) (words [64]uint32) {
	for t := range 16 {
		words[t] = binary.BigEndian.Uint32(block[4*t:])
	}
	for t := 16; t < len(words); t++ {
		words[t] = lower1(words[t-2]) + words[t-7] + lower0(words[t-15]) + words[t-16]
	}
	return words
}

func choice(x, y, z uint32) uint32   { return x&y ^ ^x&z }      // Ch, equation 4.2
func majority(x, y, z uint32) uint32 { return x&y ^ x&z ^ y&z } // Maj, equation 4.3

// The functions that are written as capital and small sigma: equations 4.4 to 4.7.
func upper0(x uint32) uint32 { return right(x, 2) ^ right(x, 13) ^ right(x, 22) }
func upper1(x uint32) uint32 { return right(x, 6) ^ right(x, 11) ^ right(x, 25) }
func lower0(x uint32) uint32 { return right(x, 7) ^ right(x, 18) ^ x>>3 }
func lower1(x uint32) uint32 { return right(x, 17) ^ right(x, 19) ^ x>>10 }

// right rotates to the right, ROTR in section 3.2.
func right(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }

// constants are the first 32 bits of the fractional parts of the cube roots of
// the first 64 primes, K in section 4.2.2.
var constants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
