package app

import (
	"context"
	"fmt"
	"io"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/ticket"
)

// Verify checks every ticket of a city: that its chain of events holds and that its row
// is the fold of them. It names the first broken link of each ticket and ends with a count.
func Verify(ctx context.Context, where Where, out io.Writer) (err error) {
	ring, err := where.keys()
	if err != nil {
		return err
	}
	st, err := where.open(ctx, ring, lanes.Observer{})
	if err != nil {
		return err
	}
	defer closing(&err, st.Close)
	return verify(ctx, st, out)
}

func verify(ctx context.Context, st store.Store, out io.Writer) error {
	checked, broken := 0, 0
	err := st.Walk(ctx, ticket.ID{}, func(id ticket.ID) error {
		checked++
		if err := verifyTicket(ctx, st, id); err != nil {
			broken++
			fmt.Fprintf(out, "BROKEN %s: %v\n", id, err)
		}
		return nil
	})
	fmt.Fprintf(out, "tickets=%d broken=%d\n", checked, broken)
	if err == nil && broken > 0 {
		err = fmt.Errorf("%d of %d tickets do not hold", broken, checked)
	}
	return err
}

func verifyTicket(ctx context.Context, r store.Reader, id ticket.ID) error {
	history, err := r.History(ctx, id)
	if err != nil {
		return err
	}
	if err := ticket.VerifyChain(history); err != nil {
		return err
	}
	folded, err := ticket.Fold(history)
	if err != nil {
		return err
	}
	item, err := r.Ticket(ctx, id)
	if err != nil {
		return err
	}
	if folded.Version != item.Version || folded.LastHash != item.LastHash || folded.State != item.State {
		return fmt.Errorf("the row (version %d, %s) is not the fold of its events (version %d, %s)", item.Version, item.State, folded.Version, folded.State)
	}
	return nil
}
