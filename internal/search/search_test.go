package search

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

func openIndex(t testing.TB, path string, keys Keys) *Index {
	t.Helper()
	x, err := Open(path, keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// finder is what both kinds of index can do.
type finder interface {
	Close() error
	Find(ctx context.Context, query string, limit int) ([]ticket.ID, error)
	Follow(ctx context.Context, r Reader) (int, error)
	Rebuild(ctx context.Context) error
}

// setting is a store with an index that follows it.
type setting struct {
	t      testing.TB
	dir    string
	ring   *seal.Ring
	store  store.Store
	index  *Index // of a file; nil when the index is a table
	finder finder
	make   *storetest.Maker
	taken  int
}

// both runs a test with an index in a file beside SQLite and with one in a table of PostgreSQL.
func both(t *testing.T, test func(t *testing.T, s *setting)) {
	t.Helper()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		test(t, newSetting(t))
	})
	t.Run("table", func(t *testing.T) {
		t.Parallel()
		test(t, inPostgres(t))
	})
}

func newSetting(t testing.TB) *setting {
	s := &setting{t: t, dir: t.TempDir(), ring: storetest.Ring(t), make: storetest.NewMaker()}
	var err error
	if s.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(s.dir, "hotline.db"), Ring: s.ring}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.open(s.ring)
	return s
}

// open opens the index in the setting's folder.
func (s *setting) open(keys Keys) {
	s.t.Helper()
	s.index = openIndex(s.t, filepath.Join(s.dir, "search.db"), keys)
	s.finder = s.index
}

// take registers a ticket with a text.
func (s *setting) take(title, words string) *storetest.Draft {
	s.t.Helper()
	s.taken++ // the newest are found first, so none is as old as another
	d := s.make.Ticket(s.t, storetest.Day.Add(time.Duration(s.taken)*time.Second), func(_ *ticket.Registration, p *ticket.Private) {
		p.Title, p.Text, p.Place.Address = title, words, ""
	})
	storetest.Must(s.t, s.store, d.Change())
	return d
}

// follow reads all there is and returns how many events that were.
func (s *setting) follow() int {
	s.t.Helper()
	all := 0
	for {
		n, err := s.finder.Follow(s.t.Context(), s.store)
		if err != nil {
			s.t.Fatal(err)
		}
		if all += n; n == 0 {
			return all
		}
	}
}

// followed follows until so many events have been read: PostgreSQL may hold some back while other
// tests write to the same server.
func (s *setting) followed(want int) (all int) {
	s.t.Helper()
	for patience := 2000; all < want && patience > 0; patience-- {
		if all += s.follow(); all < want {
			<-time.After(time.Millisecond)
		}
	}
	return all
}

// finds asks for exactly these tickets, newest first.
func (s *setting) finds(query string, want ...*storetest.Draft) {
	s.t.Helper()
	got, err := s.finder.Find(s.t.Context(), query, 10)
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []ticket.ID
	for _, d := range want {
		ids = append(ids, d.Ticket.ID)
	}
	if diff := cmp.Diff(ids, got, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("%q (-want +got):\n%s", query, diff)
	}
}

func TestWordsAreFound(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *setting) {
		lamp := s.take("路灯不亮", "沂蒙路与金雀山路交叉口路灯坏了，3号楼门口看不见")
		noise := s.take("夜间施工噪音", "滨河路工地凌晨两点还在施工，路 灯照得睡不着")
		wifi := s.take("咨询", "政务大厅的 WiFi 密码是多少？電話12345")
		if n := s.followed(3); n != 3 {
			t.Errorf("%d events read, want 3", n)
		}
		s.finds("路灯", noise, lamp)
		s.finds("路灯不亮", lamp)
		s.finds("金雀山路 路灯", lamp)
		s.finds("号楼", lamp)
		s.finds("3号", lamp)
		s.finds("施工", noise)
		s.finds("wifi", wifi)
		s.finds("ＷＩＦＩ", wifi)
		s.finds("电话", wifi) // traditional in the text, simplified in the query
		s.finds("12345", wifi)
		s.finds("施工 wifi")
		s.finds("路 灯", noise, lamp)
		s.finds("灯 施工", noise) // the lone character narrows nothing
		s.finds("不存在")
		s.finds("亮沂") // the end of the title and the beginning of the text are no word
	})
}

func TestShortQueriesAreExplained(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *setting) {
		for _, query := range []string{"", " ", "灯", "a", "。。。", "路,灯"} {
			_, err := s.finder.Find(t.Context(), query, 10)
			if !ticket.IsKind(err, ticket.Invalid) || !strings.Contains(err.Error(), "路灯") {
				t.Errorf("%q: %v, want Invalid with an example", query, err)
			}
		}
		if got, err := s.finder.Find(t.Context(), strings.Repeat("很长的一段话里什么都有", 500), 10); err != nil || len(got) != 0 {
			t.Errorf("a long query: %v, %v", got, err)
		}
	})
}

func TestLimitAndOrder(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *setting) {
		var drafts []*storetest.Draft
		for i := range 60 {
			drafts = append(drafts, s.take("路灯", fmt.Sprintf("第%d盏", i)))
		}
		s.followed(60)
		for limit, want := range map[int]int{1: 1, 7: 7, 0: 50, -1: 50, 5000: 60} {
			got, err := s.finder.Find(t.Context(), "路灯", limit)
			if err != nil || len(got) != want {
				t.Fatalf("limit %d: %d found, %v; want %d", limit, len(got), err, want)
			}
			for i, id := range got {
				if id != drafts[len(drafts)-1-i].Ticket.ID {
					t.Fatalf("limit %d: hit %d is not the newest left", limit, i)
				}
			}
		}
	})
}

// A hit is an answer too: pair by pair it would tell what is masked where the text is shown.
func TestWhatIsMaskedIsNotFound(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *setting) {
		d := s.take("花坛破损", "王秀兰来电：花坛破损，请回电13987654321")
		s.followed(1)
		s.finds("花坛 来电", d)
		for _, query := range []string{"花坛 65", "花坛 76", "13987654321", "王秀兰", "秀兰"} {
			s.finds(query)
		}
	})
}

func TestTextThatChangesLater(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *setting) {
		d := s.take("井盖破损", "南坊街道井盖破损")
		s.followed(1)
		do := func(cmd ticket.Command) {
			t.Helper()
			item, err := s.store.Ticket(t.Context(), d.Ticket.ID)
			if err != nil {
				t.Fatal(err)
			}
			next := s.make.Again(t, item.Ticket).Do(storetest.Day, cmd)
			storetest.Must(t, s.store, store.Change{Tickets: []store.TicketChange{next.Part()}})
		}
		do(ticket.Command{Action: ticket.Supplement, Private: &ticket.Private{Text: "已有电动车摔倒"}})
		do(ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: "内部备注不可外传"}})
		if n := s.followed(2); n != 2 {
			t.Errorf("%d events read, want 2", n)
		}
		s.finds("电动车", d)
		s.finds("井盖 摔倒", d) // words of the request and of its supplement together
		s.finds("内部备注")
		do(ticket.Command{Action: ticket.Amend, Private: &ticket.Private{Title: "雨水篦子破损", Text: "柳青街道雨水篦子破损"}})
		do(ticket.Command{Action: ticket.Answer, Private: &ticket.Private{PublicReply: "已安排抢修队"}})
		s.followed(2)
		s.finds("柳青", d)
		s.finds("抢修", d)
		s.finds("摔倒", d)
		s.finds("南坊") // what was corrected is no longer found
	})
}

// Whatever a text says, each of its substrings of two characters finds it.
func TestEverySubstringHits(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		body := rapid.StringMatching(`[路灯坏了水管漏施工噪音a-c0-9，。 ]{2,30}`).Draw(r, "text")
		pairs := text.QueryBigrams(body)
		n++
		id := ticket.ID{1, byte(n), byte(n >> 8)}
		if err := s.index.Index(t.Context(), []Doc{{Ticket: id, Text: body}}); err != nil {
			r.Fatal(err)
		}
		for _, p := range pairs {
			if len([]rune(p)) < 2 {
				continue
			}
			got, err := s.index.Find(t.Context(), p, 1000)
			if err != nil {
				r.Fatal(err)
			}
			if len(got) == 0 || got[0] != id {
				r.Fatalf("%q does not find %q", p, body)
			}
		}
		if err := s.index.Index(t.Context(), []Doc{{Ticket: id}}); err != nil {
			r.Fatal(err)
		}
	})
}

func TestIndexGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	first := s.take("路灯", "一")
	s.follow()
	if err := s.index.Close(); err != nil {
		t.Fatal(err)
	}
	second := s.take("路灯", "二")
	s.open(s.ring)
	s.finds("路灯", first)
	if n := s.follow(); n != 1 {
		t.Errorf("%d events read after opening again, want the 1 missed", n)
	}
	s.finds("路灯", second, first)
	if err := s.index.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.finds("路灯")
	if n := s.follow(); n != 2 {
		t.Errorf("%d events read after emptying, want all 2", n)
	}
	s.finds("路灯", second, first)
	if at, err := s.index.Position(t.Context()); err != nil || at != 2 {
		t.Errorf("position %d, %v", at, err)
	}
}

// An index that does not fit is built again, without anybody's help.
func TestStaleIndexIsBuiltAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, s *setting, path string) Keys{
		"another version": func(t *testing.T, s *setting, path string) Keys {
			x := openIndex(t, path, s.ring)
			if _, err := x.write.Exec(`PRAGMA user_version = 99`); err != nil {
				t.Fatal(err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			return s.ring
		},
		"not an index": func(t *testing.T, s *setting, path string) Keys {
			if err := os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
			return s.ring
		},
		"other keys": func(t *testing.T, _ *setting, _ string) Keys { return storetest.Ring(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetting(t)
			d := s.take("路灯", "一")
			s.follow()
			if err := s.index.Close(); err != nil {
				t.Fatal(err)
			}
			s.open(spoil(t, s, filepath.Join(s.dir, "search.db")))
			s.finds("路灯")
			s.follow()
			s.finds("路灯", d)
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none", "search.db"), storetest.Ring(t)); err == nil {
		t.Error("opened in a folder that is not there")
	}
}

// A store restored from a backup has other events at the positions already read.
func TestRestoredStoreIsNoticed(t *testing.T) {
	t.Parallel()
	s, other := newSetting(t), newSetting(t)
	s.take("路灯", "一")
	s.take("井盖", "二")
	s.follow()
	if err := s.index.Close(); err != nil {
		t.Fatal(err)
	}
	want := other.take("积水", "三")
	s.open(s.ring)
	s.store = other.store
	if n := s.follow(); n != 1 {
		t.Errorf("%d events read, want the 1 of the restored store", n)
	}
	s.finds("路灯")
	s.finds("积水", want)
}

func TestNothingReadableAtRest(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	s.take("路灯不亮", "streetlight of Yimeng road is dark")
	s.follow()
	if err := s.index.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(s.dir, "search.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"路灯", "不亮", "streetlight", "yimeng", "Yimeng"} {
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("the file holds %q in clear", secret)
		}
	}
	// FTS5 shortens a term by what it shares with the one before: the first digits may be cut off.
	if token := s.index.token("路灯"); !bytes.Contains(b, []byte(token[4:])) {
		t.Errorf("the scan of %d bytes did not even find the token %s", len(b), token)
	}
	if _, err := hex.DecodeString(s.index.token("路灯")); err != nil {
		t.Error(err)
	}
}

func TestSearchesGoOnWhileTheIndexFollows(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *setting) {
		var done sync.WaitGroup
		stop := make(chan struct{})
		for range 3 {
			done.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := s.finder.Find(t.Context(), "路灯", 10); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range 20 {
			s.take("路灯", strconv.Itoa(i))
			s.follow()
		}
		close(stop)
		done.Wait()
	})
}

// BenchmarkFollow is what indexing one ticket of about 60 characters costs.
func BenchmarkFollow(b *testing.B) {
	x := openIndex(b, filepath.Join(b.TempDir(), "search.db"), storetest.Ring(b))
	docs := make([]Doc, b.N)
	for i := range docs {
		docs[i] = Doc{Ticket: ticket.ID{byte(i >> 16), byte(i >> 8), byte(i)}, Text: fmt.Sprintf(
			"沂蒙路与金雀山路交叉口第%d盏路灯不亮，晚上老人孩子走路看不见，已经三天没有人来修理，请尽快安排处理并回复。", i)}
	}
	b.ResetTimer()
	for len(docs) > 0 {
		n := min(FollowMost, len(docs))
		if err := x.Index(b.Context(), docs[:n]); err != nil {
			b.Fatal(err)
		}
		docs = docs[n:]
	}
}

// BenchmarkFind searches 20,000 tickets that all share most of their words.
func BenchmarkFind(b *testing.B) {
	x := openIndex(b, filepath.Join(b.TempDir(), "search.db"), storetest.Ring(b))
	var docs []Doc
	for i := range 20000 {
		docs = append(docs, Doc{Ticket: ticket.ID{byte(i >> 16), byte(i >> 8), byte(i)}, Text: fmt.Sprintf("沂蒙路第%d盏路灯不亮，晚上看不见，请尽快处理。", i)})
	}
	if err := x.Index(b.Context(), docs); err != nil {
		b.Fatal(err)
	}
	for _, query := range []string{"路灯", "沂蒙路路灯不亮", "19998盏", "积水"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				if _, err := x.Find(b.Context(), query, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
