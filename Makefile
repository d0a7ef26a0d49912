# make help lists the targets.
.POSIX:
GO = go
# A test that takes longer hangs. Packages that start many processes are slow.
HANG = 40m
SLOW = /(e2e|hooks|bench|completions|internal/(check|cli|program))(/|$$)
RACE = $$(command -v gcc >/dev/null 2>&1 && echo -race)

# Where the programs are built, and what else their linker is told.
BUILDDIR = build
LDFLAGS =

# Where they are installed. The programs look for /etc/extauth/chain and
# /var/lib/extauth wherever they are.
DESTDIR =
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
LIBEXECDIR = $(PREFIX)/libexec
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/extauth
SYSCONFDIR = /etc
UNITDIR = $(PREFIX)/lib/systemd/system
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR = $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR = $(PREFIX)/share/fish/vendor_completions.d
PLACES = BUILDDIR='$(BUILDDIR)' DESTDIR='$(DESTDIR)' BINDIR='$(BINDIR)' LIBEXECDIR='$(LIBEXECDIR)' MANDIR='$(MANDIR)' \
	DOCDIR='$(DOCDIR)' SYSCONFDIR='$(SYSCONFDIR)' UNITDIR='$(UNITDIR)' BASHCOMPDIR='$(BASHCOMPDIR)' \
	ZSHCOMPDIR='$(ZSHCOMPDIR)' FISHCOMPDIR='$(FISHCOMPDIR)'

.PHONY: help build demo test packages check update fuzz lint vuln clean bench bench-check bench-wait install uninstall dist \
	package package-files package-check package-test package-test-13

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

build: ## build the programs into build/, as two binaries and links to them
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$$(sh packaging/ldflags.sh) $(LDFLAGS)" -o '$(BUILDDIR)/' ./cmd/extauth ./cmd/extauth-hook
	sh packaging/links.sh '$(BUILDDIR)'

install: ## install what was built: DESTDIR, PREFIX and others say where
	$(PLACES) sh packaging/install.sh install

uninstall: ## take away what install put there
	$(PLACES) sh packaging/install.sh uninstall

dist: ## make build/extauth-VERSION.tar.gz of HEAD, and one with the modules in it
	sh packaging/dist.sh

package: dist ## make a .deb, an .rpm and an .apk of HEAD in build/
	sh packaging/package.sh

package-files: build ## write the list of what is installed, packaging/files.txt
	sh packaging/check.sh files

package-check: packages build ## see that it installs, builds the same twice, and that lintian has nothing to say (1 minute)
	sh packaging/check.sh

package-test: ## install, use, upgrade and remove the packages in a Debian 12 of their own (as root)
	sh packaging/test.sh

package-test-13: ## build the package from Debian 13's own libraries, and use it (as root)
	sh packaging/test13.sh

demo: build ## show the main job on recorded calls; needs nothing but Go
	sh demo/demo.sh

test: packages check ## run every test, those with real clients included (as root)
	$(GO) test -count=1 -v -run '^TestFaultRows$$' .
	sh pkg/fuzz.sh 2s
	sh e2e/sentinel.sh $(GO) test $(RACE) -count=1 -timeout $(HANG) ./...

check: ## look at the form, vet, and run the tests that are quick (1 minute)
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...
	$(GO) test -short $$($(GO) list ./... | grep -Ev '$(SLOW)')

update: ## write the lists and golden files that follow from the conventions; read the difference
	$(GO) test . -run '^TestListsOfConventions$$' -update
	$(GO) test ./pkg/envmap -update

packages: ## install what the tests need (root on Debian or Ubuntu), or say what it is
	sh e2e/packages.sh

fuzz: ## fuzz each decoder for FUZZTIME (default 1m)
	sh pkg/fuzz.sh "$${FUZZTIME:-1m}"

bench: build ## measure the programs beside others that do such work
	$(GO) run ./bench run build

bench-check: build ## fail if a program is slower than promised (2 minutes)
	$(GO) run ./bench check build

bench-wait: build ## compare ways to wait for TXT records, on a fake DNS
	$(GO) run ./bench/wait build/extauth-wait

lint: ## run golangci-lint, which is fetched through the module proxy
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.5.0 run --allow-parallel-runners

vuln: ## look for known faults in what is linked (needs the database of Go's vulnerabilities)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

clean: ## remove what was built
	rm -rf build
