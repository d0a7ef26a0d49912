package envmap

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxToken = 256     // characters of a token
	maxName  = 253     // octets of a DNS name (RFC 1035 section 2.3.4)
	maxLabel = 63      // octets of a label
	maxText  = 1 << 16 // bytes of a text for people
	maxPath  = 4096    // bytes of a path
)

// Validate checks every value against what is allowed; nothing else may be passed
// to a handler. The error is a *ValueError whose Name is the JSON member.
//
//	token           [A-Za-z0-9_-]{1,256}
//	dns-01          [A-Za-z0-9_-]{43}; dns-account-01 the same
//	http-01         token "." [A-Za-z0-9_-]{43}
//	tls-alpn-01     32 bytes as hex (colons allowed) or base64url
//	tls-sni-01      two labels of 32 hex digits under acme.invalid
//	dns-persist-01  printable ASCII
//	identifiers     LDH and underscore labels in lower case, or an IP address
//	paths           absolute, without control characters
func (e Event) Validate() error { return e.validate() }

func (e *Event) validate() error {
	return firstFault(validateCmd(e), validateIdentifiers(e), validatePaths(e), validateTexts(e), validateNumbers(e), validateChallenge(e))
}

// firstFault returns the first fault, or nil.
func firstFault(faults ...error) error {
	for _, fault := range faults {
		if fault != nil {
			return fault
		}
	}
	return nil
}

func validateCmd(e *Event) error {
	if _, known := fieldsOf(e.Cmd); !known {
		return &ValueError{Name: "cmd", Value: string(e.Cmd), Reason: "is not an event"}
	}
	return nil
}

func validateChallenge(e *Event) error {
	if !e.IsChallenge() {
		return nil
	}
	if e.Domain == "" && (e.TXTDomain == "" || !strings.HasPrefix(e.Type, "dns-")) {
		return &ValueError{Name: "domain", Reason: "is missing"}
	}
	if strings.HasPrefix(e.Domain, "*.") {
		return &ValueError{Name: "domain", Value: e.Domain, Reason: "is a wildcard, which has no challenge of its own"}
	}
	if e.Token != "" && !(isBase64URL(e.Token) && len(e.Token) <= maxToken) {
		return &ValueError{Name: "token", Value: e.Token, Reason: "is not 1 to 256 base64url characters"}
	}
	if e.KeyAuth != "" && !isKeyAuth(e.KeyAuth) {
		return &ValueError{Name: "key_auth", Value: e.KeyAuth, Reason: "is not TOKEN.THUMBPRINT"}
	}
	if err := validateValue(e); err != nil {
		return err
	}
	return validatePlaces(e)
}

// validateValue checks the validation against the form that its type allows.
func validateValue(e *Event) error {
	if e.Validation == "" && e.Partial && e.Cmd == Cleanup {
		return nil // the journal knows it
	}
	if e.Validation == "" && e.Type != TLSSNI01 {
		return &ValueError{Name: "validation", Reason: "is missing"}
	}
	switch e.Type {
	case DNS01, DNSAccount01:
		return wanted(e, isBase64URL(e.Validation) && len(e.Validation) == 43, "is not 43 base64url characters")
	case HTTP01:
		return wanted(e, (e.Validation == e.KeyAuth || isKeyAuth(e.Validation)) && TokenOf(e.Validation) == e.Token, "is not TOKEN.THUMBPRINT with its token")
	case TLSALPN01:
		_, ok := digest(e.Validation)
		return wanted(e, ok, "is not 32 bytes as hex or base64url")
	case TLSSNI01:
		return wanted(e, e.Validation == "" || isSNIName(e.Validation), "is not a name under acme.invalid")
	case DNSPersist01:
		return wanted(e, isPrintable(e.Validation), "is not printable ASCII")
	case "":
		return &ValueError{Name: "type", Reason: "is missing"}
	}
	return &ValueError{Name: "type", Value: e.Type, Reason: "is not a challenge type"}
}

func wanted(e *Event, ok bool, reason string) error {
	if ok {
		return nil
	}
	return &ValueError{Name: "validation", Value: e.Validation, Reason: e.Type + ": " + reason}
}

// validatePlaces checks the places where the CA looks for the response.
func validatePlaces(e *Event) error {
	if isAddress(e.Domain) && strings.HasPrefix(e.Type, "dns-") {
		return &ValueError{Name: "domain", Value: e.Domain, Reason: "is an IP address, which " + e.Type + " cannot validate"}
	}
	if e.TXTDomain != "" && !isName(e.TXTDomain) {
		return &ValueError{Name: "txt_domain", Value: e.TXTDomain, Reason: "is not a DNS name"}
	}
	if e.ZDomain != "" && !isSNIName(e.ZDomain) {
		return &ValueError{Name: "z_domain", Value: e.ZDomain, Reason: "is not a name under acme.invalid"}
	}
	if e.URI != "" && !isPrintable(e.URI) {
		return &ValueError{Name: "uri", Value: e.URI, Reason: "is not printable ASCII"}
	}
	return nil
}

func validateIdentifiers(e *Event) error {
	if reason := identifierFault(e.Domain); e.Domain != "" && reason != "" {
		return &ValueError{Name: "domain", Value: e.Domain, Reason: reason}
	}
	if err := validateList("domains", e.Domains); err != nil {
		return err
	}
	if err := validateList("failed_domains", e.FailedDomains); err != nil {
		return err
	}
	if e.Remaining != nil && (*e.Remaining < 0 || len(e.Domains) > 0 && *e.Remaining >= len(e.Domains)) {
		return &ValueError{Name: "remaining", Value: fmt.Sprint(*e.Remaining), Reason: "is not the number of challenges that follow"}
	}
	return nil
}

func validateList(name string, list []string) error {
	for _, id := range list {
		if reason := identifierFault(id); reason != "" {
			return &ValueError{Name: name, Value: id, Reason: reason}
		}
	}
	return nil
}

func validatePaths(e *Event) error {
	for _, path := range [...]Member{
		{"cert_path", e.CertPath}, {"key_path", e.KeyPath}, {"chain_path", e.ChainPath}, {"fullchain_path", e.FullchainPath},
		{"csr_path", e.CSRPath}, {"ocsp_path", e.OCSPPath}, {"cert_dir", e.CertDir},
	} {
		if p := path.Value; p != "" && (p[0] != '/' || len(p) > maxPath || !isText(p, "")) {
			return &ValueError{Name: path.Name, Value: p, Reason: "is not an absolute path without control characters"}
		}
	}
	return nil
}

func validateTexts(e *Event) error {
	for _, text := range [...]Member{
		{"status", e.Status}, {"validated", e.Validated}, {"error", e.Error}, {"body", e.Body}, {"method", e.Method}, {"headers", e.Headers},
		{"title", e.Title}, {"command", e.Command}, {"cert_pem", e.CertPEM}, {"key_pem", e.KeyPEM}, {"messages", e.Messages},
	} {
		if text.Value == "" {
			continue
		}
		if reason := textFault(text.Value); reason != "" && IsSecret(text.Name) {
			return &ValueError{Name: text.Name, Reason: reason}
		} else if reason != "" {
			return &ValueError{Name: text.Name, Value: text.Value, Reason: reason}
		}
	}
	return nil
}

// textFault returns what is wrong with a text for people, or "".
func textFault(s string) string {
	if len(s) > maxText {
		return fmt.Sprintf("is longer than %d bytes", maxText)
	}
	if !isText(s, "\t\n\r") {
		return "has control characters or is not UTF-8"
	}
	return ""
}

func validateNumbers(e *Event) error {
	for _, n := range [...]Member{{"timestamp", e.Timestamp}, {"cert_timestamp", e.CertTimestamp}, {"port", e.Port}} {
		if n.Value != "" && !isNumber(n.Value) {
			return &ValueError{Name: n.Name, Value: n.Value, Reason: "is not a decimal number"}
		}
	}
	return nil
}

// identifier brings an identifier into its canonical form: lower case, one
// final dot dropped. One that is not ASCII is not an identifier, and stays.
func identifier(s string) string {
	if !isASCII(s) {
		return s
	}
	return strings.TrimSuffix(strings.ToLower(s), ".")
}

func identifiers(list []string) []string {
	for i, s := range list {
		list[i] = identifier(s)
	}
	return list
}

// identifierFault returns why s is not an identifier, or "".
func identifierFault(s string) string {
	if s == "" {
		return "is empty"
	}
	if isAddress(s) {
		return ""
	}
	if !isASCII(s) {
		return "is not ASCII; use the A-label (xn--...)"
	}
	if !isName(strings.TrimPrefix(s, "*.")) {
		return "is not a DNS name or an IP address"
	}
	return ""
}

// isName accepts LDH and underscore labels (RFC 1034 section 3.5, RFC 8552).
func isName(s string) bool {
	if len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' || !isLDH(label) {
			return false
		}
	}
	return true
}

func isASCII(s string) bool { return only(s, func(c byte) bool { return c < utf8.RuneSelf }) }

// charSet is a set of ASCII characters, a bit for each. Tokens are random: the
// comparisons of a range check would be mispredicted for every other character.
type charSet [2]uint64

const (
	digitBits = 1<<('9'+1) - 1<<'0'
	lowerBits = 1<<('z'+1-64) - 1<<('a'-64)
	upperBits = 1<<('Z'+1-64) - 1<<('A'-64)
)

// hasAll reports whether s has no other characters.
func (c charSet) hasAll(s string) bool {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b >= utf8.RuneSelf || c[b>>6]>>(b&63)&1 == 0 {
			return false
		}
	}
	return true
}

// isLDH accepts letters in lower case, digits, hyphens and underscores.
func isLDH(s string) bool { return charSet{digitBits | 1<<'-', lowerBits | 1<<('_'-64)}.hasAll(s) }

// isBase64URL accepts RFC 4648's URL-safe alphabet without padding.
func isBase64URL(s string) bool {
	return s != "" && charSet{digitBits | 1<<'-', lowerBits | upperBits | 1<<('_'-64)}.hasAll(s)
}

// isKeyAuth accepts TOKEN.THUMBPRINT (RFC 8555 section 8.1).
func isKeyAuth(s string) bool {
	token, thumbprint, found := strings.Cut(s, ".")
	return found && isBase64URL(token) && len(token) <= maxToken && isBase64URL(thumbprint) && len(thumbprint) == 43
}

func isSNIName(s string) bool {
	rest, found := strings.CutSuffix(s, ".acme.invalid")
	left, right, two := strings.Cut(rest, ".")
	return found && two && len(left) == 32 && len(right) == 32 && only(left+right, isHex)
}

// isHexDigest accepts 32 bytes as 64 digits, or with a colon between any two.
func isHexDigest(s string) bool {
	if len(s) == 64 {
		return only(s, isHex)
	}
	pairs := strings.Split(s[:min(len(s), 96)], ":")
	for _, pair := range pairs {
		if len(pair) != 2 || !only(pair, isHex) {
			return false
		}
	}
	return len(pairs) == 32
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isPrintable(s string) bool {
	return len(s) <= maxPath && only(s, func(c byte) bool { return ' ' <= c && c <= '~' })
}

// isNumber accepts decimal digits with at most one point between them.
func isNumber(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	return len(s) <= 32 && whole != "" && only(whole, isDigit) && (!point || fraction != "" && only(fraction, isDigit))
}

// isText accepts UTF-8 without control characters other than those allowed.
func isText(s, allowed string) bool {
	for _, r := range s {
		if (r < ' ' || 0x7f <= r && r < 0xa0) && !strings.ContainsRune(allowed, r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func only(s string, allowed func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}
