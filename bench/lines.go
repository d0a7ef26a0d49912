package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// text makes words of the alphabet that tokens have, the same ones every time.
func text() func(int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random := rand.New(rand.NewSource(7))
	return func(n int) string {
		word := make([]byte, n)
		for i := range word {
			word[i] = letters[random.Intn(len(letters))]
		}
		return string(word)
	}
}

// lines makes a file of n challenges, and sees that extauth-json writes the
// same bytes.
func (p place) lines(n int) (string, error) {
	name := filepath.Join(p.disk, fmt.Sprintf("%d.jsonl", n))
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var b strings.Builder
	random := text()
	for i := range n {
		challengeLine(&b, random, i)
		if i%1000 == 999 || i == n-1 {
			err = errors.Join(err, save(file, &b))
		}
	}
	if err != nil {
		return "", err
	}
	return name, p.canonical(name)
}

// canonical compares what extauth-json makes of a file with the file.
func (p place) canonical(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	read, written := sha256.New(), sha256.New()
	program := exec.Command(p.program("extauth-json"), "--to", "json", "run")
	program.Stdin, program.Stdout = io.TeeReader(file, read), written
	if err := program.Run(); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	if !bytes.Equal(read.Sum(nil), written.Sum(nil)) {
		return fmt.Errorf("%s: does not write its input again", program)
	}
	return nil
}

// renewals makes a file of n events that the journal has no part in.
func (p place) renewals(n int) (string, error) {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, `{"cmd": "deploy_cert", "domain": "h%05d.example.org", "cert_path": "/c/cert.pem", "key_path": "/c/privkey.pem", `+
			`"chain_path": "/c/chain.pem", "fullchain_path": "/c/fullchain.pem", "timestamp": 1700000000, "cert_timestamp": 1700000000}`+"\n", i)
	}
	return p.write(fmt.Sprintf("renewals-%d.jsonl", n), all.String())
}

// pairs makes a file of n challenges that are performed and cleaned up, as many
// at once as said.
func (p place) pairs(n, atOnce int) (string, error) {
	var perform, cleanup, all strings.Builder
	random := text()
	for i := range n {
		name, token := fmt.Sprintf("h%05d.example.org", i), random(43)
		rest := fmt.Sprintf(`"type": "http-01", "domain": %q, "token": %q, "validation": %q, "key_auth": %q}`+"\n",
			name, token, token+"."+thumbprint, token+"."+thumbprint)
		perform.WriteString(`{"cmd": "perform_challenge", ` + rest)
		cleanup.WriteString(`{"cmd": "cleanup", ` + rest)
		if i%atOnce == atOnce-1 {
			all.WriteString(perform.String() + cleanup.String())
			perform.Reset()
			cleanup.Reset()
		}
	}
	return p.write(fmt.Sprintf("%d-%d.pairs", n, atOnce), all.String())
}

// challengeLine is an event in the form that extauth-json itself writes.
func challengeLine(b *strings.Builder, random func(int) string, number int) {
	name := fmt.Sprintf("host%07d.dept%02d.example.org", number, number%97)
	token := random(43)
	auth := token + "." + thumbprint
	fmt.Fprintf(b, `{"cmd": "perform_challenge", "type": "http-01", "domain": %q, "token": %q, "validation": %q, `+
		`"uri": "http://%s/.well-known/acme-challenge/%s", "key_auth": %q}`+"\n", name, token, auth, name, token, auth)
}

// save writes what is built so far, and begins anew.
func save(file *os.File, b *strings.Builder) error {
	_, err := file.WriteString(b.String())
	b.Reset()
	return err
}
