package cli

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// SetFileTimes completes events about certificates with the times of their files,
// if the client gave none: certbot gives its deploy hooks no time, but hooks of
// other clients expect one. cert_timestamp is the file's modification time, as the
// plugin certbot-external-auth had it; timestamp is its whole seconds, or the
// present if there is no file.
func SetFileTimes(events []envmap.Event) {
	for i := range events {
		setFileTimes(&events[i])
	}
}

func setFileTimes(e *envmap.Event) {
	if e.Cmd != envmap.DeployCert && e.Cmd != envmap.UnchangedCert || e.Timestamp != "" && e.CertTimestamp != "" {
		return
	}
	at := time.Now()
	if info, err := os.Stat(e.CertPath); err == nil {
		at = info.ModTime()
		if e.CertTimestamp == "" {
			e.CertTimestamp = seconds(at)
		}
	}
	if e.Timestamp == "" {
		e.Timestamp = strconv.FormatInt(at.Unix(), 10)
	}
}

// seconds formats a time in decimal seconds since 1970, to the microsecond.
func seconds(t time.Time) string {
	s := strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
