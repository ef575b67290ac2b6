package sender_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/sender"
)

// office is a mail server: what came, and who may send.
type office struct {
	mu       sync.Mutex
	mails    [][]byte
	to       []string
	encrypt  bool // it was spoken to under TLS
	refuse   bool
	user     string
	password string
	port     int
	roots    *x509.CertPool
}

func (o *office) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{o: o, encrypted: encrypted}, nil
}

type session struct {
	o                *office
	encrypted, known bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.o.user || password != s.o.password {
			return errors.New("who are you")
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.o.user != "" && !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.o.refuse {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox " + to}
	}
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.o.to = append(s.o.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.o.mails, s.o.encrypt = append(s.o.mails, b), s.encrypted
	return err
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// openOffice starts a mail server that wants a password, or none when user is empty.
func openOffice(t *testing.T, user string, implicit, startTLS bool) *office {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	conf := web.TLS.Clone()
	conf.NextProtos = nil
	web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	o := &office{user: user, password: secret, roots: roots}
	server := smtp.NewServer(o)
	server.Domain, server.AllowInsecureAuth = "mail.example.org", false
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	if startTLS {
		server.TLSConfig = conf
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.port = ln.Addr().(*net.TCPAddr).Port
	if implicit {
		ln = tls.NewListener(ln, conf)
	}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return o
}

// send sends a page, by a sender that trusts the office when trusting.
func (o *office) send(t *testing.T, d paging.Destination, trusting bool) error {
	t.Helper()
	d.ID, d.Kind, d.SMTP.Port = "ops", paging.Mail, o.port
	d.SMTP.Host, d.SMTP.From, d.SMTP.To = "127.0.0.1", "热线 <hotline@example.org>", []string{"duty@example.org", "值班长 <chief@example.org>"}
	if d.SMTP.User != "" {
		d.Secret = "env:SECRET"
	}
	if !trusting {
		o.roots = nil
	}
	s, err := sender.New(&d, sender.Deps{
		Roots: o.roots, Dial: (&net.Dialer{}).DialContext, Secret: func(string) (string, error) { return secret, nil }, Wall: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), page())
}

func TestAMailInTheClearInsideTheHouse(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", false, false)
	if err := o.send(t, paging.Destination{SMTP: &paging.SMTP{TLS: paging.TLSNone}}, false); err != nil {
		t.Fatal(err)
	}
	if strings.Join(o.to, " ") != "duty@example.org chief@example.org" || len(o.mails) != 1 {
		t.Fatalf("%d mails to %v", len(o.mails), o.to)
	}
	m, err := mail.ReadMessage(bytes.NewReader(o.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "【红牌】市住建局 47 件" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if at, err := m.Header.Date(); err != nil || !at.Equal(noon) || m.Header.Get("Message-Id") != "<pge_0123456789abcdef@127.0.0.1>" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("header %v, %v", m.Header, err)
	}
	if enc := m.Header.Get("Content-Transfer-Encoding"); enc != "quoted-printable" {
		t.Fatalf("encoding %q", enc)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(text), "LY260713000000 市住建局 办结 7月13日 09:00 到期") || !strings.Contains(string(text), "依据：general@1/resolve/red；路由：red-cards") {
		t.Errorf("text %s, %v", text, err)
	}
}

func TestAMailUnderTLSWithAPassword(t *testing.T) {
	t.Parallel()
	for _, how := range []string{paging.TLSStart, paging.TLSImplicit} {
		o := openOffice(t, "hotline", how == paging.TLSImplicit, how == paging.TLSStart)
		if err := o.send(t, paging.Destination{SMTP: &paging.SMTP{TLS: how, User: "hotline"}}, true); err != nil || len(o.mails) != 1 {
			t.Fatalf("%s: %v, %d mails", how, err, len(o.mails))
		}
		if how == paging.TLSStart && !o.encrypt {
			t.Errorf("%s: the mail went in the clear", how)
		}
		o.password = "changed"
		if err := o.send(t, paging.Destination{SMTP: &paging.SMTP{TLS: how, User: "hotline"}}, true); err == nil || strings.Contains(err.Error(), secret) || len(o.mails) != 1 {
			t.Errorf("%s: with a wrong password: %v, %d mails", how, err, len(o.mails))
		}
	}
}

// A server whose certificate nobody has signed gets neither mail nor password.
func TestAMailToAServerThatCannotBeTrustedStays(t *testing.T) {
	t.Parallel()
	for _, how := range []string{paging.TLSStart, paging.TLSImplicit} {
		o := openOffice(t, "hotline", how == paging.TLSImplicit, how == paging.TLSStart)
		err := o.send(t, paging.Destination{SMTP: &paging.SMTP{TLS: how, User: "hotline"}}, false)
		if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), secret) || len(o.mails) != 0 {
			t.Errorf("%s: %v, %d mails", how, err, len(o.mails))
		}
	}
	o := openOffice(t, "hotline", false, false) // no TLS at all, though it is asked for
	if err := o.send(t, paging.Destination{SMTP: &paging.SMTP{User: "hotline"}}, false); err == nil || len(o.mails) != 0 {
		t.Errorf("%v, %d mails went in the clear", err, len(o.mails))
	}
}

func TestAMailboxThatIsGoneIsNotNamedInTheLog(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", false, false)
	o.refuse = true
	err := o.send(t, paging.Destination{SMTP: &paging.SMTP{TLS: paging.TLSNone}}, false)
	if err == nil || !strings.Contains(err.Error(), "SMTP "+strconv.Itoa(550)) || strings.Contains(err.Error(), "duty@example.org") {
		t.Errorf("error %v", err)
	}
}
