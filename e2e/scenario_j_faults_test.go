//go:build linux

package e2e_test

import (
	"os/exec"
	"regexp"
	"strconv"

	"github.com/stretchr/testify/require"
)

// What goes wrong around the programs: the client is killed, or a handler
// floods.
func faultScenarios() []scenario {
	return []scenario{
		{"j_certbot_killed_before_cleanup", killCertbot},
		{"j_flood_under_certbot", floodUnderCertbot},
		{"j_flood_in_little_memory", floodInLittleMemory},
	}
}

// killCertbot: certbot is killed when all is published, and never cleans up;
// the journal knows what to do.
func killCertbot(w *world) {
	w.nsupdateKey()
	w.setenv("CLIENT", "certbot")
	chain := w.write("chain", lines("handler "+w.handler("nsupdate"), "handler phase=post-perform "+w.fixture("kill-client")))
	order := certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardNames()}
	w.newCertbot().issue(order.hook("extauth-hook -c "+chain, "")).requireFailure(w.T)

	records, err := lab.bind.txtRecords(w.label)
	require.NoError(w, err)
	require.Len(w, records, 3)
	listed := w.run(lab.program("extauth-pending"), "list")
	listed.requireSuccess(w.T)
	require.Contains(w, listed.output, w.name("www"))
	w.run(lab.program("extauth-pending"), "clean").requireSuccess(w.T)
	w.requireNothingLeft()
}

// floodUnderCertbot: certbot dies of output that is not UTF-8, and keeps what a
// hook prints in a variable of at most 128 KiB.
func floodUnderCertbot(w *world) {
	w.newCertbot().requireIssued(w.floodedOrder().hook("extauth-hook -c "+w.floodedChain(), ""))
}

func (w *world) floodedOrder() certbotOrder {
	return certbotOrder{lineage: "main", challenges: "dns", names: w.wildcardPair()}
}

func (w *world) floodedChain() string {
	w.nsupdateKey()
	flood := w.fixture("flood")
	return w.write("chain", lines("handler "+w.handler("nsupdate"), "certbot auth="+flood+" cleanup="+flood))
}

// floodInLittleMemory: what a handler prints is not kept. The peak is read from
// the program while the handler runs, since a process begins with its parent's.
func floodInLittleMemory(w *world) {
	w.setenv("STATUS", w.path("status"))
	w.setenv("CERTBOT_DOMAIN", w.name(""))
	w.setenv("CERTBOT_VALIDATION", "0123456789012345678901234567890123456789012")
	chain := w.write("chain", lines("certbot auth="+w.fixture("flood")))
	cmd := exec.Command(lab.program("extauth-hook"), "-c", chain, "auth")
	cmd.Env = w.env
	out, err := cmd.Output()
	require.NoError(w, err)
	require.Empty(w, out, "NUL bytes are dropped, and the garbage is after the cap")

	peak := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`).FindStringSubmatch(w.read(w.path("status")))
	require.Len(w, peak, 2)
	kilobytes, err := strconv.Atoi(peak[1])
	require.NoError(w, err)
	require.Less(w, kilobytes, 16<<10)
	w.Logf("peak of extauth-hook under a flood: %d KiB", kilobytes)
	w.run(lab.program("extauth-pending"), "clean").requireSuccess(w.T)
	w.requireNothingLeft()
}
