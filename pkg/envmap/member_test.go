package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func TestPartsOfAMember(t *testing.T) {
	object, err := envmap.ParseObject([]byte(`{"a":{"b,":[1,"x\n, "],"c:":{},"d":null},"e":[]}`))
	require.NoError(t, err)
	require.Equal(t, []envmap.Member{{Name: "a", Value: `{"b,": [1, "x\n, "], "c:": {}, "d": null}`}, {Name: "e", Value: "[]"}}, object)
	parts := object[0].Parts()
	require.Equal(t, []envmap.Member{{Name: "b,", Value: `[1, "x\n, "]`}, {Name: "c:", Value: "{}"}, {Name: "d", Value: "null"}}, parts)
	require.Equal(t, []envmap.Member{{Value: "1"}, {Value: `"x\n, "`}}, parts[0].Parts())
	require.Equal(t, "x\n, ", parts[0].Parts()[1].Text())
	require.Equal(t, "null", parts[2].Text())
	for _, empty := range []envmap.Member{object[1], parts[1], parts[2]} {
		require.Empty(t, empty.Parts())
	}
	_, err = envmap.ParseObject([]byte(`{"a":1,"A":2}`))
	require.ErrorAs(t, err, new(*envmap.CallError))
}
