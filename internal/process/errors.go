package process

import (
	"fmt"
	"time"
)

// TimeoutError is a handler that was stopped because its time was over.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("timed out after %s", e.After) }
