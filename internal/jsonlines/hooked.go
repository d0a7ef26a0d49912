package jsonlines

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/process"
)

// addHooks adds the options that make our programs the client's hooks to its
// command line. Hooks that are on it already stay.
func addHooks(client string, words []string) ([]string, error) {
	switch cmp.Or(client, filepath.Base(words[0])) {
	case "certbot", "letsencrypt":
		return addCertbotHooks(words)
	case "dehydrated":
		return addDehydratedHook(words)
	}
	if client != "" && client != "none" {
		return nil, cli.Usage("unknown client %q (want certbot, dehydrated or none)", client)
	}
	return words, nil
}

// addCertbotHooks handles the commands of certbot that issue certificates. run
// installs them too: it gets the installer that does nothing, if none is named.
func addCertbotHooks(words []string) ([]string, error) {
	hook, err := process.Companion("extauth-hook")
	if err != nil {
		return nil, err
	}
	command := func(operand string) string { return commandline.Quote(hook, operand) }
	verb := certbotVerb(words[1:])
	if verb == "" {
		return words, nil
	}
	if !hasOption(words, "--authenticator", "-a", "--manual", "--configurator") {
		words = append(words[:len(words):len(words)], "--manual")
	}
	for _, add := range []struct{ option, value string }{
		{"--manual-auth-hook", command("auth")}, {"--manual-cleanup-hook", command("cleanup")},
	} {
		if !hasOption(words, add.option) {
			words = append(words, add.option, add.value)
		}
	}
	if verb == "run" && !hasOption(words, "--installer", "-i", "--configurator", "--nginx", "--apache") {
		words = append(words, "--installer", "null")
	}
	if verb != "certonly" && !hasOption(words, "--deploy-hook", "--renew-hook") {
		words = append(words, "--deploy-hook", command("deploy"))
	}
	return words, nil
}

// certbotVerb finds the command as certbot does: the first word that is one,
// wherever it is, else run (certbot: cli/helpful.py, determine_verb). It is
// "" for commands that issue nothing.
func certbotVerb(words []string) string {
	verbs := map[string]string{
		"run": "run", "everything": "run", "certonly": "certonly", "auth": "certonly", "renew": "renew",
	}
	others := []string{"install", "certificates", "delete", "revoke", "register", "unregister", "update_account",
		"show_account", "rollback", "plugins", "enhance", "update_symlinks", "reconfigure", "config_changes",
		"--help", "-h", "--version"}
	for _, word := range words {
		if verb := verbs[word]; verb != "" {
			return verb
		}
		if slices.Contains(others, word) {
			return ""
		}
	}
	return "run"
}

// addDehydratedHook adds the hook to dehydrated's command line, which overrides
// the configuration.
func addDehydratedHook(words []string) ([]string, error) {
	if hasOption(words, "--hook", "-k") {
		return words, nil
	}
	hook, err := process.Companion("extauth-dehydrated")
	if err != nil {
		return nil, err
	}
	return append(words[:len(words):len(words)], "--hook", hook), nil
}

// hasOption reports whether a command line has any of some options, with its value
// after an equals sign or not.
func hasOption(words []string, options ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool {
		name, _, _ := strings.Cut(word, "=")
		return slices.Contains(options, name)
	})
}
