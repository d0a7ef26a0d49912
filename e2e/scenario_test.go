//go:build linux

package e2e_test

import (
	"slices"
	"testing"
)

// A scenario is one use of the programs by a real client. It ends with a
// certificate for the right names, or with the failure that was asked for, and
// in both cases with nothing left in the zones, the webroot and the journal.
type scenario struct {
	name string
	run  func(*world)
}

func scenarios() []scenario {
	return slices.Concat(
		debianHookScenarios(), exampleScenarios(), authOutputScenarios(),
		classicHandlerScenarios(), renewScenarios(), deployScenarios(),
		pipelineScenarios(), rollbackScenarios(), toleranceScenarios(),
		faultScenarios(), ansibleScenarios(), apacheScenarios(),
		execScenarios(), listenScenarios(), manualScenarios(), batchScenarios(),
		legoScenarios(),
		uacmeScenarios(), acmetoolScenarios(),
		httpreqScenarios(), checkScenarios(),
	)
}

func TestScenarios(t *testing.T) {
	needLaboratory(t)
	lab.requirePrograms(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(newWorld(t))
		})
	}
}
