package envmap

import (
	"fmt"
	"slices"
	"strings"
)

// modMD is what Apache's mod_md starts: MDChallengeDns01 with setup and
// teardown, and MDMessageCmd with a reason and the name of a managed domain.
// In version 1 of MDChallengeDns01, the default, a teardown names only the
// domain, and means everything that was set up for it.
func modMD() *Convention {
	return modMDOf("2")
}

func modMDOf(version string) *Convention {
	return &Convention{
		Name:   "mod_md",
		Doc:    "Apache mod_md's MDChallengeDns01 and MDMessageCmd: setup, teardown or a reason as an argument",
		Ref:    "mod_md 2.6.10 and 2.6.11: src/md_acme_authz.c (cha_dns_01_setup, cha_dns_01_teardown), src/mod_md.c (notify), README",
		Traces: "mod_md-2.6.10",
		From: From{
			Decode:   decodeModMD,
			Forgets:  true,
			Synopsis: "setup DOMAIN VALUE | teardown DOMAIN [VALUE] | REASON MDNAME",
			Strict:   true,
		},
		To: To{
			Encode:   func(e Event) (Call, error) { return encodeModMD(e, version) },
			Settings: []string{"version"},
			With:     modMDWith,
		},
	}
}

// modMDWith reads version=1 or 2, MDChallengeDns01Version: whether a handler's
// teardown gets the value.
func modMDWith(settings map[string]string) (*Convention, error) {
	switch version := settings["version"]; version {
	case "":
		return modMD(), nil
	case "1", "2":
		return modMDOf(version), nil
	default:
		return nil, fmt.Errorf("version=: %q is neither 1 nor 2", version)
	}
}

func decodeModMD(call Call) ([]Event, error) {
	args := call.Args
	switch {
	case len(args) == 0:
		return nil, &CallError{Reason: "need setup or teardown, or a reason of MDMessageCmd"}
	case args[0] == "setup":
		return modMDChallenge(PerformChallenge, call, 3)
	case args[0] == "teardown":
		return modMDChallenge(Cleanup, call, 2)
	case !isModMDReason(args[0]):
		return nil, &CallError{Reason: "unknown operand " + quoted(args[0]) + " (want setup, teardown or a reason of MDMessageCmd)"}
	case len(args) < 2: // later versions may add words after the name (README)
		return nil, &CallError{args[0], "got no argument, need MDNAME"}
	case args[0] == "installed":
		return modMDInstalled(call)
	}
	return nil, nil // of no interest to a hook
}

// isModMDReason reports whether MDMessageCmd is called for a reason (mod_md:
// README, MDMessageCmd; md_event_raise and md_event_holler in src/).
func isModMDReason(word string) bool {
	reasons := []string{"renewing", "renewed", "installed", "expiring", "errored", "ocsp-renewed", "ocsp-errored"}
	return slices.Contains(reasons, word) || strings.HasPrefix(word, "challenge-setup:")
}

// modMDChallenge reads DOMAIN and VALUE. A teardown of version 1 has no value:
// what was performed for the domain is meant.
func modMDChallenge(cmd Cmd, call Call, least int) ([]Event, error) {
	if n := len(call.Args); n < least || n > 3 {
		need := map[Cmd]string{PerformChallenge: "DOMAIN VALUE", Cleanup: "DOMAIN [VALUE]"}[cmd]
		return nil, &CallError{call.Args[0], "got " + count(n-1, "argument") + ", need " + need}
	}
	names := []string{"", "DOMAIN", "VALUE"}
	for i, arg := range call.Args {
		if arg == "" {
			return nil, &ValueError{Name: names[i], Reason: "is empty"}
		}
	}
	e := Event{Cmd: cmd, Type: DNS01, Domain: call.Args[1], Partial: len(call.Args) == 2}
	if !e.Partial {
		e.Validation = call.Args[2]
	}
	return finishModMD(e, call, map[string]string{"domain": "DOMAIN", "validation": "VALUE"})
}

// mdStore is a variable for mod_md's users: the directory that MDStoreDir
// names. mod_md does not pass it to any command.
const mdStore = "EXTAUTH_MD_STORE"

// modMDInstalled reads that the server uses a new certificate. It is where the
// store keeps it under the default of MDPrivateKeys (mod_md:
// src/md_reg.c, run_load_staging; src/md_store.c, pk_filename). The file has
// the whole chain. If the store is not known there is no event.
func modMDInstalled(call Call) ([]Event, error) {
	store := strings.TrimSuffix(call.Env[mdStore], "/")
	if store == "" {
		return nil, nil
	}
	name := call.Args[1]
	if name == "" {
		return nil, &ValueError{Name: "MDNAME", Reason: "is empty"}
	}
	dir := store + "/domains/" + name
	e := Event{Cmd: DeployCert, Domain: name, KeyPath: dir + "/privkey.pem", FullchainPath: dir + "/pubcert.pem"}
	return finishModMD(e, call, map[string]string{"domain": "MDNAME", "key_path": mdStore, "fullchain_path": mdStore})
}

func finishModMD(e Event, call Call, names map[string]string) ([]Event, error) {
	e.Client = "mod_md"
	if err := e.finish(call.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, renamed(err, names)
	}
	return []Event{e}, nil
}

func encodeModMD(e Event, version string) (Call, error) {
	switch {
	case !e.IsChallenge():
		return Call{}, &UnsupportedError{Convention: "mod_md", Cmd: e.Cmd}
	case e.Type != DNS01:
		return Call{}, &UnsupportedError{"mod_md", e.Cmd, e.Type}
	case e.recordOwner() == "":
		return Call{}, &MissingError{"mod_md", "domain"}
	case e.Cmd == Cleanup && (version == "1" || e.Partial):
		return Call{Args: []string{"teardown", e.recordOwner()}, Env: map[string]string{}}, nil
	case e.Validation == "":
		return Call{}, &MissingError{"mod_md", "validation"}
	}
	word := "setup"
	if e.Cmd == Cleanup {
		word = "teardown"
	}
	return Call{Args: []string{word, e.recordOwner(), e.Validation}, Env: map[string]string{}}, nil
}
