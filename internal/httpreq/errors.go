package httpreq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// httpError is a request that is refused with a status of its own.
type httpError struct {
	status int
	reason string
}

func (e *httpError) Error() string { return e.reason }

var (
	errPath     = &httpError{http.StatusNotFound, "there is /present and /cleanup"}
	errMethod   = &httpError{http.StatusMethodNotAllowed, "wrong method"}
	errUser     = &httpError{http.StatusUnauthorized, "wrong or missing name and password"}
	errName     = &httpError{http.StatusForbidden, "the client may not touch this name"}
	errStopping = &httpError{http.StatusServiceUnavailable, "the server is stopping"}
)

// statusOf returns the HTTP status for the error of a request.
func statusOf(err error) int {
	known := new(httpError)
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &known):
		return known.status
	case is[*runner.RollbackError](err):
		return http.StatusInternalServerError
	case is[*envmap.CallError](err):
		return http.StatusBadRequest
	case is[*envmap.ValueError](err), is[*envmap.MissingError](err), is[*envmap.UnsupportedError](err), is[*runner.NoHandlerError](err):
		return http.StatusUnprocessableEntity
	case is[*journal.LockedError](err), is[*process.TimeoutError](err), is[*process.SignalError](err), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// refuse answers with one line. It contains no value: for acme.sh's
// dns_acmeproxy any answer that contains the value means success.
func refuse(w http.ResponseWriter, status int, err error) {
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="extauth", charset="UTF-8"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "POST")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	}
	http.Error(w, firstLine(withoutValue(err)), status)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return process.Printable(line)
}

// audit returns the log line of a request. It contains no values: neither the
// one to publish nor a password that was typed as a name.
func (q *request) audit(status int, err error) string {
	line := fmt.Sprintf("%s client=%s remote=%s %.16s %.64q name=%s status=%d", time.Now().UTC().Format(time.RFC3339),
		q.client, q.r.RemoteAddr, q.r.Method, q.r.URL.Path, q.name, status)
	if err != nil {
		line += ": " + firstLine(withoutValue(err))
	}
	return line
}

// withoutValue returns an error's text without the value that it refuses.
func withoutValue(err error) string {
	refused := new(envmap.ValueError)
	if !errors.As(err, &refused) {
		return err.Error()
	}
	return (&envmap.ValueError{Name: refused.Name, Reason: refused.Reason}).Error()
}
