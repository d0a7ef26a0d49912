package cli

import "github.com/extauth/extauth/pkg/envmap"

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

// result is the line that answers an event. One of an event that was not
// understood names none.
func result(e envmap.Event, output []byte, err error) []byte {
	r := envmap.Result{For: e.Cmd, Domain: e.Domain, OK: err == nil, Output: string(output)}
	if err != nil {
		r.Error = err.Error()
	}
	return r.Line()
}
