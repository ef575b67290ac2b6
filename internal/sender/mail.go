package sender

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/citizen-hotline/gateway/internal/paging"
)

// mailer sends mails by SMTP.
type mailer struct{ base }

const mailPatience = 20 * time.Second

func (s mailer) Send(ctx context.Context, m *paging.Message) error {
	c := s.d.SMTP
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(c.From), msg.To(c.To...)); err != nil {
		return &RefusalError{Destination: s.d.ID, Code: "address", Message: "from or to cannot be read", Final: true}
	}
	msg.Subject(m.Title())
	msg.SetMessageIDWithValue(m.ID + "@" + c.Host)
	msg.SetDateWithValue(m.At)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetBodyString(mail.TypeTextPlain, m.Plain())
	client, err := mail.NewClient(c.Host, s.options()...)
	if err != nil {
		return fmt.Errorf("sender: %s: %w", s.d.ID, err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return s.failure(err)
	}
	return nil
}

// options say how the server is reached. The connection is our own, so that no private network is entered that
// the pack does not allow.
func (s mailer) options() []mail.Option {
	c := s.d.SMTP
	conf := &tls.Config{ServerName: c.Host, RootCAs: s.deps.Roots, MinVersion: tls.VersionTLS12}
	port, policy := c.Port, mail.TLSMandatory
	dial := s.deps.Dial
	switch c.TLS {
	case paging.TLSNone:
		policy = mail.NoTLS
	case paging.TLSImplicit:
		policy = mail.NoTLS // the connection is one already
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			plain, err := s.deps.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			conn := tls.Client(plain, conf)
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = plain.Close()
				return nil, err
			}
			return conn, nil
		}
		if port == 0 {
			port = 465
		}
	}
	if port == 0 {
		port = 587
	}
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(mailPatience), mail.WithTLSPolicy(policy), mail.WithTLSConfig(conf), mail.WithDialContextFunc(dial),
	}
	if c.User != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin), mail.WithUsername(c.User), mail.WithPassword(s.secret))
	}
	return options
}

// failure says what the server answered, without the addresses of people.
func (s mailer) failure(err error) error {
	if refused, ok := errors.AsType[*mail.SendError](err); ok {
		code := refused.ErrorCode()
		return &RefusalError{Destination: s.d.ID, Code: "SMTP " + strconv.Itoa(code), Message: refused.Reason.String(), Final: false}
	}
	return fmt.Errorf("sender: %s: mail server: %w", s.d.ID, err)
}
