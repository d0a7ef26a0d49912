// The versions that Debian 13 has, to test with them:
//
//	go test -modfile=packaging/go.debian.mod -skip '^TestChainFaults$' ./pkg/... ./internal/... ./hooks/...
//
// go-internal alone is newer: Debian's, 1.12, has no testscript.Main. What is
// skipped has a backslash before an n, which shellwords 1.0.12 takes for an n.
module github.com/extauth/extauth

go 1.24

require (
	github.com/joho/godotenv v1.5.1
	github.com/mattn/go-shellwords v1.0.12
	github.com/rogpeppe/go-internal v1.14.1
	github.com/stretchr/testify v1.10.0
	golang.org/x/crypto v0.28.0
	golang.org/x/net v0.30.0
	golang.org/x/sys v0.26.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	golang.org/x/tools v0.26.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

// go-internal asks for newer ones.
replace (
	golang.org/x/crypto => golang.org/x/crypto v0.25.0
	golang.org/x/net => golang.org/x/net v0.27.0
	golang.org/x/sys => golang.org/x/sys v0.22.0
)
