package fault_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/fault"
)

func TestRecover(t *testing.T) {
	fails := func(what any) (err error) {
		defer fault.Recover(&err)
		if what != nil {
			panic(what)
		}
		return nil
	}
	require.NoError(t, fails(nil))
	require.EqualError(t, fails("a secret"), "internal fault at fault_test.go:15; please report it")
}
