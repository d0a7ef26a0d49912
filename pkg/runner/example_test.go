package runner_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// keyAuth is a key authorization, as the ACME client's library computes it.
const keyAuth = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.gfj9Xq7LkYtXwlHnYRvTQ3bnL0f0dF6hGJ5CkRg85nM"

// Run a hook that was written for dehydrated for one challenge. echo stands in
// for the hook, to show what it is called with.
func ExampleRunner_Run() {
	state, err := os.MkdirTemp("", "extauth")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)

	challenge := envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: "example.org", KeyAuth: keyAuth}
	challenge, err = challenge.Complete("")
	if err != nil {
		log.Fatal(err)
	}
	r := &runner.Runner{
		Chain:   []runner.Handler{{Convention: "dehydrated", Command: []string{"/bin/echo"}}},
		Environ: os.Environ(),
		State:   state,
		Deliver: func(_ context.Context, output []byte) error {
			_, err := os.Stdout.Write(output)
			return err
		},
	}
	if err := r.Run(context.Background(), []envmap.Event{challenge}); err != nil {
		log.Fatal(err)
	}
	// Output: deploy_challenge example.org evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA d7dFDo27e7FFMkYoq447K1X-KaCYRZvaDQk4GhS8rdc
}

// Provider is a DNS provider as lego has them: Present and CleanUp run a hook of
// any convention.
type Provider struct{ runner *runner.Runner }

// Present creates the TXT record of a dns-01 challenge.
func (p Provider) Present(domain, token, keyAuth string) error {
	return p.run(envmap.PerformChallenge, domain, token, keyAuth)
}

// CleanUp removes it.
func (p Provider) CleanUp(domain, token, keyAuth string) error {
	return p.run(envmap.Cleanup, domain, token, keyAuth)
}

func (p Provider) run(cmd envmap.Cmd, domain, token, keyAuth string) error {
	e, err := envmap.Event{Cmd: cmd, Type: envmap.DNS01, Domain: domain, Token: token, KeyAuth: keyAuth}.Complete("")
	if err != nil {
		return err
	}
	return p.runner.Run(context.Background(), []envmap.Event{e})
}

// A provider for a program in lego's style. The handler is a hook for certbot,
// which has a command for each event.
func Example_provider() {
	state, err := os.MkdirTemp("", "extauth")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(state)

	hook := runner.Handler{Convention: "certbot", Commands: map[string][]string{
		"auth":    {"/bin/sh", "-c", "echo add $CERTBOT_DOMAIN"},
		"cleanup": {"/bin/sh", "-c", "echo remove $CERTBOT_DOMAIN"},
	}}
	p := Provider{&runner.Runner{
		Chain: []runner.Handler{hook}, Environ: os.Environ(), State: state,
		Deliver: func(_ context.Context, output []byte) error {
			_, err := os.Stdout.Write(output)
			return err
		},
	}}
	token := envmap.TokenOf(keyAuth)
	fmt.Println(p.Present("example.org", token, keyAuth), p.CleanUp("example.org", token, keyAuth))
	fmt.Println(p.Present("example.org; reboot", token, keyAuth))
	// Output:
	// add example.org
	// remove example.org
	// <nil> <nil>
	// domain "example.org; reboot" is not a DNS name or an IP address
}

// Everything that is wrong with a chain file is reported at once.
func ExampleParseChain() {
	_, err := runner.ParseChain("chain", `# provider of the zone
dehydratd domain=*.example.org,example.org /bin/echo
handler   timeout=soon /bin/echo
handler   domain=example.net
`)
	faults := new(runner.ChainError)
	if errors.As(err, &faults) {
		for _, fault := range faults.Faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// chain:2: unknown convention "dehydratd" (did you mean "dehydrated"?)
	// chain:3: timeout=: "soon" is not a duration such as 90s or 5m
	// chain:4: has no command
}
