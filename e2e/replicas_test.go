package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/app"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
)

var server postgrestest.Server

func TestMain(m *testing.M) { server.Main(m) }

// shareKeys gives a gateway the keys of the city that another made.
func (p *program) shareKeys(of *program) {
	p.t.Helper()
	keys, err := os.ReadFile(filepath.Join(of.data, "keys.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(p.data, "keys.json"), keys, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Three gateways over one database, all taking reports and watching deadlines; one is killed in the
// midst of it. What any of them acknowledged is there, who sends again is known at every one of them,
// and no ladder step was taken twice.
func TestKillOneOfThree(t *testing.T) {
	t.Parallel()
	dsn, binary := server.Database(t), build(t)
	all := make([]*program, 3)
	for i := range all {
		all[i] = &program{t: t, binary: binary, data: t.TempDir(), store: dsn, listen: freeAddress(t)}
		if i > 0 {
			all[i].shareKeys(all[0])
		}
		t.Logf("gateway %d is ready after %s", i, all[i].start().Round(time.Millisecond))
	}
	loads := make([]*sender, len(all))
	for i, p := range all {
		loads[i] = load("http://"+p.listen, i)
	}
	until := func(what string, true func() bool) {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); !true(); {
			if time.Now().After(end) {
				t.Fatalf("%s did not come true: %d, %d, %d taken", what, loads[0].count(), loads[1].count(), loads[2].count())
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	until("each takes reports", func() bool { return loads[0].count() > 100 && loads[1].count() > 100 && loads[2].count() > 100 })
	_ = all[1].end(syscall.SIGKILL)
	others := loads[0].count() + loads[2].count()
	until("the others go on", func() bool { return loads[0].count()+loads[2].count() > others+200 })
	until("deadlines trip", func() bool {
		return climbed.Match(metrics(t, all[0].listen)) && climbed.Match(metrics(t, all[2].listen))
	})

	var taken []acknowledged
	for i, l := range loads {
		got := l.finish()
		if len(l.wrong) > 0 {
			t.Errorf("gateway %d answered %v", i, l.wrong[:min(len(l.wrong), 5)])
		}
		// What one gateway took is known at another.
		for _, a := range got[len(got)-10:] {
			resp, err := http.Post("http://"+all[[]int{2, 0, 0}[i]].listen+"/channels/miniapp/", "application/json", bytes.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			var again answer
			err = json.NewDecoder(resp.Body).Decode(&again)
			_ = resp.Body.Close()
			if err != nil || again.Number != a.number {
				t.Errorf("sent again to another gateway, %s became %s (%d, %v)", a.number, again.Number, resp.StatusCode, err)
			}
		}
		taken = append(taken, got...)
	}
	for _, p := range []*program{all[0], all[2]} {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.log)
		}
	}
	if steps := kept(t, app.Where{Data: all[0].data, Store: dsn}, taken); steps == 0 {
		t.Error("no ladder step was taken: the test showed nothing of them")
	}
}
