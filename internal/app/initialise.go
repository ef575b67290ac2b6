package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/lanes"
)

// Initialise makes the keys of a new city and its first administrator, whose password must be
// changed at the first log-in. It refuses a data folder that has keys already.
func Initialise(ctx context.Context, where Where, login string, out io.Writer) error {
	if err := os.MkdirAll(where.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if _, err := os.Stat(where.path("keys.json")); err == nil {
		return fmt.Errorf("%s is there already: this city has keys; nothing was changed", where.path("keys.json"))
	}
	keys, err := seal.Generate(rand.Reader)
	if err != nil {
		return err
	}
	if err := seal.Save(where.path("keys.json"), keys); err != nil {
		return err
	}
	ring, err := seal.New(keys)
	if err != nil {
		return err
	}
	st, err := where.open(ctx, ring, lanes.Observer{})
	if err != nil { // nothing has been sealed: the next try shall begin anew
		return errors.Join(err, os.Remove(where.path("keys.json")))
	}
	accounts := account.New(account.Options{Store: st, Now: func() time.Time { return time.Now().UTC() }, Random: rand.Reader})
	password, err := accounts.CreateAdmin(ctx, login)
	if err = errors.Join(err, st.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, `Keys and first administrator are made.

  data folder     %s
  keys            %s   (back it up apart from the data: losing it is losing the citizens' data)
  login           %s
  password        %s   (shown once; it must be changed at the first log-in)

Next:  hotline check DIR            checks a city pack
       hotline serve --city DIR --data %s
`, where.Data, where.path("keys.json"), login, password, where.Data)
	return nil
}
