package outbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Wherever an address holds a secret, the list of notices does not show it.
func TestAnErrorShowsNoSecretOfAnAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://hooks.example.com/notify/s3cret", "https://example.com/send?key=s3cret", "https://unit:s3cret@example.com/notices", "https://example.com/%zz/s3cret", `https://example.com/"s3cret"`,
	} {
		refused := fmt.Errorf("outbox: b-zhujian did not answer: %w", &url.Error{Op: "Post", URL: address, Err: errors.New("connection refused")})
		if said := plain(refused); strings.Contains(said, "s3cret") || !strings.Contains(said, "connection refused") {
			t.Errorf("%s: %s", address, said)
		}
		if _, err := http.NewRequest(http.MethodPost, address, nil); err != nil && strings.Contains(plain(err), "s3cret") {
			t.Errorf("%s: %s", address, plain(err))
		}
	}
	if said := plain(&url.Error{Op: "Post", URL: "https://hooks.example.com/notify/s3cret", Err: errors.New("EOF")}); !strings.Contains(said, "https://hooks.example.com") {
		t.Errorf("it does not say where: %s", said)
	}
}
