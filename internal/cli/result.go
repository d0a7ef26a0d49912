package cli

import (
	"bytes"
	"encoding/json"

	"github.com/extauth/extauth/pkg/envmap"
)

// results are the lines that answer the events of one call: what was printed for
// all of them stands in the first.
func results(events []envmap.Event, output []byte, err error) []byte {
	var lines []byte
	for _, e := range events {
		lines = append(lines, result(e, output, err)...)
		output = nil
	}
	return lines
}

// result is the line that answers an event:
//
//	{"cmd":"result","for":"perform_challenge","domain":"example.org","ok":true,"output":""}
//	{"cmd":"result","for":"perform_challenge","domain":"example.org","ok":false,"error":"..."}
//
// An event that was not understood has neither for nor domain.
func result(e envmap.Event, output []byte, err error) []byte {
	line := struct {
		Cmd    string  `json:"cmd"`
		For    string  `json:"for,omitempty"`
		Domain string  `json:"domain,omitempty"`
		OK     bool    `json:"ok"`
		Output *string `json:"output,omitempty"`
		Error  string  `json:"error,omitempty"`
	}{Cmd: "result", For: string(e.Cmd), Domain: e.Domain, OK: err == nil}
	if err == nil {
		text := string(output)
		line.Output = &text
	} else {
		line.Error = err.Error()
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(line) // strings and a bool: it cannot fail
	return b.Bytes()
}
