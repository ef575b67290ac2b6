//go:build unix

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// A disk that takes no more: 503 with Retry-After, nothing acknowledged, and work goes on once there
// is room. The limit is the process's, so no other test runs beside this one.
//
//nolint:paralleltest // see above
func TestDiskFull(t *testing.T) {
	o := open(t)
	var taken []acknowledged
	file := func(n int) answer {
		key := fmt.Sprintf("full-%d", n)
		body := fmt.Appendf(nil, `{"clientReportId":%q,"type":"help","description":"银雀山街道五里堡社区路灯不亮，第 %d 盏","reporter":{"type":"citizen","phone":"138%08d"}}`, key, n, n)
		a := o.send(http.MethodPost, "/channels/miniapp/", http.Header{"Content-Type": {"application/json"}}, body)
		if a.Status/100 == 2 {
			taken = append(taken, acknowledged{a.Number, key, body})
		}
		return a
	}
	if a := file(0); a.Status != http.StatusCreated {
		t.Fatalf("before: %d %s", a.Status, a.Body)
	}

	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	largest := int64(0)
	files, err := filepath.Glob(filepath.Join(o.where.Data, "*.db*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			largest = max(largest, info.Size())
		}
	}
	full := before
	full.Cur = uint64(largest) + 128<<10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	room := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(room)
	refused := 0
	for n := 1; n < 500 && refused < 5; n++ {
		a := file(n)
		switch {
		case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
			refused++
		case a.Status/100 != 2:
			t.Fatalf("a full disk was answered %d %s", a.Status, a.Body)
		}
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	if a := o.send(http.MethodGet, "/readyz", nil, nil); a.Status != http.StatusServiceUnavailable {
		t.Errorf("with a full disk /readyz says %d", a.Status)
	}
	room()
	o.until("there is room again", func() bool { return file(1000+len(taken)).Status == http.StatusCreated })
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	kept(t, o.where, taken)
}
