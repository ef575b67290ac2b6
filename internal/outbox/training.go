package outbox

import (
	"context"
	"errors"
	"strings"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Training marks words about a training ticket, wherever people read them.
func Training(t *ticket.Ticket, words string) string {
	if !t.Training || strings.HasPrefix(words, trainingMark) {
		return words
	}
	return trainingMark + words
}

const trainingMark = "【演练】"

// leaves refuses what is about a training ticket: it was withheld when it was made, and is refused here again,
// whoever wrote it.
func (w *Worker) leaves(ctx context.Context, n *store.StoredNotice) error {
	if n.Ticket.IsZero() || n.Kind == KindMedia {
		return nil
	}
	item, err := w.Store.Ticket(ctx, n.Ticket)
	switch {
	case ticket.IsKind(err, ticket.NotFound):
		return nil
	case err == nil && item.Training:
		return errFinal(errTraining)
	}
	return err
}

var errTraining = errors.New("outbox: a training ticket: nothing about it leaves the gateway")
