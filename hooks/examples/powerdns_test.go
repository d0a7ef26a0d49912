//go:build linux

package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPowerDNS calls the programs as clients do, with a PowerDNS server for the
// handler, and looks at the records with dig.
func TestPowerDNS(t *testing.T) {
	t.Parallel()
	p := startPowerDNS(t)
	for name, test := range map[string]func(*testing.T, *powerDNS){
		"certbot, a name and its wildcard":       testPowerDNSUnderCertbot,
		"dehydrated, a name and its wildcard":    testPowerDNSUnderDehydrated,
		"values of others stay":                  testPowerDNSKeepsOtherValues,
		"twice is once":                          testPowerDNSTwice,
		"processes at once":                      testPowerDNSAtOnce,
		"the longest zone":                       testPowerDNSLongestZone,
		"a zone by its name":                     testPowerDNSZoneByName,
		"no zone":                                testPowerDNSNoZone,
		"the API refuses a change":               testPowerDNSRefusesAChange,
		"a later handler fails":                  testPowerDNSRollback,
		"the key is wrong":                       testPowerDNSWrongKey,
		"the server is down":                     testPowerDNSDown,
		"another service answers":                testPowerDNSIsAnother,
		"the lock of the zone":                   testPowerDNSLock,
		"secondaries are notified":               testPowerDNSNotifies,
		"lexicon publishes and deletes by value": testLexicon,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

func testPowerDNSUnderCertbot(t *testing.T, p *powerDNS) {
	p.addZone(t, "certbot.test", "Native")
	s, name := p.site(t), "_acme-challenge.certbot.test"
	requireDone(t, s.certbot(t, "auth", "certbot.test", value, "1"))
	requireDone(t, s.certbot(t, "auth", "certbot.test", wildcardValue, "0"))
	p.requireTXT(t, name, value, wildcardValue)
	require.Contains(t, s.read(t, "commands"), "curl ")

	requireDone(t, s.certbot(t, "cleanup", "certbot.test", value, "1"))
	p.requireTXT(t, name, wildcardValue)
	requireDone(t, s.certbot(t, "cleanup", "certbot.test", wildcardValue, "0"))
	p.requireTXT(t, name)
	require.Empty(t, s.journal(t))
}

func testPowerDNSUnderDehydrated(t *testing.T, p *powerDNS) {
	p.addZone(t, "dehydrated.test", "Native")
	s, name := p.site(t), "_acme-challenge.www.dehydrated.test"
	requireDone(t, s.dehydrated(t, "deploy_challenge", "www.dehydrated.test"))
	p.requireTXT(t, name, value, wildcardValue)
	requireDone(t, s.dehydrated(t, "clean_challenge", "www.dehydrated.test"))
	p.requireTXT(t, name)
	require.Empty(t, s.journal(t))
}

// The set keeps its TTL, too.
func testPowerDNSKeepsOtherValues(t *testing.T, p *powerDNS) {
	p.addZone(t, "others.test", "Native")
	s, name := p.site(t, "POWERDNS_TTL=5"), "_acme-challenge.others.test"
	p.addRecord(t, "others.test", name, "TXT", `"of-another"`)
	requireDone(t, s.dehydrated(t, "deploy_challenge", "others.test"))
	require.ElementsMatch(t, []string{"3600 of-another", "3600 " + value, "3600 " + wildcardValue}, p.txt(t, name))
	requireDone(t, s.dehydrated(t, "clean_challenge", "others.test"))
	require.Equal(t, []string{"3600 of-another"}, p.txt(t, name))

	requireDone(t, s.certbot(t, "auth", "www.others.test", value, ""))
	require.Equal(t, []string{"5 " + value}, p.txt(t, "_acme-challenge.www.others.test"))
}

// What is there already, or gone already, changes nothing, not even the serial.
func testPowerDNSTwice(t *testing.T, p *powerDNS) {
	p.addZone(t, "twice.test", "Native")
	vars := append(pdnsVars(p), "cbot_domain=twice.test", "POWERDNS_LOCKS="+t.TempDir())
	for _, phase := range []string{"perform", "cleanup"} {
		requireDone(t, call(t, "powerdns", phase, vars...))
		zone := p.request(t, "GET", "zones/twice.test.", "")
		requireDone(t, call(t, "powerdns", phase, vars...))
		require.Equal(t, zone, p.request(t, "GET", "zones/twice.test.", ""))
	}
	p.requireTXT(t, "_acme-challenge.twice.test")
}

// pdnsVars are a challenge without its name, for calls of the handler itself.
func pdnsVars(p *powerDNS) []string {
	return []string{
		"POWERDNS_URL=" + p.url() + "/", "POWERDNS_API_KEY=" + pdnsKey, "cbot_type=dns-01", "cbot_validation=" + value,
	}
}

func testPowerDNSAtOnce(t *testing.T, p *powerDNS) {
	p.addZone(t, "busy.test", "Native")
	s, name := p.site(t), "_acme-challenge.busy.test"
	var values []string
	for i := range 8 {
		values = append(values, fmt.Sprintf("%s%d", value[:42], i))
	}
	requireAllDone(t, s, "auth", values)
	p.requireTXT(t, name, values...)
	requireAllDone(t, s, "cleanup", values[1:])
	p.requireTXT(t, name, values[0])
}

// requireAllDone runs one hook for each value, all at the same time.
func requireAllDone(t *testing.T, s *site, operand string, values []string) {
	t.Helper()
	var hooks []*exec.Cmd
	output, err := os.Create(s.path("output"))
	require.NoError(t, err)
	defer output.Close()
	for _, value := range values {
		hook := s.command(certbotVars("busy.test", value, ""), "extauth-hook", operand)
		hook.Stderr = output
		require.NoError(t, hook.Start())
		hooks = append(hooks, hook)
	}
	for _, hook := range hooks {
		require.NoError(t, hook.Wait(), s.read(t, "output"))
	}
	s.requireNoCredential(t, s.read(t, "output"))
}

// The second is a delegation of only the challenge's name; its ID in the API is
// not its name.
func testPowerDNSLongestZone(t *testing.T, p *powerDNS) {
	for _, zone := range []string{"long.test", "sub.long.test", "_acme-challenge.www.long.test"} {
		p.addZone(t, zone, "Native")
	}
	s := p.site(t)
	for name, zone := range map[string]string{
		"long.test": "long.test.", "ssub.long.test": "long.test.",
		"a.sub.long.test": "sub.long.test.", "www.long.test": "=5Facme-challenge.www.long.test.",
	} {
		requireDone(t, s.certbot(t, "auth", name, value, ""))
		require.Contains(t, p.request(t, "GET", "zones/"+zone, ""), `"name": "_acme-challenge.`+name+`."`)
		p.requireTXT(t, "_acme-challenge."+name, value)
		requireDone(t, s.certbot(t, "cleanup", name, value, ""))
		p.requireTXT(t, "_acme-challenge."+name)
	}
}

func testPowerDNSZoneByName(t *testing.T, p *powerDNS) {
	p.addZone(t, "named.test", "Native")
	p.addZone(t, "sub.named.test", "Native")
	s := p.site(t, "POWERDNS_ZONE=Named.test.")
	requireDone(t, s.certbot(t, "auth", "sub.named.test", value, ""))
	require.Contains(t, p.request(t, "GET", "zones/named.test.", ""), value)
	require.NotContains(t, p.request(t, "GET", "zones/sub.named.test.", ""), value)

	vars := append(pdnsVars(p), "POWERDNS_LOCKS="+t.TempDir())
	requireRefused(t, call(t, "powerdns", "perform", append(vars, "POWERDNS_ZONE=named.test", "cbot_domain=renamed.test")...),
		"_acme-challenge.renamed.test is not in zone named.test")
	requireRefused(t, call(t, "powerdns", "perform", append(vars, "POWERDNS_ZONE=x.named.test", "cbot_domain=x.named.test")...),
		"the server has no zone x.named.test")
}

func testPowerDNSNoZone(t *testing.T, p *powerDNS) {
	got := p.site(t).certbot(t, "auth", "www.absent.test", value, "")
	requireFailed(t, got, 2, "powerdns: the server has no zone for _acme-challenge.www.absent.test")
}

func testPowerDNSRefusesAChange(t *testing.T, p *powerDNS) {
	p.addZone(t, "refuse.test", "Native")
	s := p.site(t)
	p.addRecord(t, "refuse.test", "_acme-challenge.refuse.test", "CNAME", "elsewhere.test.")
	got := s.certbot(t, "auth", "refuse.test", value, "")
	requireFailed(t, got, 1, "powerdns: PATCH zones/refuse.test.: status 422: ")
	require.Contains(t, got.stderr, "Conflicts with pre-existing RRset")
	require.NotContains(t, p.request(t, "GET", "zones/refuse.test.", ""), value)
	require.Empty(t, s.journal(t))
}

func testPowerDNSRollback(t *testing.T, p *powerDNS) {
	p.addZone(t, "rollback.test", "Native")
	s := p.site(t)
	s.write(t, "chain", 0o644, p.chain, "handler "+s.path("fails"))
	s.write(t, "fails", 0o755, "#!/bin/sh", `[ "$1" != perform ] || exit 3`)
	requireFailed(t, s.dehydrated(t, "deploy_challenge", "rollback.test"), 1, "fails")
	p.requireTXT(t, "_acme-challenge.rollback.test")
	require.Empty(t, s.journal(t))
}

func testPowerDNSWrongKey(t *testing.T, p *powerDNS) {
	p.addZone(t, "key.test", "Native")
	s := newSite(t, p.programs, []string{p.chain}, []string{"POWERDNS_URL=" + p.url(), "POWERDNS_API_KEY=SENTINEL-other"})
	got := s.certbot(t, "auth", "key.test", value, "")
	requireFailed(t, got, 2, "powerdns: GET zones?zone=_acme-challenge.key.test.&dnssec=false: status 401: Unauthorized\n")
	p.requireTXT(t, "_acme-challenge.key.test")
}

// Nobody knows if a server that is down has done anything, so that the journal
// keeps the challenge until it can be cleaned up.
func testPowerDNSDown(t *testing.T, p *powerDNS) {
	p.addZone(t, "down.test", "Native")
	s := p.site(t)
	s.write(t, "dns.env", 0o600, fmt.Sprintf("POWERDNS_URL=http://127.0.0.1:%d", freeDNSPort(t)), "POWERDNS_API_KEY=SENTINEL-key")
	got := s.certbot(t, "auth", "down.test", value, "")
	requireFailed(t, got, 2, "powerdns: GET zones?zone=_acme-challenge.down.test.&dnssec=false: (7) Failed to connect")
	require.NotEmpty(t, s.journal(t))

	s.write(t, "dns.env", 0o600, p.env()...)
	require.Zero(t, s.run(t, nil, "extauth-pending", "clean").status)
	require.Empty(t, s.journal(t))
}

func testPowerDNSIsAnother(t *testing.T, p *powerDNS) {
	s := newSite(t, p.programs, []string{p.chain}, []string{"POWERDNS_URL=" + welcoming(t), "POWERDNS_API_KEY=SENTINEL-key"})
	requireFailed(t, s.certbot(t, "auth", "example.test", value, ""), 2, "the answer is not one of PowerDNS")
}

// One file a zone; a process waits for it, and goes on when it is free.
func testPowerDNSLock(t *testing.T, p *powerDNS) {
	p.addZone(t, "lock.test", "Native")
	s := p.site(t)
	requireDone(t, s.certbot(t, "auth", "lock.test", value, ""))
	holder := exec.Command("flock", s.path("state/powerdns/lock.test"), "sh", "-c", "echo; read -r line")
	input, err := holder.StdinPipe()
	require.NoError(t, err)
	output, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, err = output.Read(make([]byte, 1)) // it has the lock
	require.NoError(t, err)

	waiting := s.command(certbotVars("lock.test", value, ""), "extauth-hook", "cleanup")
	require.NoError(t, waiting.Start())
	require.Eventually(t, func() bool {
		commands, _ := os.ReadFile(s.path("commands"))
		return strings.Count(string(commands), "flock ") == 2
	}, time.Minute, 5*time.Millisecond)
	p.requireTXT(t, "_acme-challenge.lock.test", value)
	input.Close()
	_ = holder.Wait() // read had nothing to read
	require.NoError(t, waiting.Wait())
	p.requireTXT(t, "_acme-challenge.lock.test")
}

// A primary zone is the one that has secondaries. They would wait for the server's
// own next round.
func testPowerDNSNotifies(t *testing.T, p *powerDNS) {
	p.addZone(t, "native.test", "Native")
	p.addZone(t, "primary.test", "Master")
	s := p.site(t)
	requireDone(t, s.certbot(t, "auth", "native.test", value, ""))
	require.NotContains(t, s.read(t, "commands"), "/notify\n")
	requireDone(t, s.certbot(t, "auth", "primary.test", value, ""))
	require.Contains(t, s.read(t, "commands"), "zones/primary.test./notify\n")

	message := make([]byte, 512)
	require.NoError(t, p.secondary.SetReadDeadline(time.Now().Add(2*time.Minute)))
	n, _, err := p.secondary.ReadFrom(message)
	require.NoError(t, err)
	require.Greater(t, n, 12)
	require.Equal(t, byte(4), message[2]>>3&15, "the opcode is NOTIFY (RFC 1996)")
	require.Contains(t, string(message[:n]), "\x07primary\x04test\x00")
}

func TestPowerDNSRefusesWhatIsNoSetting(t *testing.T) {
	t.Parallel()
	needPrograms(t, "curl:curl", "jq:jq", "flock:util-linux")
	bad := map[string]string{
		"cbot_validation=" + value[:42] + `"`:                 "the validation",
		"cbot_validation=short":                               "the validation",
		"cbot_txt_domain=_acme-challenge.x.test&rrset_type=A": "the record name",
		"cbot_txt_domain=../../config":                        "the record name",
		"cbot_txt_domain=*.x.test":                            "the record name",
		"POWERDNS_URL=":                                       "POWERDNS_URL is not set",
		"POWERDNS_URL=127.0.0.1:8081":                         "POWERDNS_URL does not begin with http:// or https://",
		"POWERDNS_URL=http://a b":                             "POWERDNS_URL has a character",
		"POWERDNS_URL=http://user:SENTINEL@host":              "POWERDNS_URL has a character",
		"POWERDNS_API_KEY=":                                   "POWERDNS_API_KEY is not set",
		"POWERDNS_API_KEY=a\nHost: b":                         "POWERDNS_API_KEY has a character",
		"POWERDNS_SERVER=a/b":                                 "POWERDNS_SERVER is not",
		"POWERDNS_ZONE=a b":                                   "POWERDNS_ZONE is not",
		"POWERDNS_TTL=1d":                                     "POWERDNS_TTL is not a number",
		"POWERDNS_LOCKS=/dev/null/locks":                      "is not a writable directory for locks",
	}
	for variable, why := range bad {
		for _, phase := range []string{"perform", "cleanup"} {
			requireRefused(t, call(t, "powerdns", phase, "POWERDNS_URL=http://127.0.0.1:1", "POWERDNS_API_KEY=k",
				"POWERDNS_LOCKS="+t.TempDir(), "cbot_type=dns-01", "cbot_domain=x.test", "cbot_validation="+value, variable), why)
		}
	}
}
