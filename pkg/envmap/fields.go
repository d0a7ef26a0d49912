package envmap

import "sync"

// field is a member of an event as JSON has it, and where the event keeps it.
type field struct {
	name    string
	text    func(*Event) *string   // nil: it is not a text
	list    func(*Event) *[]string // nil: it is not an array of identifiers
	literal bool                   // its text is JSON already: a number, a boolean or the array of messages
}

// fields has a row for each member.
var fields = [...]field{
	{name: "type", text: func(e *Event) *string { return &e.Type }},
	{name: "domain", text: func(e *Event) *string { return &e.Domain }},
	{name: "token", text: func(e *Event) *string { return &e.Token }},
	{name: "z_domain", text: func(e *Event) *string { return &e.ZDomain }},
	{name: "validation", text: func(e *Event) *string { return &e.Validation }},
	{name: "txt_domain", text: func(e *Event) *string { return &e.TXTDomain }},
	{name: "uri", text: func(e *Event) *string { return &e.URI }},
	{name: "command", text: func(e *Event) *string { return &e.Command }},
	{name: "port", text: func(e *Event) *string { return &e.Port }},
	{name: "key_auth", text: func(e *Event) *string { return &e.KeyAuth }},
	{name: "cert_pem", text: func(e *Event) *string { return &e.CertPEM }},
	{name: "key_pem", text: func(e *Event) *string { return &e.KeyPEM }},
	{name: "status", text: func(e *Event) *string { return &e.Status }},
	{name: "validated", text: func(e *Event) *string { return &e.Validated }},
	{name: "error", text: func(e *Event) *string { return &e.Error }},
	{name: "cert_path", text: func(e *Event) *string { return &e.CertPath }},
	{name: "key_path", text: func(e *Event) *string { return &e.KeyPath }},
	{name: "chain_path", text: func(e *Event) *string { return &e.ChainPath }},
	{name: "fullchain_path", text: func(e *Event) *string { return &e.FullchainPath }},
	{name: "csr_path", text: func(e *Event) *string { return &e.CSRPath }},
	{name: "ocsp_path", text: func(e *Event) *string { return &e.OCSPPath }},
	{name: "cert_dir", text: func(e *Event) *string { return &e.CertDir }},
	{name: "timestamp", text: func(e *Event) *string { return &e.Timestamp }, literal: true},
	{name: "cert_timestamp", text: func(e *Event) *string { return &e.CertTimestamp }, literal: true},
	{name: "body", text: func(e *Event) *string { return &e.Body }},
	{name: "method", text: func(e *Event) *string { return &e.Method }},
	{name: "headers", text: func(e *Event) *string { return &e.Headers }},
	{name: "title", text: func(e *Event) *string { return &e.Title }},
	{name: "temporary", text: func(e *Event) *string { return &e.Temporary }, literal: true},
	{name: "messages", text: func(e *Event) *string { return &e.Messages }, literal: true},
	{name: "domains", list: func(e *Event) *[]string { return &e.Domains }},
	{name: "failed_domains", list: func(e *Event) *[]string { return &e.FailedDomains }},
	{name: "remaining"}, {name: "challenges"},
}

// wire lists each event's members in the order in which they are written.
var wire = [...]struct {
	cmd     Cmd
	members []string
}{
	{PerformChallenge, []string{"type", "domain", "token", "z_domain", "validation", "txt_domain", "uri", "command",
		"cert_path", "key_path", "port", "key_auth", "cert_pem", "key_pem", "remaining", "domains"}},
	{Cleanup, []string{"type", "status", "domain", "token", "validation", "key_auth", "validated", "error",
		"txt_domain", "remaining", "domains"}},
	{PrePerform, []string{"domains"}},
	{PostPerform, []string{"domains", "challenges"}},
	{PreCleanup, []string{"domains"}},
	{PostCleanup, []string{"domains", "challenges"}},
	{DeployCert, []string{"domain", "cert_path", "key_path", "chain_path", "fullchain_path", "timestamp", "cert_timestamp", "domains"}},
	{UnchangedCert, []string{"domain", "cert_path", "key_path", "chain_path", "fullchain_path", "timestamp", "cert_timestamp", "domains"}},
	{SyncCert, []string{"cert_path", "key_path", "chain_path", "fullchain_path", "csr_path", "domains"}},
	{DeployOCSP, []string{"domain", "ocsp_path", "timestamp", "domains"}},
	{GenerateCSR, []string{"domain", "cert_dir", "domains"}},
	{InvalidChallenge, []string{"domain", "error", "domains"}},
	{RequestFailure, []string{"status", "body", "method", "headers"}},
	{Startup, []string{}},
	{Exit, []string{"error", "domains", "failed_domains"}},
	{Save, []string{"title", "temporary"}},
	{Restart, []string{}},
	{Report, []string{"messages"}},
}

// wireFields has the fields of each row of wire.
var wireFields = sync.OnceValue(func() (all [len(wire)][]*field) {
	for i, event := range wire {
		for _, name := range event.members {
			all[i] = append(all[i], fieldOf(name))
		}
	}
	return all
})

// fieldsOf returns an event's fields; known is false if there is no such event.
func fieldsOf(cmd Cmd) (list []*field, known bool) {
	for i := range wire {
		if wire[i].cmd == cmd {
			return wireFields()[i], true
		}
	}
	return nil, false
}

func fieldOf(name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// text returns the field of a member that is kept as text, or nil.
func (e *Event) text(name string) *string {
	if f := fieldOf(name); f != nil && f.text != nil {
		return f.text(e)
	}
	return nil
}
