package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/extauth/extauth/pkg/envmap"
)

// A record is a line with its version, and the length in bytes and the SHA-256 of
// the rest, which is one line of JSON:
//
//	extauth-journal 3 LENGTH SHA256
//	{"event":{...},"started":"...","steps":[{"handler":{...},"output":"..."}]}
//
// The names of an event's fields are those of envmap.Event, the names of a
// handler's those of its chain line.
const (
	family  = "extauth-journal"
	version = "3"
)

// recordText is a Record as it is written.
type recordText struct {
	Event   eventText `json:"event"`
	Started time.Time `json:"started"`
	Steps   []Step    `json:"steps"`
}

// eventText is an event as it is written: the fields that are set and are kept.
type eventText envmap.Event

// MarshalJSON leaves out what is not to be kept.
func (t eventText) MarshalJSON() ([]byte, error) {
	fields := map[string]any{}
	e := reflect.ValueOf(kept(envmap.Event(t)))
	for i := range e.NumField() {
		if field := e.Field(i); !field.IsZero() {
			fields[e.Type().Field(i).Name] = field.Interface()
		}
	}
	return encode(fields)
}

// kept is an event without key material, unknown members, the other challenges of
// its order, and of the client's variables without passwords and what is not text.
func kept(e envmap.Event) envmap.Event {
	e.KeyPEM, e.CertPEM, e.Extra, e.Challenges = "", "", nil, nil
	e.ClientEnv = maps.Clone(e.ClientEnv)
	maps.DeleteFunc(e.ClientEnv, func(name, value string) bool {
		return envmap.IsSecret(name) || !utf8.ValidString(name+value)
	})
	return e
}

// encode returns a line of JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // people read it
	err := encoder.Encode(v)
	return b.Bytes(), err
}

func formatRecord(r *Record) ([]byte, error) {
	body, err := encode(recordText{eventText(r.Event), r.Started.UTC(), r.Steps})
	if err != nil {
		return nil, err
	}
	return append([]byte(header(version, body)+"\n"), body...), nil
}

// parseRecord reads a record whose header is right. A handler whose convention
// is not known says so when it is called.
func parseRecord(text []byte) (*Record, error) {
	head, body, _ := bytes.Cut(text, []byte("\n"))
	if string(head) != header(version, body) {
		return nil, errors.New("is torn")
	}
	var t recordText
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, err
	}
	for i := range t.Steps {
		_ = t.Steps[i].Handler.Resolve()
	}
	return &Record{envmap.Event(t.Event), t.Started, t.Steps}, nil
}

// header is a record's first line.
func header(version string, body []byte) string {
	sum := sha256.Sum256(body)
	return strings.Join([]string{family, version, strconv.Itoa(len(body)), hex.EncodeToString(sum[:])}, " ")
}

// isOtherVersion reports whether a text is a whole record of another version, as
// opposed to a torn one.
func isOtherVersion(text []byte) bool {
	head, body, _ := bytes.Cut(text, []byte("\n"))
	words := strings.Split(string(head), " ")
	if len(words) != 4 || words[1] == version {
		return false
	}
	_, err := strconv.Atoi(words[1])
	return err == nil && string(head) == header(words[1], body)
}
