//go:build linux

package examples_test

import (
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMail(t *testing.T) {
	t.Parallel()
	need(t, "msmtp", "msmtp")
	runDeployTests(t, []deployTest{
		{"tells of a new certificate", mailTellsOfACertificate},
		{"tells of failures", mailTellsOfFailures},
		{"lets no value become a header", mailHasNoOtherHeaders},
		{"fails when the message is not taken", mailIsNotTaken},
	})
}

// An envelope is what an SMTP server was given.
type envelope struct {
	recipients []string
	message    string
}

// startSMTP listens for messages, and makes sendmail send them there: msmtp is
// it under that name.
func (d *deployment) startSMTP() <-chan envelope {
	d.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(d, err)
	d.Cleanup(func() { listener.Close() })
	messages := make(chan envelope, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			takeMessages(textproto.NewConn(conn), messages)
		}
	}()
	d.sendmail(listener.Addr().(*net.TCPAddr).Port)
	return messages
}

func (d *deployment) sendmail(port int) {
	d.Helper()
	require.NoError(d, os.Symlink(need(d.T, "msmtp", "msmtp"), d.path("first", "sendmail")))
	d.write(".msmtprc", fmt.Sprintf("account default\nhost 127.0.0.1\nport %d\nfrom extauth@host.test\n", port))
}

// takeMessages is an SMTP server for one connection (RFC 5321).
func takeMessages(conn *textproto.Conn, messages chan<- envelope) {
	defer conn.Close()
	_ = conn.PrintfLine("220 host.test")
	var e envelope
	for {
		line, err := conn.ReadLine()
		switch command, _, _ := strings.Cut(line, " "); {
		case err != nil:
			return
		case command == "RCPT":
			e.recipients = append(e.recipients, strings.TrimPrefix(line, "RCPT TO:"))
		case command == "DATA":
			_ = conn.PrintfLine("354 go on")
			text, _ := conn.ReadDotBytes()
			e.message = string(text)
			messages <- e
		}
		_ = conn.PrintfLine("250 host.test")
	}
}

// receive waits for a message, and checks its header: of the fields that can be
// there, each once.
func (d *deployment) receive(messages <-chan envelope) (envelope, *mail.Message) {
	d.Helper()
	select {
	case e := <-messages:
		require.NotContains(d, e.message, marker)
		require.NotContains(d, e.message, "PRIVATE KEY")
		m, err := mail.ReadMessage(strings.NewReader(e.message))
		require.NoError(d, err)
		for field, values := range m.Header {
			require.Contains(d, []string{"To", "From", "Subject", "Date", "Message-Id", "Auto-Submitted"}, field)
			require.Len(d, values, 1)
		}
		return e, m
	case <-time.After(soon):
		require.Fail(d, "no message came")
		return envelope{}, nil
	}
}

func (d *deployment) mailChain(settings ...string) {
	d.Helper()
	d.write("chain", d.chainLine("handler phase=deploy_cert", "mail", settings...)+
		d.chainLine("dehydrated phase=invalid_challenge,request_failure strict=yes", "mail", settings...))
}

// tell runs the chain as dehydrated does.
func (d *deployment) tell(operation ...string) run {
	d.Helper()
	return d.run(append([]string{filepath.Join(d.bin, "extauth-dehydrated"), "--chain", d.path("chain")}, operation...))
}

func mailTellsOfACertificate(d *deployment) {
	messages := d.startSMTP()
	d.mailChain("MAIL_TO='ops@a.test, Web <web@b.test>'", "MAIL_FROM='extauth <extauth@a.test>'")
	d.issue("*.a.test")
	requireDone(d.T, d.deploy("*.a.test"))
	e, m := d.receive(messages)
	require.Equal(d, []string{"<ops@a.test>", "<web@b.test>"}, e.recipients)
	require.Equal(d, "extauth <extauth@a.test>", m.Header.Get("From"))
	require.Equal(d, "auto-generated", m.Header.Get("Auto-Submitted"))
	require.Regexp(d, `: new certificate for \*\.a\.test$`, m.Header.Get("Subject"))
	require.Contains(d, e.message, d.path("live/fullchain.pem"))
}

func mailTellsOfFailures(d *deployment) {
	messages := d.startSMTP()
	d.mailChain("MAIL_TO=ops@a.test")
	for _, operation := range [][]string{
		{"invalid_challenge", "a.test", "no TXT record\n.\nfound é"},
		{"request_failure", "503", "try later", "post", "HTTP/1.1 503"},
	} {
		requireDone(d.T, d.tell(operation...))
	}
	e, m := d.receive(messages)
	require.Regexp(d, `: invalid challenge for a\.test$`, m.Header.Get("Subject"))
	require.Contains(d, e.message, "no TXT record\n.\nfound ??")
	e, m = d.receive(messages)
	require.Regexp(d, `: request to the CA failed$`, m.Header.Get("Subject"))
	require.Contains(d, e.message, "A request to the CA failed: post, status 503.\n\ntry later\n")
}

func mailHasNoOtherHeaders(d *deployment) {
	messages := d.startSMTP()
	d.mailChain("MAIL_TO=ops@a.test")
	requireDone(d.T, d.tell("request_failure", "503\nBcc: x@x.test", "Bcc: x@x.test", "post\nBcc: x@x.test"))
	e, _ := d.receive(messages)
	require.Equal(d, []string{"<ops@a.test>"}, e.recipients)

	for variable, name := range map[string]string{
		"MAIL_TO=ops@a.test\nBcc: x@x.test":   "MAIL_TO",
		"MAIL_FROM=ops@a.test\rBcc: x@x.test": "MAIL_FROM",
		"MAIL_FROM=é <ops@a.test>":            "MAIL_FROM",
	} {
		got := call(d.T, "mail", "deploy_cert", "cbot_domain=a.test", "MAIL_TO=ops@a.test", variable)
		requireRefused(d.T, got, name+" has a character that no header has")
	}
	require.Empty(d, messages)
}

func mailIsNotTaken(d *deployment) {
	d.sendmail(1) // tcpmux, which nobody has
	d.mailChain("MAIL_TO=ops@a.test")
	d.issue("a.test")
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "mail: sendmail did not take the message\n")
}
