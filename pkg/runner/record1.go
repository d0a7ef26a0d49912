package runner

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// readVersion1 reads a record of version 1. That was a JSON object with the names
// of our own types' fields, which are written here as the lines of version 2.
func readVersion1(body []byte) (*record, error) {
	members, err := envmap.ParseObject(body)
	if err != nil {
		return nil, err
	}
	ofEvents := map[string]string{
		"TXTDomain": "txt_domain", "ZDomain": "z_domain", "KeyAuth": "key_auth", "CertPath": "cert_path", "KeyPath": "key_path",
		"AuthOutput": "auth_output", "ClientEnv": "client_env",
	}
	ofHandlers := map[string]string{"Domains": "domain", "Phases": "phase", "EnvFiles": "env", "Aliases": "alias"}
	event, steps := "event", ""
	for _, m := range members {
		switch m.Name {
		case "Event":
			event += fieldsOf(m, ofEvents)
		case "Started":
			started, err := instant(m.Text())
			if err != nil {
				return nil, err
			}
			event += " started " + strconv.Quote(strconv.FormatInt(started.UnixNano(), 10))
		case "Steps":
			for _, s := range m.Parts() {
				steps += "step" + fieldsOf(s, ofHandlers) + "\n"
			}
		}
	}
	return readRecord(event + "\n" + steps)
}

// instant reads a time as RFC 3339 section 5.6 has it. (time.Parse reads many
// more, and is a hundredth of each program that has it.)
func instant(text string) (time.Time, error) {
	day, clock, _ := strings.Cut(strings.TrimSuffix(text, "Z"), "T")
	zone := clock[max(0, strings.LastIndexAny(clock, "+-")):]
	if zone == clock {
		zone = "+00:00"
	}
	passed, err := duration(strings.TrimSuffix(clock, zone))
	offset, zoneErr := duration(zone)
	date, dateErr := time.Time{}, errNotes
	if words := strings.Split(day, "-"); len(words) == 3 {
		var n [3]int
		for i := range n {
			n[i], dateErr = strconv.Atoi(words[i])
		}
		date = time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	}
	return date.Add(passed - offset), errors.Join(err, zoneErr, dateErr)
}

// duration reads hh:mm or hh:mm:ss.
func duration(text string) (time.Duration, error) {
	hours, rest, _ := strings.Cut(text, ":")
	minutes, seconds, _ := strings.Cut(rest, ":")
	return time.ParseDuration(hours + "h" + minutes + "m" + cmp.Or(seconds, "0") + "s")
}

// fieldsOf are an object's members as fields of a line, which are named as the
// members are, in small letters, or as names has it.
func fieldsOf(object envmap.Member, names map[string]string) (line string) {
	for _, m := range object.Parts() {
		switch words := quotedTexts(m); {
		case m.Name == "Handler":
			line += fieldsOf(m, names)
		case m.Name == "Commands":
			for _, command := range m.Parts() {
				line += " command=" + command.Name + quotedTexts(command)
			}
		case m.Name != "Closer" && words != "": // who performed it cleans up, whatever others take
			line += " " + cmp.Or(names[m.Name], strings.ToLower(m.Name)) + words
		}
	}
	return line
}

// quotedTexts are the texts in a value, behind a space each, and the names of an
// object's members with them. null and false have none.
func quotedTexts(m envmap.Member) (words string) {
	switch m.Value[0] {
	case 'n', 'f':
		return ""
	case '{', '[':
		for _, part := range m.Parts() {
			if m.Value[0] == '{' {
				words += " " + strconv.Quote(part.Name)
			}
			words += quotedTexts(part)
		}
		return words
	}
	return " " + strconv.Quote(m.Text())
}
