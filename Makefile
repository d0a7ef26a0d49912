# make help lists the targets.
.POSIX:
GO = go
# A toolchain that is newer than go.mod's has programs read at every start how
# that Go behaved. They behave as the toolchain's own do.
LDFLAGS = -X=runtime.godebugDefault=
RACE = $$(command -v gcc >/dev/null 2>&1 && echo -race)

.PHONY: help build demo test packages check fuzz lint clean bench bench-check bench-wait

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build: ## build the programs into build/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o build/ ./cmd/...

demo: build ## show the main job on recorded calls; needs nothing but Go
	sh demo/demo.sh

test: packages check ## run every test, those with real clients included (as root)
	$(GO) test -count=1 -v -run '^TestFaultRows$$' .
	sh pkg/fuzz.sh 5s
	sh e2e/sentinel.sh $(GO) test $(RACE) -count=1 -timeout 14m ./...

check: ## vet the code and its form
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...

packages: ## install what the tests need (root on Debian or Ubuntu), or say what it is
	sh e2e/packages.sh

fuzz: ## fuzz each decoder for FUZZTIME (default 1m)
	sh pkg/fuzz.sh "$${FUZZTIME:-1m}"

bench: build ## measure the programs beside others that do such work
	$(GO) run ./bench run build

bench-check: build ## see that the programs reach their goals
	$(GO) run ./bench check build

bench-wait: build ## compare ways to wait for TXT records, on a fake DNS
	$(GO) run ./bench/wait build/extauth-wait

lint: ## run golangci-lint, which is fetched through the module proxy
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run

clean: ## remove what was built
	rm -rf build
