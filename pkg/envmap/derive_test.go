package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// A challenge of the traces: its dns-01 value and, for the account that made
// it, key authorization and tls-sni-01 name, as the documentation prints them.
const (
	token      = "_QLSFTRw6qbQaN7gTglBYZuU1L7KAP-bXB_41CAnAvU"
	thumbprint = "tRQM98JsABZRm5-NiotcgD212RAUPPbyeDP30Ob_7-0"
	keyAuth    = token + "." + thumbprint
	value      = "667drNmQL3vX6bu8YZlgy0wKNBlCny8yrjF1lSaUndc"
)

func TestDerivations(t *testing.T) {
	require.Equal(t, value, envmap.DNSValue(keyAuth))
	require.Equal(t, token, envmap.TokenOf(keyAuth))
	require.Empty(t, envmap.TokenOf(value))
	require.Equal(t, "9e18429925564832b4acea536aeb30e8.c06f4638a973d2756ab3ff17b8ed68b8.acme.invalid",
		envmap.SNIName("xgg9AwsMl8Rtdwh_ZkHozmDEr9G4Z1noCqnbRXp3zyA."+thumbprint))
	require.Equal(t, "_acme-challenge.example.org", envmap.TXTName(envmap.DNS01, "example.org"))
	require.Equal(t, "_validation-persist.example.org", envmap.TXTName(envmap.DNSPersist01, "example.org"))
	require.Empty(t, envmap.TXTName(envmap.DNSAccount01, "example.org"), "its label depends on the account")
	require.Equal(t, "http://example.org/.well-known/acme-challenge/t", envmap.URI("example.org", "t"))
	require.Equal(t, "http://[2001:db8::1]/.well-known/acme-challenge/t", envmap.URI("2001:db8::1", "t"))
}

func TestALPNHexTakesEveryForm(t *testing.T) {
	const hex = "eb:ae:dd:ac:d9:90:2f:7b:d7:e9:bb:bc:61:99:60:cb:4c:0a:34:19:42:9f:2f:32:ae:31:75:95:26:94:9d:d7"
	require.Equal(t, hex, envmap.ALPNHex(value))
	require.Equal(t, hex, envmap.ALPNHex(hex))
	require.Equal(t, hex, envmap.ALPNHex("EBAEDDACD9902F7BD7E9BBBC619960CB4C0A3419429F2F32AE31759526949DD7"))
	require.Empty(t, envmap.ALPNHex("abc"))
}

// decodeLine decodes one JSON line for an account with a known thumbprint.
func decodeLine(t *testing.T, line, thumbprint string) (envmap.Event, error) {
	env := map[string]string{}
	if thumbprint != "" {
		env["EXTAUTH_THUMBPRINT"] = thumbprint
	}
	events, err := lookup(t, "json").Decode(envmap.Call{Stdin: []byte(line), Env: env})
	if err != nil {
		return envmap.Event{}, err
	}
	return events[0], nil
}

func TestWhatFollowsIsFilledIn(t *testing.T) {
	e, err := decodeLine(t, `{"cmd":"perform_challenge","type":"http-01","domain":"Example.ORG.","validation":"`+keyAuth+`"}`, "")
	require.NoError(t, err)
	require.Equal(t, "example.org", e.Domain)
	require.Equal(t, token, e.Token)
	require.Equal(t, keyAuth, e.KeyAuth)
	require.Equal(t, envmap.URI("example.org", token), e.URI)

	e, err = decodeLine(t, `{"cmd":"perform_challenge","type":"dns-01","domain":"example.org","key_auth":"`+keyAuth+`"}`, "")
	require.NoError(t, err)
	require.Equal(t, value, e.Validation)
	require.Equal(t, token, e.Token)

	e, err = decodeLine(t, `{"cmd":"cleanup","domain":"example.org","validation":"`+value+`"}`, "")
	require.NoError(t, err)
	require.Equal(t, envmap.DNS01, e.Type, "by the value's form")
	require.Empty(t, e.KeyAuth, "a digest has no way back")
}

func TestThumbprintMakesTheKeyAuthorization(t *testing.T) {
	line := `{"cmd":"perform_challenge","type":"dns-01","domain":"example.org","token":"` + token + `","validation":"` + value + `"}`
	e, err := decodeLine(t, line, thumbprint)
	require.NoError(t, err)
	require.Equal(t, keyAuth, e.KeyAuth)
	_, err = decodeLine(t, line, "0"+thumbprint[1:])
	require.ErrorContains(t, err, "EXTAUTH_THUMBPRINT")
	_, err = decodeLine(t, line, "short")
	require.ErrorContains(t, err, "EXTAUTH_THUMBPRINT")
}

// TestContradictionsAreRefused: where a client says something twice, it must
// say the same.
func TestContradictionsAreRefused(t *testing.T) {
	for name, line := range map[string]string{
		"token":      `{"cmd":"cleanup","type":"dns-01","domain":"a.test","token":"other","validation":"` + value + `","key_auth":"` + keyAuth + `"}`,
		"validation": `{"cmd":"cleanup","type":"dns-01","domain":"a.test","validation":"0` + value[1:] + `","key_auth":"` + keyAuth + `"}`,
	} {
		_, err := decodeLine(t, line, "")
		refused := new(envmap.ValueError)
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, name, refused.Name)
	}
}
