package cli

import (
	"fmt"
	"io"
)

// MaxStdin is how much of an event a client may give on standard input, in bytes.
const MaxStdin = 64 << 10

// ReadStdin reads what the client gives on standard input, all of it or nothing.
func ReadStdin(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, MaxStdin+1))
	if err == nil && len(text) > MaxStdin {
		err = Refused(fmt.Errorf("standard input is longer than %d bytes", MaxStdin))
	}
	return text, err
}
