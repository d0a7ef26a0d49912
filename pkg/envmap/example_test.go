package envmap_test

import (
	"errors"
	"fmt"

	"github.com/extauth/extauth/pkg/envmap"
)

const exampleKeyAuth = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

// A call of certbot's hook becomes a call of a dehydrated hook.
func Example() {
	certbot, _ := envmap.Lookup("certbot")
	dehydrated, _ := envmap.Lookup("dehydrated")
	events, err := certbot.Decode(envmap.Call{
		Args: []string{"auth"},
		Env: map[string]string{
			"CERTBOT_DOMAIN":               "example.org",
			"CERTBOT_VALIDATION":           envmap.DNSValue(exampleKeyAuth),
			"CERTBOT_ALL_DOMAINS":          "example.org",
			"CERTBOT_REMAINING_CHALLENGES": "0",
			"EXTAUTH_THUMBPRINT":           "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI",
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	events[0].Token = envmap.TokenOf(exampleKeyAuth) // certbot has no token for dns-01
	call, err := dehydrated.Encode(events[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, arg := range call.Args {
		fmt.Println(arg)
	}
	// Output:
	// deploy_challenge
	// example.org
	// evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA
	// lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM
}

func ExampleLookup() {
	for _, name := range []string{"winacme", "dehydratd"} {
		c, known := envmap.Lookup(name)
		if !known {
			fmt.Printf("unknown convention %q\n", name)
			continue
		}
		_, err := c.Decode(envmap.Call{Args: []string{"create"}})
		fmt.Println(err)
	}
	// Output:
	// winacme: has no client that calls us
	// unknown convention "dehydratd"
}

// What an ACME library gives a DNS provider is a domain and a key authorization.
func ExampleEvent_Complete() {
	e, err := envmap.Event{
		Cmd:     envmap.PerformChallenge,
		Type:    envmap.DNS01,
		Domain:  "WWW.Example.org.",
		KeyAuth: exampleKeyAuth,
	}.Complete("")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Domain)
	fmt.Println(e.Token)
	fmt.Println(e.TXTDomain)
	fmt.Println(e.Validation)
	// Output:
	// www.example.org
	// evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA
	// _acme-challenge.www.example.org
	// lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM
}

// A value that its grammar does not allow is an error, and reaches no handler.
func ExampleConvention_Encode() {
	hook, _ := envmap.Lookup("dehydrated")
	_, err := hook.Encode(envmap.Event{
		Cmd:        envmap.PerformChallenge,
		Type:       envmap.DNS01,
		Domain:     "example.org",
		Token:      "token",
		Validation: "$(id)",
	})
	var value *envmap.ValueError
	fmt.Println(errors.As(err, &value), value.Name)
	fmt.Println(err)
	// Output:
	// true validation
	// validation "$(id)" dns-01: is not 43 base64url characters
}
