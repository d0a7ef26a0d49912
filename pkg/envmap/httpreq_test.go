package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	httpreqKeyAuth = "-oken.LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
	httpreqDefault = `{"fqdn":"_acme-challenge.example.org.","value":"` + value + `"}`
	httpreqAsRaw   = `{"domain":"example.org","token":"-oken","keyAuth":"` + httpreqKeyAuth + `"}`
)

func decodeHTTPReq(t testing.TB, operation, body string) ([]envmap.Event, error) {
	return lookup(t, "httpreq").Decode(envmap.Call{Args: []string{operation}, Stdin: []byte(body)})
}

// TestHTTPReqForms: lego's two messages, with the members that others add.
func TestHTTPReqForms(t *testing.T) {
	for body, want := range map[string]envmap.Event{
		httpreqDefault: {Domain: "example.org", TXTDomain: "_acme-challenge.example.org", Validation: value},
		` { "ttl": 60, "value": "` + value + `", "fqdn": "_ACME-Challenge.Example.org" }` + "\n": {
			Domain: "example.org", TXTDomain: "_acme-challenge.example.org", Validation: value},
		`{"fqdn":"example-org.acme.example.net.","value":"` + value + `"}`: {TXTDomain: "example-org.acme.example.net", Validation: value},
		httpreqAsRaw: {Domain: "example.org", TXTDomain: "_acme-challenge.example.org", Token: "-oken",
			KeyAuth: httpreqKeyAuth, Validation: envmap.DNSValue(httpreqKeyAuth)},
	} {
		for operation, cmd := range map[string]envmap.Cmd{"present": envmap.PerformChallenge, "cleanup": envmap.Cleanup} {
			want.Client, want.Type, want.Cmd = "httpreq", envmap.DNS01, cmd
			events, err := decodeHTTPReq(t, operation, body)
			require.NoError(t, err, body)
			require.Equal(t, []envmap.Event{want}, events, body)
		}
	}
}

// TestHTTPReqRefused: what is not exactly one of the two messages.
func TestHTTPReqRefused(t *testing.T) {
	for body, want := range map[string]string{
		``:                                     "line is not a JSON object",
		`[]`:                                   "line is not a JSON object",
		`null`:                                 "line is not a JSON object",
		`{}`:                                   "need fqdn and value, or domain, token and keyAuth",
		`{"fqdn":"a.example.org."}`:            "need fqdn and value, or domain, token and keyAuth",
		`{"domain":"example.org","token":"t"}`: "need fqdn and value, or domain, token and keyAuth",
		`{"fqdn":"a.example.org.","value":"` + value + `","token":"t"}`:                 "need fqdn and value, or domain, token and keyAuth",
		`{"Fqdn":"a.example.org.","value":"` + value + `"}`:                             "need fqdn and value, or domain, token and keyAuth",
		`{"fqdn":"a.example.org.","value":"` + value + `","Value":"x"}`:                 `duplicate member "Value"`,
		`{"fqdn":"a.example.org.","fqdn":"b.example.org.","value":"x"}`:                 `duplicate member "fqdn"`,
		`{"fqdn":["a.example.org."],"value":"x"}`:                                       "fqdn is not a string",
		`{"fqdn":"a.example.org.","value":null}`:                                        "value is not a string",
		`{"fqdn":"a.example.org.","value":1}`:                                           "value is not a string",
		`{"fqdn":"","value":"` + value + `"}`:                                           "fqdn is empty",
		`{"fqdn":"a.example.org.","value":""}`:                                          "value is empty",
		`{"fqdn":"a.example.org.","value":"short"}`:                                     `value "short" dns-01: is not 43 base64url characters`,
		`{"fqdn":"a..example.org.","value":"` + value + `"}`:                            `fqdn "a..example.org" is not a DNS name`,
		`{"fqdn":"a.example.org.\n","value":"` + value + `"}`:                           `fqdn "a.example.org.\n" is not a DNS name`,
		`{"fqdn":"_acme-challenge.192.0.2.1.","value":"` + value + `"}`:                 `domain "192.0.2.1" is an IP address, which dns-01 cannot validate`,
		`{"domain":"*.example.org","token":"-oken","keyAuth":"` + httpreqKeyAuth + `"}`: `domain "*.example.org" is a wildcard, which has no challenge of its own`,
		`{"domain":"example.org","token":"other","keyAuth":"` + httpreqKeyAuth + `"}`:   `token "other" is not the token of the key authorization`,
		`{"domain":"example.org","token":"t","keyAuth":"t.short"}`:                      `keyAuth "t.short" is not TOKEN.THUMBPRINT`,
		httpreqDefault + httpreqDefault:                                                 "unexpected data after the JSON object at byte 94",
	} {
		events, err := decodeHTTPReq(t, "present", body)
		require.Empty(t, events)
		require.EqualError(t, err, want, body)
	}
}

func TestHTTPReqOperations(t *testing.T) {
	_, err := decodeHTTPReq(t, "timeout", httpreqDefault)
	require.ErrorAs(t, err, new(*envmap.OperationError))
	_, err = lookup(t, "httpreq").Decode(envmap.Call{Stdin: []byte(httpreqDefault)})
	require.ErrorAs(t, err, new(*envmap.CallError))
}

// TestHTTPReqMode: raw needs what only some clients tell.
func TestHTTPReqMode(t *testing.T) {
	c := lookup(t, "httpreq")
	_, err := c.To.With(map[string]string{"mode": "RAW"})
	require.EqualError(t, err, `mode=: "RAW" is neither default nor raw`)
	raw, err := c.To.With(map[string]string{"mode": "raw"})
	require.NoError(t, err)
	e := full(envmap.PerformChallenge)
	_, err = raw.Encode(e)
	require.EqualError(t, err, "httpreq: event has no key_auth")
	e.Token = ""
	_, err = raw.Encode(e)
	require.EqualError(t, err, "httpreq: event has no token")
	e.TXTDomain = "elsewhere.example.net"
	_, err = raw.Encode(e)
	require.EqualError(t, err, "httpreq: event has no domain")
}

// TestHTTPReqEncodeRefuses what has no place in the protocol.
func TestHTTPReqEncodeRefuses(t *testing.T) {
	c := lookup(t, "httpreq")
	e := full(envmap.PerformChallenge)
	e.Type = envmap.HTTP01
	_, err := c.To.Encode(e)
	require.EqualError(t, err, "httpreq: has no call for perform_challenge of type http-01")
	e = full(envmap.Cleanup)
	e.Validation, e.Partial = "", true
	_, err = c.Encode(e)
	require.EqualError(t, err, "httpreq: event has no validation")
}

// FuzzDecodeHTTPReq: what is accepted is valid, and is written again as the same
// event.
func FuzzDecodeHTTPReq(f *testing.F) {
	for _, body := range []string{httpreqDefault, httpreqAsRaw, `{"fqdn":"a.","value":"` + value + `","x":[{}]}`, "{", ""} {
		f.Add("present", body)
		f.Add("cleanup", body)
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		events, err := decodeHTTPReq(t, operation, body)
		requireSound(t, events, err)
		if err != nil {
			return
		}
		call, err := lookup(t, "httpreq").Encode(events[0])
		require.NoError(t, err)
		again, err := lookup(t, "httpreq").Decode(call)
		require.NoError(t, err)
		require.Equal(t, events[0].Validation, again[0].Validation)
		require.Equal(t, events[0].TXTDomain, again[0].TXTDomain)
		require.Equal(t, events[0].Domain, again[0].Domain)
	})
}
