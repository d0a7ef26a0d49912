package endpoint

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// AnswerError is the answer of a process that did not do what it was asked, or
// did not say so in a result line.
type AnswerError struct{ Reason string }

func (e *AnswerError) Error() string { return "answered: " + e.Reason }

// readAnswer reads the result of one event, which is given as its line, and
// returns what was printed for it.
func readAnswer(r *bufio.Reader, event []byte) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, err
	}
	if err != nil {
		return nil, &AnswerError{"nothing; the connection ended"}
	}
	cmd, domain := envmap.Asked(event)
	result, err := ReadResult(line, cmd, domain)
	if err != nil {
		return nil, err
	}
	return Printed(result)
}

// ReadResult reads a line that answers an event. The error is an *AnswerError.
func ReadResult(line []byte, cmd envmap.Cmd, domain string) (envmap.Result, error) {
	result, err := envmap.ParseResult(line)
	switch {
	case err != nil:
		return result, &AnswerError{"something that is not a result line"}
	case !result.IsFor(cmd, domain):
		return result, &AnswerError{fmt.Sprintf("the result of another event, %.40q %.80q", result.For, result.Domain)}
	}
	return result, nil
}

// Printed returns what was printed for an event. If it was not done, the error
// is an *AnswerError.
func Printed(result envmap.Result) ([]byte, error) {
	if !result.OK {
		return nil, &AnswerError{oneLine(result.Error)}
	}
	return process.Clean([]byte(result.Output), false), nil
}

// maxReason is how much of another process's words is shown, in bytes.
const maxReason = 2 << 10

func oneLine(text string) string {
	text = process.Printable(strings.ReplaceAll(text, "\n", "; "))
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "..."
	}
	return text
}
