package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

func newJournal(t testing.TB) *Journal {
	j := &Journal{Dir: filepath.Join(t.TempDir(), "state", "journal")}
	existed, err := j.Open()
	require.NoError(t, err)
	require.False(t, existed)
	return j
}

func perform(domain string) envmap.Event {
	return envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: domain, Validation: "value", Client: "certbot"}
}

func recordOf(e envmap.Event) *Record {
	h := chain.Handler{Convention: "handler", Command: []string{"/bin/sh", "-c", "a && b"}, Line: 3}
	return &Record{Event: e, Started: time.Unix(1763805504, 324791778).UTC(), Steps: []Step{{Handler: h, Output: "kept\n"}}}
}

// saved is a journal with one record.
func saved(t *testing.T) (j *Journal, key string, text []byte) {
	j, key = newJournal(t), Key(perform("a.test"))
	require.NoError(t, j.Save(key, recordOf(perform("a.test"))))
	text, err := os.ReadFile(j.path(key))
	require.NoError(t, err)
	return j, key, text
}

// TestOpen: the directory is made with those above it, for its owner only.
func TestOpen(t *testing.T) {
	j := newJournal(t)
	existed, err := j.Open()
	require.NoError(t, err)
	require.True(t, existed)
	for _, dir := range []string{j.Dir, filepath.Dir(j.Dir)} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
	j = &Journal{Dir: filepath.Join(t.TempDir(), "file", "journal")}
	require.NoError(t, os.WriteFile(filepath.Dir(j.Dir), nil, 0o600))
	_, err = j.Open()
	require.ErrorAs(t, err, new(*Error))
}

// TestDirectoryOfOthers: records that others could write are not read.
func TestDirectoryOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root refuses what others can change")
	}
	j, _, _ := saved(t)
	require.NoError(t, os.Chmod(j.Dir, 0o777))
	_, err := j.Open()
	require.ErrorAs(t, err, new(*trust.UnsafeError))
	_, err = j.Records()
	require.ErrorAs(t, err, new(*trust.UnsafeError))
	missing := &Journal{Dir: filepath.Join(j.Dir, "below", "it")}
	require.ErrorAs(t, missing.Check(), new(*trust.UnsafeError))
}

func TestSaveAndLoad(t *testing.T) {
	j, key, _ := saved(t)
	info, err := os.Stat(j.path(key))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NotContains(t, key, "a.test")
	require.NoError(t, j.Has(key))
	r, err := j.Load(key)
	require.NoError(t, err)
	require.Equal(t, "handler", r.Steps[0].Handler.Resolved().Name)
	require.Equal(t, perform("a.test"), r.Event)
	require.Equal(t, "kept\n", r.Steps[0].Output)

	r.Steps = nil
	require.NoError(t, j.Save(key, r), "nothing is left")
	require.ErrorAs(t, j.Has(key), new(*Error))
	r, err = j.Load(key)
	require.NoError(t, err)
	require.Nil(t, r)
	require.NoError(t, j.Remove(key), "it is not there")
}

// TestRecordThatOthersCouldWrite: a link, or a file that others can write.
func TestRecordThatOthersCouldWrite(t *testing.T) {
	j, key, text := saved(t)
	require.NoError(t, os.Chmod(j.path(key), 0o666))
	_, err := j.Load(key)
	require.ErrorAs(t, err, new(*trust.UnsafeError))
	other := filepath.Join(t.TempDir(), "record")
	require.NoError(t, os.WriteFile(other, text, 0o600))
	require.NoError(t, os.Remove(j.path(key)))
	require.NoError(t, os.Symlink(other, j.path(key)))
	_, err = j.Load(key)
	require.ErrorAs(t, err, new(*trust.UnsafeError))
}

// TestRecordOfAnUnknownConvention: it is not lost, and its handler says why it
// cannot be called.
func TestRecordOfAnUnknownConvention(t *testing.T) {
	j := newJournal(t)
	r := recordOf(perform("a.test"))
	r.Steps[0].Handler.Convention = "handlr"
	require.NoError(t, j.Save("key", r))
	r, err := j.Load("key")
	require.NoError(t, err)
	r.Event.Validation = strings.Repeat("x", 43)
	_, err = r.Steps[0].Handler.Encode(r.Event)
	require.ErrorContains(t, err, `unknown convention "handlr"`)
}

// requireSetAside puts a damaged record in the place of a whole one.
func requireSetAside(t *testing.T, j *Journal, key string, damaged []byte, note string) {
	file := j.path(key)
	require.NoError(t, os.WriteFile(file, damaged, 0o600))
	all, err := j.Records()
	require.Empty(t, all, note)
	require.ErrorAs(t, err, new(*TornError), note)
	require.ErrorContains(t, err, file+".corrupt", note)
	aside, err := os.ReadFile(file + ".corrupt")
	require.NoError(t, err, note)
	require.Equal(t, damaged, aside, note)
	require.NoFileExists(t, file, note)
}

// TestRecordTornAtAnyByte: whatever part of a record a power loss left, it
// is known to be torn.
func TestRecordTornAtAnyByte(t *testing.T) {
	j, key, text := saved(t)
	for n := range text {
		requireSetAside(t, j, key, text[:n], "cut at byte "+string(text[:n]))
	}
	requireSetAside(t, j, key, append(bytes.Clone(text), '\n'), "with something after it")
	requireSetAside(t, j, key, make([]byte, len(text)), "of zeros, as some file systems leave it")
}

// TestRecordWithAnyBitChanged: nor is what a bad disk made of it believed.
func TestRecordWithAnyBitChanged(t *testing.T) {
	j, key, text := saved(t)
	version := bytes.IndexByte(text, ' ') + 1 // another version is not damage
	for n := range text {
		damaged := bytes.Clone(text)
		damaged[n] ^= 1 << (n % 8)
		if n != version {
			requireSetAside(t, j, key, damaged, "at byte "+string(text[:n]))
		}
	}
}

// TestRecordOfAnotherVersion: a whole one is left as it is.
func TestRecordOfAnotherVersion(t *testing.T) {
	j, key, text := saved(t)
	for _, version := range []string{"1", "2", "4", "10"} {
		other := bytes.Replace(text, []byte("extauth-journal 3 "), []byte("extauth-journal "+version+" "), 1)
		require.NoError(t, os.WriteFile(j.path(key), other, 0o600))
		_, err := j.Load(key)
		require.Equal(t, &VersionError{j.path(key)}, err)
		left, err := os.ReadFile(j.path(key))
		require.NoError(t, err)
		require.Equal(t, other, left)
		requireSetAside(t, j, key, other[:len(other)-1], "a torn one of version "+version)
	}
}

// recording lists the journal's steps.
func recording(j *Journal) *[]string {
	steps := new([]string)
	j.Step = func(name string) error { *steps = append(*steps, name); return nil }
	return steps
}

// TestStepsOfAWrite: a record is written, synced, given its name and the name synced.
func TestStepsOfAWrite(t *testing.T) {
	j := newJournal(t)
	steps := recording(j)
	require.NoError(t, j.Save("key", recordOf(perform("a.test"))))
	require.NoError(t, j.Remove("key"))
	require.NoError(t, j.Remove("key"))
	e := placed(perform("a.test"))[0]
	require.NoError(t, j.Order(e).Begin())
	require.NoError(t, j.Order(e).Add(Member{Event: e}))
	require.Equal(t, []string{
		"write", "fsync", "rename", "fsync of the directory", "remove", "remove", "fsync of the directory", "remove", "remove",
		"forget the order", "add to the order",
	}, *steps)
}

// TestErrorAtEveryStep: what was there before is there after, and nothing
// besides it.
func TestErrorAtEveryStep(t *testing.T) {
	for _, failing := range []string{"write", "fsync", "rename"} {
		j, key, text := saved(t)
		full := errors.New("no space left on device")
		j.Step = func(name string) error {
			if name == failing {
				return full
			}
			return nil
		}
		err := j.Save(key, recordOf(perform("b.test")))
		require.ErrorIs(t, err, full)
		require.ErrorAs(t, err, new(*Error))
		require.Equal(t, "journal: no space left on device", err.Error())
		left, err := os.ReadFile(j.path(key))
		require.NoError(t, err)
		require.Equal(t, text, left)
		require.NoFileExists(t, j.path(key+".new"))
	}
	for _, failing := range []string{"remove", "fsync of the directory", "forget the order", "add to the order"} {
		j, key, _ := saved(t)
		e := placed(perform("a.test"))[0]
		j.Step = func(name string) error {
			if name == failing {
				return errors.New("bad disk")
			}
			return nil
		}
		err := errors.Join(j.Remove(key), j.Order(e).Begin(), j.Order(e).Add(Member{Event: e}))
		require.ErrorAs(t, err, new(*Error))
		require.Equal(t, "journal: bad disk", err.Error(), failing)
	}
}

// TestTidy: what a crash left before the rename goes.
func TestTidy(t *testing.T) {
	j, key, _ := saved(t)
	require.NoError(t, os.WriteFile(j.path(key+".new"), []byte("half"), 0o644))
	require.NoError(t, j.Save(key, recordOf(perform("a.test"))))
	require.NoFileExists(t, j.path(key+".new"))
	require.NoError(t, os.WriteFile(j.path(key+".new"), []byte("half"), 0o600))
	j.Tidy(key)
	require.NoFileExists(t, j.path(key+".new"))
	require.NoError(t, j.Has(key))
}

// TestStepsDoNotGrowWithTheJournal: what is left of other challenges costs a
// save and a removal nothing.
func TestStepsDoNotGrowWithTheJournal(t *testing.T) {
	j, _, text := saved(t)
	steps := recording(j)
	count := func() int {
		*steps = nil
		require.NoError(t, j.Save("key", recordOf(perform("b.test"))))
		require.NoError(t, j.Remove("key"))
		return len(*steps)
	}
	before := count()
	for n := range 1000 {
		require.NoError(t, os.WriteFile(j.path(fmt.Sprintf("%032x", n)), text, 0o600))
	}
	require.Equal(t, before, count())
}

// TestRecordsNewestFirst: locks, orders and what is set aside are passed over.
func TestRecordsNewestFirst(t *testing.T) {
	j := newJournal(t)
	missing := &Journal{Dir: filepath.Join(j.Dir, "missing")}
	all, err := missing.Records()
	require.NoError(t, err)
	require.Empty(t, all)
	for i, domain := range []string{"b.test", "a.test", "c.test"} {
		r := recordOf(perform(domain))
		r.Started = time.Unix(int64(i), 0)
		require.NoError(t, j.Save(Key(r.Event), r))
	}
	for _, name := range []string{"order-" + Key(perform("d.test")), Key(perform("d.test")) + ".lock", Key(perform("d.test")) + ".corrupt"} {
		require.NoError(t, os.WriteFile(j.path(name), nil, 0o600))
	}
	require.NoError(t, os.WriteFile(j.path(Key(perform("d.test"))), []byte("torn"), 0o600))
	all, err = j.Records()
	require.ErrorAs(t, err, new(*TornError))
	var domains []string
	for _, e := range all {
		require.Equal(t, Key(e.Event), e.ID)
		domains = append(domains, e.Event.Domain)
	}
	require.Equal(t, []string{"c.test", "a.test", "b.test"}, domains)
}

func TestKey(t *testing.T) {
	keys := map[string]bool{}
	for _, e := range []envmap.Event{
		perform("a.test"), perform("b.test"), {Type: "dns-01", Domain: "a.test"}, {Type: "http-01", Domain: "a.test"},
		{Type: "dns-01", Domain: "a.test", Validation: "value", Via: "unix:/run/x"}, {TXTDomain: "a.test"}, {},
	} {
		require.True(t, IsKey(Key(e)))
		keys[Key(e)] = true
	}
	require.Len(t, keys, 7)
	require.Equal(t, "f63e8aa6804a9a9ea43adbecad4a632e",
		Key(envmap.Event{Type: "dns-01", Domain: "example.org", Validation: "one-0123456789-0123456789-0123456789-abcdef"}), "as ever")
}

// TestLock: one holder at a time; who waits in vain is told for which name.
func TestLock(t *testing.T) {
	j := newJournal(t)
	events := []envmap.Event{perform("a.test"), perform("b.test"), perform("c.test")}
	unlock, err := j.Lock(context.Background(), events[1:2], time.Minute)
	require.NoError(t, err)
	held, err := j.TryLock(Key(events[1]))
	require.NoError(t, err)
	require.Nil(t, held)
	none, err := j.Lock(context.Background(), events, 0)
	require.Equal(t, &LockedError{"b.test"}, err)
	none()
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(stopped)
	_, err = j.Lock(ctx, events, time.Minute)
	require.Equal(t, stopped, err)
	unlock()
	unlock, err = j.Lock(context.Background(), events, 0)
	require.NoError(t, err, "those that were taken were given back")
	unlock()
	files, err := os.ReadDir(j.Dir)
	require.NoError(t, err)
	require.Empty(t, files)
	require.NoError(t, os.Remove(j.Dir))
	_, err = j.Lock(context.Background(), events, 0)
	require.ErrorAs(t, err, new(*Error))
	_, err = j.TryLock("key")
	require.ErrorAs(t, err, new(*Error))
}
