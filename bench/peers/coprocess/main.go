// Command coprocess is a handler that stays: it answers every event, a line on
// standard input, with success.
package main

import (
	"bufio"
	"os"
)

//nolint:forbidigo // a main, as those in cmd/
func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if _, err := os.Stdout.WriteString(`{"cmd":"result","ok":true}` + "\n"); err != nil {
			os.Exit(1)
		}
	}
}
