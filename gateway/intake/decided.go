package intake

import (
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

// DecidedFacts gives back the facts that the last decision of a ticket was made by: those at its
// registration, or when it was read anew. What was amended since says nothing of it.
func DecidedFacts(history []ticket.Event) (routing.Facts, error) {
	last := 0
	for i := range history {
		if history[i].Details.Decision != nil {
			last = i
		}
	}
	t, err := ticket.Fold(history[:min(last+1, len(history))])
	if err != nil {
		return routing.Facts{}, err
	}
	return FactsOf(&t), nil
}
