package envmap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func canonical(t *testing.T, line string) string {
	e, err := decodeLine(t, line, "")
	require.NoError(t, err, line)
	call, err := lookup(t, "json").Encode(e)
	require.NoError(t, err)
	return strings.TrimSuffix(string(call.Stdin), "\n")
}

// TestCanonicalForm: Python's spacing and escapes, known members in order,
// unknown ones after them, numbers unchanged.
func TestCanonicalForm(t *testing.T) {
	for line, want := range map[string]string{
		`{"title":null,"temporary":false,"cmd":"save"}`:                                                                                               `{"cmd": "save", "title": null, "temporary": false}`,
		`{"cmd":"restart","x":[1.50,{"a":-0e5,"b":[]},true,null]}`:                                                                                    `{"cmd": "restart", "x": [1.50, {"a": -0e5, "b": []}, true, null]}`,
		`{"cmd":"restart","x":"` + "\u00fc\U0001f600\x7f" + `/\u002f\"\\\b\f\n\r\t"}`:                                                                 `{"cmd": "restart", "x": "\u00fc\ud83d\ude00\u007f//\"\\\b\f\n\r\t"}`,
		`{"cmd":"deploy_cert","port":1477582237,"cert_timestamp":1477582428.9469378}`:                                                                 `{"cmd": "deploy_cert", "timestamp": 1477582237, "cert_timestamp": 1477582428.9469378}`,
		`{"cmd":"post_perform","domains":["a.test"],"challenges":[{"cmd":"cleanup","validation":"` + value + `","type":"dns-01","domain":"a.test"}]}`: `{"cmd": "post_perform", "domains": ["a.test"], "challenges": [{"cmd": "cleanup", "type": "dns-01", "domain": "a.test", "validation": "` + value + `"}]}`,
	} {
		require.Equal(t, want, canonical(t, line))
		require.Equal(t, want, canonical(t, want), "canonical already")
	}
}

// TestRefusedLines: strict where readers differ.
func TestRefusedLines(t *testing.T) {
	for _, line := range []string{
		``, `null`, `[]`, `"cmd"`, `42`, `{`, `{"cmd":"restart"`, `{"cmd":"restart"} x`, `{"cmd":"restart"}{}`, `{"cmd":"restart",}`,
		`{"cmd":"restart","cmd":"save"}`, `{"cmd":"restart","CMD":"save"}`, `{"cmd":"restart","x":{"a":1,"a":2}}`,
		`{"cmd":"restart","x":"\ud800"}`, `{"cmd":"restart","x":"\ud800\u0041"}`, `{"cmd":"restart","x":"\udc00"}`,
		"{\"cmd\":\"restart\",\"x\":\"\xff\"}", `{"cmd":"restart","x":01}`, `{"cmd":"restart","x":NaN}`,
		`{"cmd":"restart","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		`{}`, `{"cmd":null}`, `{"cmd":1}`, `{"cmd":"dance"}`, `{"cmd":"save","title":7}`, `{"cmd":"save","temporary":"no"}`,
		`{"cmd":"report","messages":{}}`, `{"cmd":"deploy_cert","timestamp":"1"}`, `{"cmd":"deploy_cert","timestamp":-1}`,
		`{"cmd":"deploy_cert","domains":"a.test"}`, `{"cmd":"deploy_cert","domains":[1]}`, `{"cmd":"deploy_cert","cert_path":""}`,
		`{"cmd":"save","title":"a\u0000b"}`,
		`{"cmd":"perform_challenge","type":"dns-01","domain":"a.test","validation":"` + value + `","remaining":"1"}`,
		`{"cmd":"perform_challenge","type":"dns-01","domain":"a.test","validation":"` + value + `","remaining":1.5}`,
		`{"cmd":"post_perform","challenges":[{"cmd":"restart"}]}`,
		"{\"cmd\":\"restart\"}\n{\"cmd\":\"restart\"}",
		`{"cmd":"save","Title":"x"}`,
	} {
		_, err := decodeLine(t, line, "")
		require.Error(t, err, line)
		require.NotRegexp(t, `[\x00-\x1f\x7f-\x9f]`, err.Error())
	}
}

func TestSurrogatePairsAreRead(t *testing.T) {
	require.Equal(t, `{"cmd": "restart", "x": "\ud83d\ude00\ufffd\\ud800"}`, canonical(t, `{"cmd":"restart","x":"\uD83D\uDE00\ufffd\\ud800"}`))
}

// TestOrderOnTheWire: a challenge may carry its place in the order.
func TestOrderOnTheWire(t *testing.T) {
	line := `{"cmd": "perform_challenge", "type": "dns-01", "domain": "a.test", "validation": "` + value +
		`", "txt_domain": "_acme-challenge.a.test", "remaining": 1, "domains": ["a.test", "a.test"]}`
	e, err := decodeLine(t, line, "")
	require.NoError(t, err)
	require.Equal(t, 1, *e.Remaining)
	require.NotEmpty(t, e.Order)
	require.Equal(t, line, canonical(t, line))
}

// TestOwnNameOfTheRecord: the name of a record that a CNAME leads to is in
// cleanups too.
func TestOwnNameOfTheRecord(t *testing.T) {
	line := `{"cmd": "cleanup", "type": "dns-01", "domain": "a.test", "validation": "` + value + `", "txt_domain": "a.acme.test"}`
	require.Equal(t, line, canonical(t, line))
}

func TestPhasesByName(t *testing.T) {
	require.Equal(t, "pre-perform", envmap.Event{Cmd: envmap.PrePerform}.Phase())
	require.Equal(t, "perform", envmap.Event{Cmd: envmap.PerformChallenge}.Phase())
	require.Equal(t, "cleanup", envmap.Event{Cmd: envmap.Cleanup}.Phase())
	require.Equal(t, "deploy_cert", envmap.Event{Cmd: envmap.DeployCert}.Phase())
}
