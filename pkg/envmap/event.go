// Package envmap translates between the calling conventions of ACME clients'
// hooks. A [Convention], found by [Lookup], decodes a client's [Call] into events
// and encodes an [Event] into a call for a handler:
//
//	events, err := from.Decode(call)
//	...
//	call, err := to.Encode(events[0])
//
// Every value is checked on the way in and on the way out (see [Event.Validate]):
// values come from the network, and handlers are often shell scripts. Whoever has
// a domain and a key authorization instead of a call makes an Event with
// [Event.Complete].
//
// The package is pure: it reads no file, no environment and no clock, and what
// it returns depends on its arguments only.
package envmap

import (
	"slices"
	"strings"
)

// Cmd names what a client tells its hook. The words are those of the JSON
// protocol of certbot-external-auth (field "cmd"); those that the plugin did not
// have are in its style.
type Cmd string

// The events. In brackets, who sends them: certbot (C), dehydrated (D), the
// certbot-external-auth plugin (P).
const (
	PerformChallenge Cmd = "perform_challenge" // make a challenge's response visible (C D P)
	Cleanup          Cmd = "cleanup"           // take it away again (C D P)
	PrePerform       Cmd = "pre_perform"       // before the first challenge of an order (P)
	PostPerform      Cmd = "post_perform"      // after its last (P)
	PreCleanup       Cmd = "pre_cleanup"       // before the first clean-up of an order (P)
	PostCleanup      Cmd = "post_cleanup"      // after its last (P)
	DeployCert       Cmd = "deploy_cert"       // a certificate was issued (C D P)
	UnchangedCert    Cmd = "unchanged_cert"    // a certificate is still good (D P)
	Startup          Cmd = "startup"           // the client begins (C D)
	Exit             Cmd = "exit"              // the client ends (C D)
	SyncCert         Cmd = "sync_cert"         // files are written, not yet linked (D)
	DeployOCSP       Cmd = "deploy_ocsp"       // a stapling response was fetched (D)
	GenerateCSR      Cmd = "generate_csr"      // the hook may print the request (D)
	InvalidChallenge Cmd = "invalid_challenge" // the CA refused a response (D)
	RequestFailure   Cmd = "request_failure"   // an HTTP request to the CA failed (D)
	Save             Cmd = "save"              // the client saved its configuration (P)
	Restart          Cmd = "restart"           // the client restarts the server (P)
	Report           Cmd = "report"            // closing messages for a person (P)
)

// Challenge types: RFC 8555 section 8 (http-01, dns-01), RFC 8737
// (tls-alpn-01), draft-ietf-acme-dns-account-label (dns-account-01),
// draft-ietf-acme-dns-persist (dns-persist-01); tls-sni-01 is the withdrawn
// type of early ACME drafts, which certbot spoke up to 0.32.
const (
	HTTP01       = "http-01"
	DNS01        = "dns-01"
	TLSALPN01    = "tls-alpn-01"
	TLSSNI01     = "tls-sni-01"
	DNSAccount01 = "dns-account-01"
	DNSPersist01 = "dns-persist-01"
)

// Event is one thing that a client tells its hook, independent of the client. A
// zero field means that the client did not say. The names are those of RFC 8555
// and of the JSON protocol; json.go lists the members of each event.
type Event struct {
	Cmd Cmd

	// A challenge (perform_challenge, cleanup; RFC 8555 section 8).
	Type       string // challenge type, as "dns-01"
	Domain     string // identifier: a DNS name in lower case without final dot, or an IP address
	Token      string // token, base64url
	Validation string // what is to be published; its form depends on Type, see Validate
	TXTDomain  string // full name of the TXT record, without final dot
	URI        string // where the response is fetched (http-01)
	Command    string // shell lines that a person could type (JSON protocol, http-01)
	ZDomain    string // name asked by SNI (tls-sni-01)
	KeyAuth    string // key authorization: token "." account thumbprint (RFC 8555 section 8.1)
	Port       string // port of the validation server (tls-sni-01), decimal
	CertPEM    string // certificate to serve (tls-sni-01), PEM
	KeyPEM     string // its private key, PEM
	Status     string // challenge status; in request_failure the HTTP status
	Validated  string // when the CA validated, RFC 3339
	Error      string // what went wrong, for people; may have several lines
	Failed     bool   // exit: the client failed, even if Error is empty
	Undone     bool   // cleanup: the challenge could not be performed, or was refused by the CA
	Partial    bool   // cleanup: the client names only the domain, and means everything performed for it

	// The order that a challenge belongs to.
	Remaining *int     // how many challenges of the order follow
	Domains   []string // the order's or the certificate's identifiers, in the client's order
	Order     string   // equal for all calls of one order; empty if it is not known

	// A certificate (deploy_cert, unchanged_cert, sync_cert, deploy_ocsp,
	// generate_csr). Paths are absolute.
	CertPath      string
	KeyPath       string
	ChainPath     string
	FullchainPath string
	CSRPath       string
	OCSPPath      string
	CertDir       string // the directory that the certificate will be in
	Timestamp     string // when the client began with the certificate, decimal seconds since 1970
	CertTimestamp string // modification time of CertPath, decimal seconds since 1970

	// Other events.
	FailedDomains []string // exit: names whose renewal failed
	Body          string   // request_failure: the response's body
	Method        string   // request_failure: get, head or post
	Headers       string   // request_failure: the response's header lines
	Title         string   // save: name of the checkpoint
	Temporary     string   // save: "true" or "false"
	Messages      string   // report: the JSON array of messages, as it came

	// Memory: what only an earlier call knew.
	AuthOutput *string // what the hook printed when the challenge was performed; nil: not known
	Challenges []Event // post_perform, post_cleanup: the whole order

	// Where the event came from.
	Client    string            // name of the convention that decoded it
	Via       string            // the address that it came in at; empty if it was not sent to us
	Peer      *int              // user id of the process that sent it
	ClientEnv map[string]string // that convention's own variables for this event, as they came

	// JSON members beyond the fields above.
	Nulls []string // known members whose value was null
	Extra []Member // unknown members, in their order
}

// Call is one execution of a hook, in both directions: what a client calls us
// with, and what a handler is called with. Args are the operands after the
// program's own name and arguments. Env holds, when decoding, the whole
// environment; when encoding, only what the convention sets.
type Call struct {
	Args  []string
	Env   map[string]string
	Stdin []byte
}

// IsChallenge reports whether the event is about a single challenge's response.
func (e Event) IsChallenge() bool {
	return e.Cmd == PerformChallenge || e.Cmd == Cleanup
}

// Informational reports whether the client only informs its hook: dehydrated's
// unchanged_cert, invalid_challenge, request_failure, startup_hook, exit_hook
// and sync_cert, none of which has an answer that the client needs.
func (e Event) Informational() bool {
	switch e.Cmd {
	case UnchangedCert, InvalidChallenge, RequestFailure, Startup, Exit, SyncCert:
		return true
	}
	return false
}

// Phase returns the event's place in an order, as handlers know it: pre-perform,
// perform, post-perform, pre-cleanup, cleanup or post-cleanup, or the event's own
// name if it does not belong to an order.
func (e Event) Phase() string {
	switch e.Cmd {
	case PerformChallenge:
		return "perform"
	case PrePerform, PostPerform, PreCleanup, PostCleanup:
		return strings.Replace(string(e.Cmd), "_", "-", 1)
	}
	return string(e.Cmd)
}

// null reports whether the client said that a member is null.
func (e *Event) null(name string) bool {
	for _, n := range e.Nulls {
		if n == name {
			return true
		}
	}
	return false
}

// Complete returns the event in canonical form, with what follows exactly from
// its values filled in, and checks it. Of a challenge these are:
//
//   - KeyAuth from Token and the account's thumbprint (RFC 7638; "" if it is not
//     known), and Token from KeyAuth (RFC 8555 section 8.1)
//   - Validation from KeyAuth: the key authorization itself for http-01 (RFC 8555
//     section 8.3), its digest for dns-01 (section 8.4), dns-account-01 and
//     tls-alpn-01 (RFC 8737 section 3)
//   - TXTDomain from Domain for dns-01 (RFC 8555 section 8.4) and dns-persist-01
//   - URI from Domain and Token for http-01 (RFC 8555 section 8.3)
//
// Identifiers become lower case without a final dot. Events that Decode returned
// are complete. The error, a *ValueError, says which value is missing, is not
// valid (see [Event.Validate]) or contradicts another one.
func (e Event) Complete(thumbprint string) (Event, error) {
	e.Domains, e.FailedDomains = slices.Clone(e.Domains), slices.Clone(e.FailedDomains)
	if err := e.finish(thumbprint); err != nil {
		return Event{}, err
	}
	return e, nil
}

// finish brings an event's values into canonical form, fills in what follows
// from them and checks the whole.
func (e *Event) finish(thumbprint string) error {
	e.Domain, e.TXTDomain = identifier(e.Domain), identifier(e.TXTDomain)
	e.Domains, e.FailedDomains = identifiers(e.Domains), identifiers(e.FailedDomains)
	if e.IsChallenge() {
		if e.Order == "" && e.Remaining != nil {
			e.Order = strings.Join(e.Domains, ",")
		}
		if err := complete(e, thumbprint); err != nil {
			return err
		}
	}
	return e.validate()
}
