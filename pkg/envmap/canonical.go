package envmap

import (
	"crypto/sha256"
	"encoding/base64"
)

// CanonicalLine reports, without decoding it, that a line (without its line feed)
// is an event that decodes without an account's thumbprint and that Encode writes
// with the same bytes. It knows the lines that most streams consist of: challenges
// of http-01, dns-01 and tls-alpn-01 with everything that follows from their
// values, and certificates with both their times. Any other line has to be decoded,
// which takes three times as long.
func CanonicalLine(line []byte) bool {
	l := canonicalLine{cursor: cursor{text: line}}
	return l.takeCmd() && l.takeMembers() && l.take("}") && l.atEnd() && l.isComplete()
}

// canonicalLine is what was read of a line. Values are parts of it.
type canonicalLine struct {
	cursor
	cmd        Cmd
	kind       string // the challenge type
	domain     []byte
	token      []byte
	validation []byte
	keyAuth    []byte
	place      bool // uri or txt_domain is the one that follows
	times      int  // how many of timestamp and cert_timestamp are there
	remaining  int
	domains    int // how many
}

func (l *canonicalLine) takeCmd() bool {
	for _, cmd := range []Cmd{PerformChallenge, Cleanup, DeployCert, UnchangedCert} {
		if l.take(`{"cmd": "`) && l.take(string(cmd)) && l.take(`"`) {
			l.cmd = cmd
			return true
		}
		l.at = 0
	}
	return false
}

// takeMembers takes members in the order of the wire, each once at most.
func (l *canonicalLine) takeMembers() bool {
	members, _ := fieldsOf(l.cmd)
	for l.take(`, "`) {
		for len(members) > 0 && !l.take(members[0].name) {
			members = members[1:]
		}
		if len(members) == 0 || !l.take(`": `) || !l.takeValue(members[0].name) {
			return false
		}
		members = members[1:]
	}
	return true
}

func (l *canonicalLine) takeValue(name string) bool {
	switch name {
	case "remaining":
		return l.takeRemaining()
	case "domains":
		return l.takeDomains()
	case "timestamp", "cert_timestamp":
		return l.takeTime()
	case "validated", "error":
		if l.take("null") {
			return true
		}
	}
	return l.take(`"`) && l.takeText(name) && l.take(`"`)
}

// takeText takes the text between the quotes of a member's value, if Validate
// allows it.
func (l *canonicalLine) takeText(name string) bool {
	switch name {
	case "type":
		return l.takeType()
	case "domain":
		l.domain = l.identifier()
		return l.domain != nil
	case "token":
		l.token = l.word()
		return 0 < len(l.token) && len(l.token) <= maxToken
	case "validation":
		return l.takeValidation()
	case "key_auth":
		return l.takeKeyAuth()
	case "txt_domain", "uri":
		l.place = l.takePlace(name)
		return l.place
	case "cert_path", "key_path", "chain_path", "fullchain_path":
		path := l.plain()
		return 0 < len(path) && len(path) <= maxPath && path[0] == '/'
	case "status", "validated", "error", "command":
		text := l.plain()
		return 0 < len(text) && len(text) <= maxText
	}
	return false
}

func (l *canonicalLine) takeType() bool {
	for _, l.kind = range []string{HTTP01, DNS01, TLSALPN01} {
		if l.take(l.kind) {
			return true
		}
	}
	return false
}

func (l *canonicalLine) takeValidation() bool {
	start := l.at
	ok := false
	switch l.kind {
	case HTTP01:
		ok = l.takeToken() && l.takeHash()
	case DNS01:
		ok = l.takeHash()
	case TLSALPN01:
		_, ok = digest(string(l.plain()))
	}
	l.validation = l.text[start:l.at]
	return ok
}

// takeHash takes what SHA-256 gives, as 43 base64url characters.
func (l *canonicalLine) takeHash() bool { return len(l.word()) == 43 }

// takeToken takes the token and the dot after it, with which a key
// authorization begins.
func (l *canonicalLine) takeToken() bool {
	return l.token != nil && l.takeSame(l.token) && l.take(".")
}

// takeKeyAuth takes a key authorization from which the validation follows.
func (l *canonicalLine) takeKeyAuth() bool {
	if l.kind == HTTP01 {
		l.keyAuth = l.validation
		return l.keyAuth != nil && l.takeSame(l.keyAuth)
	}
	start := l.at
	if !l.takeToken() || !l.takeHash() {
		return false
	}
	l.keyAuth = l.text[start:l.at]
	return l.follows()
}

// follows is completeValidation's check, and DNSValue, without a string to be
// allocated for each line.
func (l *canonicalLine) follows() bool {
	sum := sha256.Sum256(l.keyAuth)
	var want [43]byte
	base64.RawURLEncoding.Encode(want[:], sum[:])
	if l.kind == TLSALPN01 {
		return string(l.validation) == string(want[:]) || sameValue(TLSALPN01, string(l.validation), string(want[:]))
	}
	return string(l.validation) == string(want[:])
}

// takePlace takes the place of the response, if it follows from the domain. A
// clean-up leaves it out.
func (l *canonicalLine) takePlace(name string) bool {
	switch {
	case l.cmd != PerformChallenge:
		return false
	case name == "uri":
		return l.kind == HTTP01 && l.take("http://") && l.takeSame(l.domain) && l.take("/.well-known/acme-challenge/") && l.takeSame(l.token)
	}
	return l.kind == DNS01 && l.take("_acme-challenge.") && l.takeSame(l.domain)
}

// identifier takes a DNS name in lower case that is short enough to have a TXT
// record's name made of it, or a wildcard; else it returns nil.
func (l *canonicalLine) identifier() []byte {
	start := l.at
	l.take("*.")
	for l.takeLabel() {
		if !l.take(".") {
			name := l.text[start:l.at]
			if len(name) > maxName-len("_acme-challenge.") {
				return nil
			}
			return name
		}
	}
	return nil
}

func (l *canonicalLine) takeLabel() bool {
	label := l.label()
	return 0 < len(label) && len(label) <= maxLabel && label[0] != '-' && label[len(label)-1] != '-'
}

func (l *canonicalLine) takeTime() bool {
	start := l.at
	l.times++
	return l.number() && l.at-start <= 32 // see isNumber
}

func (l *canonicalLine) takeRemaining() bool {
	n := l.whole()
	for _, digit := range n {
		l.remaining = 10*l.remaining + int(digit-'0')
	}
	return 0 < len(n) && len(n) <= 9 // fits an int everywhere
}

// takeDomains takes an array of identifiers, of which there is at least one.
func (l *canonicalLine) takeDomains() bool {
	for sep := `["`; l.take(sep); sep = `, "` {
		if l.identifier() == nil || !l.take(`"`) {
			return false
		}
		l.domains++
	}
	return l.domains > 0 && l.take("]")
}

// endsInDigit reports whether a domain could be an IPv4 address. Decoding tells
// it from a name.
func endsInDigit(domain []byte) bool {
	last := domain[len(domain)-1]
	return '0' <= last && last <= '9'
}

// isComplete reports whether the line has everything that Encode writes.
func (l *canonicalLine) isComplete() bool {
	if l.cmd == DeployCert || l.cmd == UnchangedCert {
		return l.times == 2
	}
	if l.domain == nil || l.domain[0] == '*' || l.validation == nil || l.domains > 0 && l.remaining >= l.domains {
		return false
	}
	placed := l.place || l.cmd == Cleanup
	switch l.kind {
	case HTTP01:
		return placed && l.keyAuth != nil
	case DNS01:
		return placed && !endsInDigit(l.domain)
	}
	return l.kind == TLSALPN01
}
