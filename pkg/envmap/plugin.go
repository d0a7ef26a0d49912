package envmap

import "strconv"

// PluginEvents returns an event as the plugin certbot-external-auth itself wrote
// it in its JSON mode: its members and no others, an event for each name of a
// certificate, followed by the saves and the restart of certbot's installers. It
// returns nothing for an event that the plugin did not know.
func PluginEvents(e Event) []Event {
	e.Remaining, e.Extra = nil, nil
	switch e.Cmd {
	case PerformChallenge:
		return []Event{pluginPerform(e)}
	case Cleanup:
		asPlugin(&e)
		e.TXTDomain, e.Domains = "", nil
		return []Event{e}
	case DeployCert:
		return pluginDeploy(e)
	case Save, Restart, Report:
		return []Event{e}
	}
	return nil
}

// pluginPerform adds the shell lines that the plugin offered for http-01.
func pluginPerform(e Event) Event {
	e.Domains = nil
	if e.Type == HTTP01 && e.Command == "" {
		e.Command = httpCommand(e)
	}
	return e
}

// httpCommand returns what a person can type to answer an http-01 challenge on the
// machine itself. Token and validation have no character that is special to a shell.
func httpCommand(e Event) string {
	return "mkdir -p public_html/.well-known/acme-challenge\n" +
		"cd public_html\n" +
		"printf '%s' " + e.Validation + " >.well-known/acme-challenge/" + e.Token + "\n" +
		"# once for each server:\n" +
		"python3 -m http.server 80"
}

// pluginDeploy returns what certbot's installers are asked for: each name's
// certificate is deployed and saved, then all is saved and the server restarted
// (certbot: client.py, deploy_certificate).
func pluginDeploy(e Event) []Event {
	names := e.Domains
	if len(names) == 0 {
		names = []string{e.Domain}
	}
	e.Domains = nil
	var all []Event
	for _, name := range names {
		e.Domain = name
		all = append(all, e, Event{Cmd: Save, Nulls: []string{"title"}, Temporary: "false"})
	}
	return append(all, Event{Cmd: Save, Title: "Deployed ACME Certificate", Temporary: "false"}, Event{Cmd: Restart})
}

// PluginReport returns the event that ends the plugin's stream: messages for a
// person, of high priority (0) if something failed and otherwise medium (1),
// which are also shown after a crash (certbot: reporter.py).
func PluginReport(failed bool, lines []string) Event {
	priority := 1
	if failed {
		priority = 0
	}
	b := []byte(`[{"priority": ` + strconv.Itoa(priority) + `, "on_crash": true, "lines": [`)
	for i, line := range lines {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendString(b, line)
	}
	return Event{Cmd: Report, Messages: string(append(b, "]}]"...))}
}
