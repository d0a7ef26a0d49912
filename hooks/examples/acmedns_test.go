//go:build linux

package examples_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	acmednsUser      = "c36f50e8-4632-44f0-83fe-e070fef28a10"
	acmednsPassword  = "SENTINEL-_bD7Yu8ZpWtQ3kLr5VnXc1Hs0JgMf2"
	acmednsSubdomain = "8e5700ea-a4bf-41c7-8a77-e990661dcc6a"
)

// acmeDNS is a stand-in for acme-dns, which the tests cannot install from a
// registry. It does what that server's POST /update does with the one account
// that it has: 401 for other credentials or another subdomain, 400 for an
// invalid value, and the last two values are kept (acme-dns 1.0: api.go,
// auth.go, db.go).
type acmeDNS struct {
	*httptest.Server
	mu     sync.Mutex
	values []string
}

func startAcmeDNS(t *testing.T) *acmeDNS {
	t.Helper()
	needPrograms(t, "curl:curl", "jq:jq")
	a := new(acmeDNS)
	routes := http.NewServeMux()
	routes.HandleFunc("POST /update", a.update)
	a.Server = httptest.NewServer(routes)
	t.Cleanup(a.Close)
	return a
}

func (a *acmeDNS) update(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Subdomain, TXT string }
	err := json.NewDecoder(r.Body).Decode(&asked)
	allowed := r.Header.Get("X-Api-User") == acmednsUser && r.Header.Get("X-Api-Key") == acmednsPassword
	switch {
	case err != nil || !allowed || asked.Subdomain != acmednsSubdomain:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error": "forbidden"}`)
	case !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(asked.TXT):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "bad_txt"}`)
	default:
		a.add(asked.TXT)
		fmt.Fprintf(w, `{"txt": %q}`, asked.TXT)
	}
}

func (a *acmeDNS) add(value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.values = append(a.values, value)
	a.values = a.values[max(0, len(a.values)-2):]
}

func (a *acmeDNS) requireValues(t *testing.T, values ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Equal(t, values, a.values)
}

// accounts is a file of accounts, as acme-dns-auth.py writes it.
func accounts(domain, more string) string {
	return fmt.Sprintf(`{"other.test": {"username": "u", "password": "SENTINEL-p", "fulldomain": "f", "subdomain": "s"},
		%q: {"username": %q, "password": %q, "fulldomain": "%[4]s.auth.test", "subdomain": %[4]q, "allowfrom": []%[5]s}}`,
		domain, acmednsUser, acmednsPassword, acmednsSubdomain, more)
}

// site has a chain of acme-dns, with a file of accounts that has one for a domain.
func (a *acmeDNS) site(t *testing.T, programs, domain, more string, env ...string) *site {
	t.Helper()
	chain := "handler type=dns-01 env=dns.env " + example(t, "acme-dns")
	s := newSite(t, programs, []string{chain}, env)
	s.write(t, "accounts.json", 0o600, accounts(domain, more))
	s.write(t, "dns.env", 0o600, append(env, "ACMEDNS_ACCOUNTS="+s.path("accounts.json"))...)
	return s
}

// TestAcmeDNS calls the programs as clients do, with a server for the handler.
func TestAcmeDNS(t *testing.T) {
	t.Parallel()
	programs := buildPrograms(t)
	for name, test := range map[string]func(*testing.T, *acmeDNS, string){
		"certbot, a name and its wildcard":    testAcmeDNSUnderCertbot,
		"dehydrated, a name and its wildcard": testAcmeDNSUnderDehydrated,
		"lego, which follows the CNAME":       testAcmeDNSUnderLego,
		"no account":                          testAcmeDNSNoAccount,
		"the password is wrong":               testAcmeDNSWrongPassword,
		"the server is down":                  testAcmeDNSDown,
		"another service answers":             testAcmeDNSIsAnother,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, startAcmeDNS(t), programs)
		})
	}
}

// The cleanup leaves the values; those of the next order take their place.
func testAcmeDNSUnderCertbot(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", "", "ACMEDNS_URL="+a.URL)
	requireDone(t, s.certbot(t, "auth", "example.test", value, "1"))
	requireDone(t, s.certbot(t, "auth", "example.test", wildcardValue, "0"))
	a.requireValues(t, value, wildcardValue)
	require.Contains(t, s.read(t, "commands"), "curl ")

	requireDone(t, s.certbot(t, "cleanup", "example.test", value, "1"))
	requireDone(t, s.certbot(t, "cleanup", "example.test", wildcardValue, "0"))
	a.requireValues(t, value, wildcardValue)
	require.Empty(t, s.journal(t))

	next := value[:42] + "_"
	requireDone(t, s.certbot(t, "auth", "example.test", next, ""))
	a.requireValues(t, wildcardValue, next)
}

// One account in the env file, without a file of accounts.
func testAcmeDNSUnderDehydrated(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", "")
	s.write(t, "dns.env", 0o600, "ACMEDNS_URL="+a.URL+"/", "ACMEDNS_USER="+acmednsUser,
		"ACMEDNS_PASSWORD="+acmednsPassword, "ACMEDNS_SUBDOMAIN="+acmednsSubdomain)
	requireDone(t, s.dehydrated(t, "deploy_challenge", "www.example.test"))
	a.requireValues(t, value, wildcardValue)
	requireDone(t, s.dehydrated(t, "clean_challenge", "www.example.test"))
	a.requireValues(t, value, wildcardValue)
	require.Empty(t, s.journal(t))
}

// It says the fulldomain in the place of the name. The account is one of lego's,
// which has the address of its server.
func testAcmeDNSUnderLego(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", `, "server_url": "`+a.URL+`"`)
	requireDone(t, s.run(t, nil, "extauth-lego", "present", acmednsSubdomain+".auth.test.", value))
	requireDone(t, s.run(t, nil, "extauth-lego", "present", "_acme-challenge.example.test.", wildcardValue))
	a.requireValues(t, value, wildcardValue)
	requireDone(t, s.run(t, nil, "extauth-lego", "cleanup", acmednsSubdomain+".auth.test.", value))
}

func testAcmeDNSNoAccount(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", "", "ACMEDNS_URL="+a.URL)
	got := s.certbot(t, "auth", "www.example.test", value, "")
	requireFailed(t, got, 1, "acme-dns: no account for www.example.test in ")
	require.Contains(t, got.stderr, ": register one, and add the CNAME _acme-challenge.www.example.test to its fulldomain\n")
	a.requireValues(t)
	require.Empty(t, s.journal(t))
}

func testAcmeDNSWrongPassword(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", "")
	s.write(t, "dns.env", 0o600, "ACMEDNS_URL="+a.URL, "ACMEDNS_USER="+acmednsUser,
		"ACMEDNS_PASSWORD=SENTINEL-wrong", "ACMEDNS_SUBDOMAIN="+acmednsSubdomain)
	got := s.certbot(t, "auth", "example.test", value, "")
	requireFailed(t, got, 1, `acme-dns: the update for example.test: status 401: {"error": "forbidden"}`+"\n")
	a.requireValues(t)
	require.Empty(t, s.journal(t))
}

func testAcmeDNSDown(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", "", "ACMEDNS_URL="+a.URL)
	a.Close()
	got := s.certbot(t, "auth", "example.test", value, "")
	requireFailed(t, got, 1, "acme-dns: the update for example.test: (7) Failed to connect")
	require.Empty(t, s.journal(t))
}

func testAcmeDNSIsAnother(t *testing.T, a *acmeDNS, programs string) {
	s := a.site(t, programs, "example.test", "", "ACMEDNS_URL="+welcoming(t))
	got := s.certbot(t, "auth", "example.test", value, "")
	requireFailed(t, got, 1, "the answer is not one of acme-dns: <html>Welcome</html>")
}

func TestAcmeDNSRefusesWhatIsNoSetting(t *testing.T) {
	needPrograms(t, "curl:curl")
	for variable, why := range map[string]string{
		"cbot_validation=" + value[:42] + `"`:  "the validation",
		"cbot_validation=short":                "the validation",
		"cbot_domain=a b":                      "the domain",
		"ACMEDNS_URL=":                         "ACMEDNS_URL is not set",
		"ACMEDNS_URL=auth.example.org":         "ACMEDNS_URL does not begin with http:// or https://",
		"ACMEDNS_URL=http://user:SENTINEL@a.b": "ACMEDNS_URL has a character",
		"ACMEDNS_USER=":                        "the username for example.test is empty",
		"ACMEDNS_PASSWORD=a\nHost: b":          "the password for example.test is empty or has a character",
		`ACMEDNS_SUBDOMAIN=", "`:               "the subdomain for example.test is empty or has a character",
		"ACMEDNS_ACCOUNTS=/accounts.json":      "ACMEDNS_ACCOUNTS and one account exclude each other",
	} {
		account := acmednsVars("ACMEDNS_USER=u", "ACMEDNS_PASSWORD=p", "ACMEDNS_SUBDOMAIN=s", variable)
		requireRefused(t, call(t, "acme-dns", "perform", account...), why)
	}
}

func TestAcmeDNSRefusesWhatIsNoFileOfAccounts(t *testing.T) {
	needPrograms(t, "curl:curl", "jq:jq")
	requireRefused(t, call(t, "acme-dns", "perform", acmednsVars()...), "neither ACMEDNS_ACCOUNTS nor ACMEDNS_USER is set")
	requireRefused(t, call(t, "acme-dns", "perform", acmednsVars("ACMEDNS_ACCOUNTS=/nonexistent/a.json")...),
		"no readable file /nonexistent/a.json")
	for text, why := range map[string]string{
		``:                             "no account for example.test",
		`{}`:                           "no account for example.test",
		`{"example.test": null}`:       "no account for example.test",
		`{"example.test": {"username"`: "is not a file of accounts",
		`["example.test"]`:             "is not a file of accounts",
		`{"example.test": "u"}`:        "is not a file of accounts",
		`{"example.test": {"username": "u", "subdomain": "s"}}`:                  "the password for example.test is empty",
		`{"example.test": {"username": "u", "password": "", "subdomain": "s"}}`:  "the password for example.test is empty",
		`{"example.test": {"username": "u", "password": "p", "subdomain": "{"}}`: "the subdomain for example.test is empty or has a character",
	} {
		file := filepath.Join(t.TempDir(), "accounts.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		requireRefused(t, call(t, "acme-dns", "perform", acmednsVars("ACMEDNS_ACCOUNTS="+file)...), why)
	}
}

// acmednsVars are a challenge and these settings, for calls of the handler itself.
func acmednsVars(more ...string) []string {
	return append([]string{
		"ACMEDNS_URL=http://127.0.0.1:1", "cbot_type=dns-01", "cbot_domain=example.test", "cbot_validation=" + value,
	}, more...)
}
