package main

import (
	"strings"
)

// challenge is how certbot calls its auth hook.
func challenge() []string {
	return []string{"CERTBOT_DOMAIN=" + domain, "CERTBOT_TOKEN=" + token, "CERTBOT_VALIDATION=" + token + "." + thumbprint,
		"CERTBOT_ALL_DOMAINS=" + domain, "CERTBOT_REMAINING_CHALLENGES=0"}
}

// renewal is how it calls its deploy hook.
func renewal() []string {
	return []string{"RENEWED_LINEAGE=/etc/letsencrypt/live/" + domain, "RENEWED_DOMAINS=" + domain}
}

// start has a program of ours become the handler, beside other ways to do it.
func (p place) start(quick bool) (block, error) {
	handler := p.peer("nostd")
	b := block{name: "start", rounds: amount(quick, 200, 500), unit: perRun, rows: p.floor()}
	b.rows = append(b.rows, p.bridges(handler)...)
	b.rows = append(b.rows, row{label: "handler alone", args: []string{handler}})
	if !quick {
		b.rows = append(b.rows, p.adapters(handler)...)
	}
	for _, r := range b.rows[1:] {
		l := line{row: r.label, ratio: over(r.label, base)}
		if strings.HasPrefix(r.label, "extauth-") {
			l.ours, l.limit, l.memory = true, 1.40, 3072
		}
		b.lines = append(b.lines, l)
	}
	if quick {
		return b, nil // shells are slower or faster with the machine's CPUID
	}
	b.lines = append(b.lines, line{what: "extauth-hook / bash adapter, beyond the handler", row: "extauth-hook",
		ratio: beyond, limit: 0.50, ours: true})
	return b, nil
}

// beyond is what our program adds to a handler, by what a bash adapter adds.
func beyond(value at) float64 {
	alone := value("handler alone")
	return (value("extauth-hook") - alone) / (value("bash adapter") - alone)
}

// bridges are our programs, where they become the handler.
func (p place) bridges(handler string) []row {
	to := func(convention string) []string {
		return []string{"EXTAUTH_TO=" + convention, "EXTAUTH_HANDLER=" + handler}
	}
	live := "/etc/letsencrypt/live/" + domain
	deploy := []string{"deploy_cert", domain, live + "/privkey.pem", live + "/cert.pem", live + "/fullchain.pem", live + "/chain.pem", "1700000000"}
	return []row{
		{label: "extauth-hook", args: []string{p.program("extauth-hook"), "--to", "dehydrated", "auth", "--", handler}, env: challenge()},
		{label: "extauth-dehydrated", args: append([]string{p.program("extauth-dehydrated")}, deploy...), env: to("certbot")},
		{label: "extauth-lego", args: []string{p.program("extauth-lego"), "present", "_acme-challenge." + domain + ".", thumbprint}, env: to("dehydrated")},
		{label: "extauth-uacme", args: []string{p.program("extauth-uacme"), "begin", "dns-01", domain, token, thumbprint}, env: to("dehydrated")},
	}
}

// adapters are the further ways to have a dehydrated hook under certbot.
func (p place) adapters(handler string) []row {
	one := func(label, name string, every int) row {
		return row{label: label, args: []string{p.peer(name), handler}, env: challenge(), every: every}
	}
	return []row{one("C bridge", "bridge", 1), one("dash adapter, exec", "adapter.dash", 1),
		one("bash adapter, exec", "adapter-exec.bash", 1),
		one("bash adapter", "adapter.bash", 1), one("python adapter", "adapter.py", 10)}
}
