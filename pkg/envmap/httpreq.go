package envmap

import (
	"encoding/json"
	"fmt"
)

// httpreq is the protocol of lego's DNS provider of this name: the operation is
// the last part of the URL, the rest a JSON object. acmeproxy and the clients of
// both (Traefik, acme.sh's dns_acmeproxy, ...) speak it. A Call has the operation
// as its argument and the object as its standard input; a program of ours makes
// the request, and serves those of others.
func httpreq() *Convention {
	c := &Convention{
		Name:   "httpreq",
		Doc:    "lego's httpreq provider and acmeproxy: JSON posted to a URL",
		Ref:    "lego 2.0.0 to 4.9.1: providers/dns/httpreq/httpreq.go (Present, CleanUp, doPost); acme.sh: dnsapi/dns_acmeproxy.sh",
		Traces: "httpreq-documented",
		Owns:   httpreqOwns,
		From: From{
			Decode:     decodeHTTPReq,
			ReadsStdin: true,
			Synopsis:   "present|cleanup",
			Strict:     true,
		},
		To: To{
			Settings: []string{"mode"},
			With:     httpreqWith,
			Program:  "extauth-httpreq",
		},
	}
	c.setMessage(httpreqMessage)
	return c
}

var httpreqOwns = []string{"HTTPREQ_ENDPOINT", "HTTPREQ_MODE", "HTTPREQ_USERNAME", "HTTPREQ_PASSWORD", "HTTPREQ_CA"}

// setMessage sets the function that makes the object. The challenges of an order
// are one object a line; the program makes a request for each.
func (c *Convention) setMessage(message func(Event) ([]byte, error)) {
	c.To.Encode = func(e Event) (Call, error) { return encodeHTTPReq(e, message) }
	c.To.Batch = func(order []Event) (Call, error) {
		var all Call
		for _, e := range order {
			one, err := encodeHTTPReq(e, message)
			if err != nil {
				return Call{}, err
			}
			all.Args, all.Stdin = one.Args, append(all.Stdin, one.Stdin...)
		}
		return all, nil
	}
}

// httpreqWith reads lego's HTTPREQ_MODE: the message has the record, or the
// challenge that it is made from.
func httpreqWith(settings map[string]string) (*Convention, error) {
	c := httpreq()
	switch mode := settings["mode"]; mode {
	case "", "default":
	case "raw":
		c.setMessage(httpreqRaw)
	default:
		return nil, fmt.Errorf("mode=: %s is neither default nor raw", quoted(mode))
	}
	return c, nil
}

// httpreqVerb returns the operation, the URL's last part, or "" for other events.
func httpreqVerb(cmd Cmd) string {
	switch cmd {
	case PerformChallenge:
		return "present"
	case Cleanup:
		return "cleanup"
	}
	return ""
}

// encodeHTTPReq writes what lego posts; message makes the object.
func encodeHTTPReq(e Event, message func(Event) ([]byte, error)) (Call, error) {
	verb := httpreqVerb(e.Cmd)
	switch {
	case verb == "":
		return Call{}, &UnsupportedError{Convention: "httpreq", Cmd: e.Cmd}
	case e.Type != DNS01:
		return Call{}, &UnsupportedError{Convention: "httpreq", Cmd: e.Cmd, Type: e.Type}
	}
	object, err := message(e)
	if err != nil {
		return Call{}, err
	}
	return Call{Args: []string{verb}, Stdin: append(object, '\n')}, nil
}

// httpreqMessage returns lego's message.
func httpreqMessage(e Event) ([]byte, error) {
	switch {
	case e.TXTDomain == "":
		return nil, &MissingError{"httpreq", "txt_domain"}
	case e.Validation == "":
		return nil, &MissingError{"httpreq", "validation"}
	}
	return json.Marshal(struct {
		FQDN  string `json:"fqdn"`
		Value string `json:"value"`
	}{absolute(e.TXTDomain), e.Validation})
}

// httpreqRaw returns lego's messageRaw: its receiver makes name and value itself.
func httpreqRaw(e Event) ([]byte, error) {
	switch {
	case e.recordOwner() == "":
		return nil, &MissingError{"httpreq", "domain"}
	case e.Token == "":
		return nil, &MissingError{"httpreq", "token"}
	case e.KeyAuth == "":
		return nil, &MissingError{"httpreq", "key_auth"}
	}
	return json.Marshal(struct {
		Domain  string `json:"domain"`
		Token   string `json:"token"`
		KeyAuth string `json:"keyAuth"`
	}{e.recordOwner(), e.Token, e.KeyAuth})
}

func decodeHTTPReq(c Call) ([]Event, error) {
	e := Event{Client: "httpreq", Type: DNS01}
	if len(c.Args) != 1 {
		return nil, &CallError{Reason: "need present or cleanup as the only argument"}
	}
	for _, cmd := range []Cmd{PerformChallenge, Cleanup} {
		if httpreqVerb(cmd) == c.Args[0] {
			e.Cmd = cmd
		}
	}
	if e.Cmd == "" {
		return nil, &OperationError{c.Args[0]}
	}
	if err := e.setHTTPReq(c.Stdin); err != nil {
		return nil, err
	}
	if err := e.finish(""); err != nil {
		return nil, renamed(err, map[string]string{"txt_domain": "fqdn", "validation": "value", "key_auth": "keyAuth"})
	}
	return []Event{e}, nil
}

// setHTTPReq reads the object: one of the two forms, never parts of both.
func (e *Event) setHTTPReq(text []byte) error {
	texts, err := httpreqTexts(text)
	if err != nil {
		return err
	}
	form := ""
	for _, name := range []string{"fqdn", "value", "domain", "token", "keyAuth"} {
		if _, found := texts[name]; found {
			form += name + " "
		}
	}
	switch form {
	case "fqdn value ":
		e.TXTDomain, e.Validation = texts["fqdn"], texts["value"]
		e.Domain = txtOwner(identifier(e.TXTDomain))
	case "domain token keyAuth ":
		e.Domain, e.Token, e.KeyAuth = texts["domain"], texts["token"], texts["keyAuth"]
	default:
		return &CallError{Reason: "need fqdn and value, or domain, token and keyAuth"}
	}
	return nil
}

// txtOwner returns the identifier that a dns-01 record's name is made from, or ""
// if the name was substituted by a CNAME.
func txtOwner(name string) string {
	e := Event{Type: DNS01, TXTDomain: name}
	return e.recordOwner()
}

// httpreqTexts returns the object's members that have a meaning; others are
// ignored, as by lego's own servers.
func httpreqTexts(text []byte) (map[string]string, error) {
	object, err := ParseObject(text)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, m := range object {
		switch m.Name {
		case "fqdn", "value", "domain", "token", "keyAuth":
			value, err := stringValue(m.Name, m.Value)
			if err == nil && value == "" {
				err = &ValueError{Name: m.Name, Reason: "is empty"}
			}
			if err != nil {
				return nil, err
			}
			texts[m.Name] = value
		}
	}
	return texts, nil
}
