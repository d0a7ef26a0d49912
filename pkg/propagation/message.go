package propagation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// udpSize is the largest UDP answer that we accept (RFC 6891 section 6.2.5):
// one that is not fragmented on any path.
const udpSize = 1232

// query is a question in the class IN.
type query struct {
	name    string // without final dot; "" is the root
	kind    dnsmessage.Type
	recurse bool // ask a recursive server to find the answer
}

// reply is a server's answer to a query.
type reply struct {
	code          dnsmessage.RCode
	authoritative bool
	truncated     bool
	answers       []record
	authority     []record
}

// record is a resource record of a type that is used here.
type record struct {
	name string // in lower case, without final dot
	kind dnsmessage.Type
	data string // TXT: its strings joined; CNAME, NS: a name; A, AAAA: the address's bytes
}

// errNotOurs reports a datagram that does not answer our question.
var errNotOurs = errors.New("not an answer to the question")

// pack encodes the query as a message with the given ID. Without EDNS it is
// that of RFC 1035, for servers that know nothing newer.
func (q query) pack(id uint16, edns bool) ([]byte, error) {
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: q.recurse},
		Questions: []dnsmessage.Question{{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}},
	}
	if edns {
		opt := dnsmessage.Resource{Body: &dnsmessage.OPTResource{}}
		if err := opt.Header.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
			return nil, err
		}
		m.Additionals = append(m.Additionals, opt)
	}
	return m.Pack()
}

func randomID() uint16 { return uint16(rand.Uint32()) }

// decode reads an answer. One with another ID or question gives errNotOurs: it
// may be late, or forged. Names are compared case-insensitively (RFC 4343).
func decode(message []byte, q query, id uint16) (reply, error) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || header.ID != id || !header.Response || header.OpCode != 0 {
		return reply{}, errNotOurs
	}
	if asked, err := p.AllQuestions(); err != nil || len(asked) != 1 || !q.isAsked(asked[0]) {
		return reply{}, errNotOurs
	}
	r := reply{code: header.RCode, authoritative: header.Authoritative, truncated: header.Truncated}
	if r.truncated {
		return r, nil // the rest is incomplete
	}
	if r.answers, err = records(p.AnswerHeader, p.SkipAnswer, &p); err == nil {
		r.authority, err = records(p.AuthorityHeader, p.SkipAuthority, &p)
	}
	return r, err
}

func (q query) isAsked(asked dnsmessage.Question) bool {
	return asked.Class == dnsmessage.ClassINET && asked.Type == q.kind && canonicalName(asked.Name) == strings.ToLower(q.name)
}

// records reads a section.
func records(next func() (dnsmessage.ResourceHeader, error), skip func() error, p *dnsmessage.Parser) ([]record, error) {
	var all []record
	for {
		header, err := next()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("malformed answer: %w", err)
		}
		data, known, err := dataOf(header.Type, p)
		if !known {
			err = skip()
		}
		if err != nil {
			return nil, fmt.Errorf("malformed answer: %w", err)
		}
		if known && header.Class == dnsmessage.ClassINET {
			all = append(all, record{canonicalName(header.Name), header.Type, data})
		}
	}
}

// dataOf reads a record's data if its type is used here.
func dataOf(kind dnsmessage.Type, p *dnsmessage.Parser) (data string, known bool, err error) {
	switch kind {
	case dnsmessage.TypeTXT:
		r, err := p.TXTResource()
		return strings.Join(r.TXT, ""), true, err
	case dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		return canonicalName(r.CNAME), true, err
	case dnsmessage.TypeNS:
		r, err := p.NSResource()
		return canonicalName(r.NS), true, err
	case dnsmessage.TypeSOA:
		_, err := p.SOAResource()
		return "", true, err
	case dnsmessage.TypeA:
		r, err := p.AResource()
		return string(r.A[:]), true, err
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		return string(r.AAAA[:]), true, err
	}
	return "", false, nil
}

// canonicalName returns a name as it is compared and shown.
func canonicalName(n dnsmessage.Name) string {
	return strings.TrimSuffix(strings.ToLower(n.String()), ".")
}

// data returns the data of all answers with a name and type.
func (r reply) data(name string, kind dnsmessage.Type) []string {
	var all []string
	for _, a := range r.answers {
		if a.name == name && a.kind == kind {
			all = append(all, a.data)
		}
	}
	return all
}

// hasTXT reports whether there is a TXT record with the value at the name.
// There may be others.
func (r reply) hasTXT(name, value string) bool {
	for _, text := range r.data(name, dnsmessage.TypeTXT) {
		if text == value {
			return r.code == dnsmessage.RCodeSuccess && !r.truncated
		}
	}
	return false
}

// cname returns the target of a name's CNAME, or "".
func (r reply) cname(name string) string {
	if targets := r.data(name, dnsmessage.TypeCNAME); len(targets) > 0 {
		return targets[0]
	}
	return ""
}

// delegation returns the zone that a server refers to for a name, with its
// servers (RFC 1034 section 4.3.2 step 3b), or "".
func (r reply) delegation(name string) (zone string, servers []string) {
	if r.authoritative || len(r.answers) > 0 {
		return "", nil
	}
	for _, a := range r.authority {
		if a.kind == dnsmessage.TypeNS && isWithin(name, a.name) && (zone == "" || zone == a.name) {
			zone, servers = a.name, append(servers, a.data)
		}
	}
	return zone, servers
}

// isWithin reports whether a name is the zone's or below it.
func isWithin(name, zone string) bool {
	return zone == "" || name == zone || strings.HasSuffix(name, "."+zone)
}

// parent removes the first label.
func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// codeText returns the usual name of a response code (RFC 1035 section 4.1.1).
func codeText(code dnsmessage.RCode) string {
	switch code {
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNameError:
		return "no such name (NXDOMAIN)"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("response code %d", code)
}
