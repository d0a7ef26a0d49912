package envmap_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	hexDigest = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"

	http01    = `{"cmd": "perform_challenge", "type": "http-01", "domain": "a.test", "token": "` + token + `", "validation": "` + keyAuth
	http01URI = `", "uri": "http://a.test/.well-known/acme-challenge/` + token
	dns01     = `{"cmd": "perform_challenge", "type": "dns-01", "domain": "a.test", `
	dns01TXT  = `, "txt_domain": "_acme-challenge.a.test"`
	alpn01    = `{"cmd": "perform_challenge", "type": "tls-alpn-01", "domain": "a.test", "token": "` + token + `", `
	certPaths = `"cert_path": "/c", "key_path": "/k", "chain_path": "/h", "fullchain_path": "/f", `
)

// plainLines are canonical lines in the plain form that streams are made of.
func plainLines() []string {
	return []string{
		http01 + http01URI + `", "key_auth": "` + keyAuth + `"}`,
		http01 + http01URI + `", "command": "cd /srv && sh it", "key_auth": "` + keyAuth + `", "remaining": 1, "domains": ["a.test", "*.b.test"]}`,
		dns01 + `"validation": "` + value + `"` + dns01TXT + `}`,
		dns01 + `"token": "t", "validation": "` + value + `"` + dns01TXT + `, "remaining": 0, "domains": ["a.test"]}`,
		dns01 + `"token": "` + token + `", "validation": "` + envmap.DNSValue(keyAuth) + `"` + dns01TXT + `, "key_auth": "` + keyAuth + `", "remaining": 10}`,
		alpn01 + `"validation": "` + envmap.DNSValue(keyAuth) + `", "key_auth": "` + keyAuth + `"}`,
		alpn01 + `"validation": "` + envmap.ALPNHex(envmap.DNSValue(keyAuth)) + `", "key_auth": "` + keyAuth + `"}`,
		alpn01 + `"validation": "` + hexDigest + `"}`,
		`{"cmd": "cleanup", "type": "http-01", "status": "valid", "domain": "192.0.2.1", "token": "` + token + `", "validation": "` + keyAuth + `", "key_auth": "` + keyAuth + `", "validated": "2016-10-27T15:30:00Z", "error": null}`,
		`{"cmd": "cleanup", "type": "dns-01", "status": "pending", "domain": "_x.xn--b-0ga.test", "validation": "` + value + `", "validated": null, "error": "no TXT record found", "remaining": 0, "domains": ["_x.xn--b-0ga.test"]}`,
		`{"cmd": "cleanup", "type": "tls-alpn-01", "domain": "a.test", "validation": "` + hexDigest + `"}`,
		`{"cmd": "deploy_cert", "domain": "*.a.test", ` + certPaths + `"timestamp": 1477582237, "cert_timestamp": 1477582245.9930167}`,
		`{"cmd": "unchanged_cert", "domain": "a.test", ` + certPaths + `"timestamp": 0, "cert_timestamp": 0.0, "domains": ["a.test", "b.test"]}`,
	}
}

// isSame reports whether decoding a line and writing the event again gives the
// same line.
func isSame(t testing.TB, line string) bool {
	c := lookup(t, "json")
	events, err := c.Decode(envmap.Call{Stdin: []byte(line)})
	if err != nil {
		return false
	}
	call, err := c.Encode(events[0])
	require.NoError(t, err)
	return string(call.Stdin) == line+"\n"
}

func TestPlainLinesAreCanonical(t *testing.T) {
	for _, line := range plainLines() {
		require.True(t, isSame(t, line), line)
		require.True(t, envmap.CanonicalLine([]byte(line)), line)
	}
}

// TestRecordedLinesAreCanonical: those that the plugin wrote for dns-01 and for
// certificates need not be decoded.
func TestRecordedLinesAreCanonical(t *testing.T) {
	challenges := 0
	eachLine(t, filepath.Join(traces, lookup(t, "json").Traces, "json-dns-01-run.jsonl"), func(line []byte) {
		for _, cmd := range []string{"perform_challenge", "cleanup", "deploy_cert"} {
			if strings.HasPrefix(string(line), `{"cmd": "`+cmd) {
				require.True(t, envmap.CanonicalLine(line), "%s", line)
				challenges++
			}
		}
	})
	require.GreaterOrEqual(t, challenges, 6)
}

// TestLinesThatHaveToBeDecoded: some of these are canonical too, but not plain;
// the others come out changed, or are refused.
func TestLinesThatHaveToBeDecoded(t *testing.T) {
	plain := plainLines()
	long := strings.Repeat("a.", 119) + "test"
	for _, line := range []string{
		"", "{}", `{"cmd": "restart"}`, `{"cmd": "save", "title": null, "temporary": false}`,
		plain[0] + "\r", plain[0] + " ", " " + plain[0], plain[0] + plain[0], strings.TrimSuffix(plain[0], "}"), "\uFEFF" + plain[0],
		strings.ReplaceAll(plain[0], `": "`, `":"`),
		strings.Replace(plain[0], `"domain"`, `"Domain"`, 1),
		strings.Replace(plain[0], "a.test", "A.test", 1),
		strings.Replace(plain[0], "a.test", "b.test", 1),
		strings.ReplaceAll(plain[0], "a.test", "a..test"),
		strings.ReplaceAll(plain[0], "a.test", "a.test."),
		strings.ReplaceAll(plain[0], "a.test", "-a.test"),
		strings.ReplaceAll(plain[0], "a.test", "*.a.test"),
		strings.ReplaceAll(plain[0], "a.test", "é.test"),
		strings.ReplaceAll(plain[0], "a.test", strings.Repeat("a", 64)),
		strings.ReplaceAll(plain[0], token, strings.Repeat("t", 257)),
		strings.Replace(plain[0], token, "t", 1),
		strings.Replace(plain[0], thumbprint, thumbprint+"x", 1),
		strings.Replace(plain[0], `, "key_auth": "`+keyAuth+`"`, "", 1),
		strings.Replace(plain[0], "http:", "https:", 1),
		strings.Replace(plain[0], "}", `, "x": 1}`, 1),
		strings.Replace(plain[0], "}", `, "remaining": -0}`, 1),
		strings.Replace(plain[0], "}", `, "remaining": 01}`, 1),
		strings.Replace(plain[0], "}", `, "remaining": 12345678901234567890}`, 1),
		strings.Replace(plain[0], "}", `, "remaining": 1, "remaining": 1}`, 1),
		strings.Replace(plain[0], "}", `, "domains": []}`, 1),
		strings.Replace(plain[1], `"remaining": 1`, `"remaining": 2`, 1),
		strings.Replace(plain[1], "cd /srv", `cd \/srv`, 1),
		strings.Replace(plain[1], "cd /srv", "cd\t/srv", 1),
		strings.Replace(plain[1], "cd /srv", "cd \x7f/srv", 1),
		strings.Replace(plain[1], "cd /srv", strings.Repeat("a", 1<<16), 1),
		strings.ReplaceAll(plain[2], "a.test", "192.0.2.1"),
		strings.ReplaceAll(plain[2], "a.test", long),
		strings.Replace(plain[2], dns01TXT, "", 1),
		strings.Replace(plain[2], dns01TXT, `, "txt_domain": null`, 1),
		strings.Replace(plain[2], "_acme-challenge.a.test", "a.acme.test", 1),
		strings.Replace(plain[4], `"token": "`+token+`", `, "", 1),
		strings.Replace(plain[4], envmap.DNSValue(keyAuth), thumbprint, 1),
		strings.Replace(plain[5], envmap.DNSValue(keyAuth), thumbprint, 1),
		strings.Replace(plain[7], "ff", "fg", 1),
		strings.Replace(plain[9], `, "validated": null`, dns01TXT, 1),
		strings.Replace(plain[9], "pending", "", 1),
		strings.Replace(plain[10], `, "validation": "`+hexDigest+`"`, "", 1),
		strings.Replace(plain[11], `"/c"`, `"c"`, 1),
		strings.Replace(plain[11], `"/c"`, `"/`+strings.Repeat("a", 4096)+`"`, 1),
		strings.Replace(plain[11], "timestamp", "port", 1),
		strings.Replace(plain[11], `, "cert_timestamp": 1477582245.9930167`, "", 1),
		strings.Replace(plain[11], "1477582237", `"1477582237"`, 1),
		strings.Replace(plain[11], "1477582237", "01477582237", 1),
		strings.Replace(plain[11], "1477582237", "1477582237.", 1),
		strings.Replace(plain[11], "1477582237", "14e8", 1),
		strings.Replace(plain[11], "1477582237", "1."+strings.Repeat("0", 31), 1),
	} {
		require.False(t, envmap.CanonicalLine([]byte(line)), line)
	}
}

// TestChangedLines: whatever is changed in a plain line, none is taken for
// canonical that decoding would change or refuse.
func TestChangedLines(t *testing.T) {
	for _, line := range plainLines() {
		for i := range line {
			for _, with := range []string{"", "\x00", "\t", " ", `"`, `\`, "\x7f", "\xff", "é", "0", "9", "A", "a", "-", ".", "_", ":", ",", "}", "null"} {
				for _, changed := range []string{line[:i] + with + line[i+1:], line[:i] + with + line[i:]} {
					if envmap.CanonicalLine([]byte(changed)) {
						require.True(t, isSame(t, changed), changed)
					}
				}
			}
		}
	}
}

// FuzzCanonicalLine: what is taken for canonical need not be decoded.
func FuzzCanonicalLine(f *testing.F) {
	for _, line := range plainLines() {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if envmap.CanonicalLine([]byte(line)) {
			require.True(t, isSame(t, line), line)
		}
	})
}
