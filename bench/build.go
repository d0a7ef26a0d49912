package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// prepare builds the drivers and the peers, and puts the scripts beside them.
func (p place) prepare() error {
	if err := os.CopyFS(p.peers, os.DirFS(filepath.Join(p.source, "peers"))); err != nil {
		return err
	}
	source := func(name string) string { return filepath.Join(p.source, name) }
	commands := [][]string{
		{"gcc", "-O2", "-Wall", "-static", "-o", p.peer("rounds"), source("driver/rounds.c")},
		{"gcc", "-O2", "-Wall", "-static", "-o", p.peer("cpuid"), source("driver/cpuid.c")},
		{"gcc", "-O2", "-Wall", "-static", "-o", p.peer("bridge"), source("peers/bridge.c")},
		{"gcc", "-O2", "-Wall", "-static", "-o", p.peer("lockstep"), source("peers/lockstep.c")},
		{"gcc", "-O2", "-Wall", "-static", "-nostdlib", "-o", p.peer("nostd"), source("peers/nostd.c")},
		{"go", "build", "-trimpath", "-o", p.peer("empty.program"), "./peers/empty"},
		{"go", "build", "-trimpath", "-o", p.peer("coprocess.program"), "./peers/coprocess"},
	}
	for _, words := range commands {
		if err := p.build1(words); err != nil {
			return err
		}
	}
	return errors.Join(p.executable(), p.install())
}

func (p place) build1(words []string) error {
	command := exec.Command(words[0], words[1:]...)
	command.Dir = p.source
	command.Env = append(command.Environ(), "CGO_ENABLED=0")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, said)
	}
	return nil
}

// executable makes the scripts so; a copy is not.
func (p place) executable() error {
	files, err := filepath.Glob(p.peer("*.*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.Chmod(file, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// machine is what figures depend on, and only ratios less.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	GCC    string `json:"gcc"`
	JQ     string `json:"jq"`
	Python string `json:"python"`
	Bash   string `json:"bash"`
	Dash   string `json:"dash"`
	CPUID  string `json:"cpuid_ns"` // what one such instruction takes
}

func (p place) machine() machine {
	return machine{
		CPU:    field("/proc/cpuinfo", "model name"),
		Cores:  runtime.NumCPU(),
		Kernel: answer("uname", "-r"),
		Go:     runtime.Version(),
		GCC:    answer("gcc", "-dumpfullversion"),
		JQ:     answer("jq", "--version"),
		Python: answer("/usr/bin/python3", "--version"),
		Bash:   answer("bash", "-c", "echo $BASH_VERSION"),
		Dash:   answer("dpkg-query", "-W", "-f", "${Version}", "dash"),
		CPUID:  answer(p.peer("cpuid")),
	}
}

// answer is the first line that a program prints, or "-".
func answer(words ...string) string {
	out, err := exec.Command(words[0], words[1:]...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "-"
	}
	return line
}

// field is the first value of a name in a file of NAME: VALUE, or "-".
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "-"
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, Linux %s, %s, gcc %s, %s, %s, bash %s, dash %s\n"+
		"One CPUID instruction takes %s ns. Every C program executes it many times at its start and a Go program few times, so\n"+
		"that a virtual machine, where it is slow, makes shells look slow: compare ratios to them only where it takes the same.\n",
		m.CPU, m.Cores, m.Kernel, m.Go, m.GCC, m.JQ, m.Python, m.Bash, m.Dash, m.CPUID)
}
