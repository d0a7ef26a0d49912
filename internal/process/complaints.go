package process

import (
	"bytes"
	"sync/atomic"
)

// complaints passes on what a Coprocess writes to standard error: for each event
// as much as a program could that runs for that event only.
type complaints struct {
	lines lineWriter
	renew atomic.Bool // another event has begun
	skip  bool        // up to the end of a line whose beginning was dropped
}

func (w *complaints) Write(p []byte) (int, error) {
	written := len(p)
	if w.renew.Swap(false) {
		w.begin()
	}
	if w.skip {
		_, rest, found := bytes.Cut(p, []byte("\n"))
		if !found {
			return written, nil
		}
		p, w.skip = rest, false
	}
	_, _ = w.lines.Write(p)
	return written, nil
}

// begin gives the writer its room again. The end of a line that was cut is
// dropped, as it might show the rest of a credential.
func (w *complaints) begin() {
	if w.lines.left == 0 {
		w.lines.flush()
		w.lines.part, w.skip = nil, true
	}
	w.lines.left = MaxOutput
}
