package envmap

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// DNSValue returns what a dns-01 TXT record holds: the unpadded base64url form of
// the key authorization's SHA-256 (RFC 8555 section 8.4). 43 characters.
func DNSValue(keyAuth string) string {
	sum := sha256.Sum256([]byte(keyAuth))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SNIName returns the name that a tls-sni-01 validation asks for: the key
// authorization's SHA-256 in two labels of 32 hex digits under acme.invalid
// (draft-ietf-acme-acme-01 section 7.3).
func SNIName(keyAuth string) string {
	sum := sha256.Sum256([]byte(keyAuth))
	digits := hex.EncodeToString(sum[:])
	return digits[:32] + "." + digits[32:] + ".acme.invalid"
}

// TXTName returns the name of an identifier's TXT record, without final dot
// (RFC 8555 section 8.4 for dns-01; for dns-persist-01 its draft), or "" for types
// that have no record or whose name depends on the account.
func TXTName(challengeType, domain string) string {
	switch {
	case domain == "":
		return ""
	case challengeType == DNS01:
		return "_acme-challenge." + domain
	case challengeType == DNSPersist01:
		return "_validation-persist." + domain
	}
	return ""
}

// recordOwner returns the identifier from which a handler that gets no TXT name
// makes it. It is not the event's if the name was substituted (by a CNAME), and ""
// if there is none.
func (e *Event) recordOwner() string {
	if e.Type != DNS01 || e.TXTDomain == "" || e.TXTDomain == TXTName(e.Type, e.Domain) {
		return e.Domain
	}
	if name, ok := strings.CutPrefix(e.TXTDomain, "_acme-challenge."); ok {
		return name
	}
	return ""
}

// URI returns the URL of an http-01 response (RFC 8555 section 8.3). An IPv6
// address is in brackets.
func URI(domain, token string) string {
	if strings.Contains(domain, ":") {
		domain = "[" + domain + "]"
	}
	return "http://" + domain + "/.well-known/acme-challenge/" + token
}

// TokenOf returns the token that a key authorization begins with (RFC 8555
// section 8.1), or "" if there is no dot.
func TokenOf(keyAuth string) string {
	token, _, found := strings.Cut(keyAuth, ".")
	if !found {
		return ""
	}
	return token
}

// ALPNHex returns a tls-alpn-01 value as dehydrated has it: 32 bytes as
// lower-case hex with colons. It accepts every form that Validate allows, and
// returns "" for others.
func ALPNHex(validation string) string {
	sum, ok := digest(validation)
	if !ok {
		return ""
	}
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(pairs, ":")
}

// digest reads 32 bytes written as hex, with a colon between any two bytes or
// with none, or as unpadded base64url.
func digest(s string) ([]byte, bool) {
	if isHexDigest(s) {
		sum, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
		return sum, err == nil
	}
	if !isBase64URL(s) {
		return nil, false // the decoder ignores line feeds
	}
	sum, err := base64.RawURLEncoding.DecodeString(s)
	return sum, err == nil && len(sum) == sha256.Size
}

// typeOf returns a challenge's type by the form of its value, for clients that do
// not name it, or "" if no type has that form. The base64url form of
// tls-alpn-01 is dns-01's too; clients that use it name the type.
func typeOf(validation string) string {
	switch {
	case isBase64URL(validation) && len(validation) == 43:
		return DNS01
	case isKeyAuth(validation):
		return HTTP01
	case isSNIName(validation):
		return TLSSNI01
	case isHexDigest(validation):
		return TLSALPN01
	}
	return ""
}

// complete fills in what follows exactly from what a challenge event says, and
// refuses one that contradicts itself. thumbprint is the account's (RFC 7638),
// or "".
func complete(e *Event, thumbprint string) error {
	if e.Type == "" {
		if e.Type = typeOf(e.Validation); e.Type == "" && e.Validation != "" {
			return &ValueError{Name: "validation", Value: e.Validation, Reason: "does not have the form of any challenge type"}
		}
	}
	if err := completeKeyAuth(e, thumbprint); err != nil {
		return err
	}
	if err := completeValidation(e); err != nil {
		return err
	}
	if e.TXTDomain == "" {
		e.TXTDomain = TXTName(e.Type, e.Domain)
	}
	if e.Type == HTTP01 && e.URI == "" && e.Token != "" {
		e.URI = URI(e.Domain, e.Token)
	}
	return nil
}

func completeKeyAuth(e *Event, thumbprint string) error {
	if e.KeyAuth == "" && e.Type == HTTP01 && isKeyAuth(e.Validation) {
		e.KeyAuth = e.Validation
	}
	if e.KeyAuth == "" && e.Token != "" && thumbprint != "" {
		if err := completeFromThumbprint(e, thumbprint); err != nil {
			return err
		}
	}
	if e.KeyAuth != "" && e.Token == "" {
		e.Token = TokenOf(e.KeyAuth)
	}
	if e.KeyAuth != "" && e.Token != TokenOf(e.KeyAuth) && e.Type != HTTP01 { // whose value begins with it
		return &ValueError{Name: "token", Value: e.Token, Reason: "is not the token of the key authorization"}
	}
	return nil
}

func completeFromThumbprint(e *Event, thumbprint string) error {
	keyAuth := e.Token + "." + thumbprint
	if !isKeyAuth(keyAuth) {
		return &ValueError{Name: "EXTAUTH_THUMBPRINT", Value: thumbprint, Reason: "is not 43 base64url characters"}
	}
	if e.Type == DNS01 && e.Validation != "" && e.Validation != DNSValue(keyAuth) {
		return &ValueError{Name: "EXTAUTH_THUMBPRINT", Value: thumbprint, Reason: "is not the thumbprint of the account that the validation was made with"}
	}
	e.KeyAuth = keyAuth
	return nil
}

// completeValidation derives the value from the key authorization, or checks
// the one that is there.
func completeValidation(e *Event) error {
	if e.KeyAuth == "" {
		return nil
	}
	want := valueOf(e.Type, e.KeyAuth)
	if e.Validation == "" {
		e.Validation = want
	}
	if e.Type == TLSSNI01 && e.ZDomain == "" {
		e.ZDomain = e.Validation
	}
	if want != "" && !sameValue(e.Type, e.Validation, want) {
		return &ValueError{Name: "validation", Value: e.Validation, Reason: "does not follow from the key authorization"}
	}
	return nil
}

// valueOf returns the value that follows from a key authorization, or "" for
// types without one.
func valueOf(challengeType, keyAuth string) string {
	switch challengeType {
	case HTTP01:
		return keyAuth
	case DNS01, DNSAccount01, TLSALPN01:
		return DNSValue(keyAuth)
	case TLSSNI01:
		return SNIName(keyAuth)
	}
	return ""
}

// sameValue reports whether two values are equal, in whatever form.
func sameValue(challengeType, a, b string) bool {
	if challengeType == TLSALPN01 {
		return ALPNHex(a) == ALPNHex(b)
	}
	return a == b
}
