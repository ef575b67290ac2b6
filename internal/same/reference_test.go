package same

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/text"
)

// message is one of the real messages to a mayor's board. Places are anonymised and have no coordinates; nobody gave
// the messages a category.
type message struct {
	id, text string
	report   Report
}

// messages reads the board, or skips the test where it is not at hand.
func messages(t testing.TB) (list []message, folder string) {
	t.Helper()
	folder = filepath.Join("..", "..", "..", "shared", "data", "messages")
	rows := table(t, filepath.Join(folder, "unlabelled.csv"))
	for _, r := range rows {
		at, err := time.Parse("2006-01-02T15:04:05", r[3])
		if err != nil {
			t.Fatal(err)
		}
		words := string(letters(r[2] + "\n" + r[4]))
		list = append(list, message{id: r[0], text: words, report: Report{Words: text.NewSet(words), Names: Names(words), At: at}})
	}
	return list, folder
}

func table(t testing.TB, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the messages are not at hand: ", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// team reads the groups of one team: the group of each message it names, by the message's place in the list.
func team(t testing.TB, folder, name string, list []message) map[int]string {
	t.Helper()
	place := map[string]int{}
	for i, m := range list {
		place[m.id] = i
	}
	groups := map[int]string{}
	for _, r := range table(t, filepath.Join(folder, "hot_issue_refs", name+"_members.csv")) {
		i, known := place[r[1]]
		if !known {
			t.Fatalf("%s names message %s, which is not on the board", name, r[1])
		}
		groups[i] = r[0]
	}
	return groups
}

// TestVolumeReference groups all messages of the board by the score alone and compares the groups with those that two
// teams made of the same board. Two messages are in one group when the average score between the groups they are in
// before they meet reaches a limit (average linkage).
//
// A team names only the messages of its five hottest issues. So its word is that of pairs of messages it names: "named"
// counts these alone. The harder count, "all", takes each pair of a message it names and one that it does not as wrong:
// it is what a heap of everything would fail, but also what finds a message that the team overlooked.
//
// The messages have neither a category nor a region. Two of one matter would share both, so the limit is Suggest without
// what these two are worth: 0.18. It is the middle of the limits between which the harder count against the first team is best. The second team had
// no say in it.
func TestVolumeReference(t *testing.T) {
	t.Parallel()
	list, folder := messages(t)
	all := scores(list)
	merges := link(all)
	const chosen = Suggest - worthCategory - worthRegion
	for _, name := range []string{"jeshrz", "syucryingstar"} {
		wanted := team(t, folder, name, list)
		for _, limit := range []float64{0.14, 0.16, chosen, 0.20, 0.22} {
			found := cut(len(list), merges, limit)
			named, harder := count(found, wanted, false), count(found, wanted, true)
			t.Logf("%-13s from %.2f: named %s; all %s", name, limit, named, harder)
			if limit == chosen && (named.f1() < 0.6 || harder.f1() < 0.55) {
				t.Errorf("against %s: F1 %.3f of those named, %.3f of all", name, named.f1(), harder.f1())
			}
		}
		right, wrong := alone(all, wanted, chosen)
		t.Logf("%-13s each pair by itself from %.2f: %.0f of %.0f that reach it are of one group", name, chosen, right, right+wrong)
	}
}

// alone counts the pairs that reach a limit without any grouping, of those with a message that the team names.
func alone(scores [][]float32, wanted map[int]string, limit float32) (right, wrong float64) {
	for i, row := range scores {
		for j, score := range row {
			a, b := wanted[i], wanted[j]
			switch {
			case score < limit || a == "" && b == "":
			case a == b:
				right++
			default:
				wrong++
			}
		}
	}
	return right, wrong
}

// scores compares every message with every other; row i holds those before i.
func scores(list []message) [][]float32 {
	sets := make([]text.Set, len(list))
	for i := range list {
		sets[i] = list[i].report.Words
	}
	telling := NewTelling(sets...)
	all := make([][]float32, len(list))
	for i := range list {
		telling.Weigh(&list[i].report)
		all[i] = make([]float32, i)
		for j := range i {
			all[i][j] = float32(Compare(&list[i].report, &list[j].report).Value)
		}
	}
	return all
}

// tally counts pairs.
type tally struct{ both, found, wanted float64 }

func (c tally) precision() float64 { return c.both / max(c.found, 1) }
func (c tally) recall() float64    { return c.both / max(c.wanted, 1) }
func (c tally) f1() float64        { return 2 * c.both / max(c.found+c.wanted, 1) }
func (c tally) String() string {
	return fmt.Sprintf("precision %.3f, recall %.3f, F1 %.3f", c.precision(), c.recall(), c.f1())
}

// count compares found groups with a team's. With others, a pair of a named message and one that the team does not name
// counts as found and wrong.
func count(found []int, wanted map[int]string, others bool) tally {
	var c tally
	for i := range wanted {
		for j := range found {
			w, named := wanted[j]
			switch {
			case named && j < i:
				if found[i] == found[j] {
					c.found++
				}
				if wanted[i] == w {
					c.wanted++
				}
				if found[i] == found[j] && wanted[i] == w {
					c.both++
				}
			case !named && others && found[i] == found[j]:
				c.found++
			}
		}
	}
	return c
}

// merge joins the group of b to that of a; score is the average between their members.
type merge struct {
	a, b  int
	score float32
}

// link is average linkage: time and again the two groups that are nearest to each other become one.
func link(lower [][]float32) []merge {
	n := len(lower)
	between, size, merges := make([][]float32, n), make([]float32, n), make([]merge, 0, n)
	left := make([]bool, n)
	for i := range n {
		between[i], size[i], left[i] = make([]float32, n), 1, true
		copy(between[i], lower[i])
		for j := range i {
			between[j][i] = lower[i][j]
		}
	}
	// From neighbour to nearest neighbour, until two are each other's nearest: they become one.
	var chain []int
	for first := 0; len(merges) < n-1; {
		if len(chain) == 0 {
			for !left[first] {
				first++
			}
			chain = append(chain, first)
		}
		a := chain[len(chain)-1]
		back := -1
		if len(chain) > 1 {
			back = chain[len(chain)-2]
		}
		nearest := back
		for j := range n {
			if left[j] && j != a && (nearest < 0 || between[a][j] > between[a][nearest]) {
				nearest = j
			}
		}
		if nearest != back {
			chain = append(chain, nearest)
			continue
		}
		merges, chain = append(merges, merge{a, back, between[a][back]}), chain[:len(chain)-2]
		left[back] = false
		for j := range n {
			if left[j] && j != a {
				v := (size[a]*between[a][j] + size[back]*between[back][j]) / (size[a] + size[back])
				between[a][j], between[j][a] = v, v
			}
		}
		size[a] += size[back]
	}
	slices.SortStableFunc(merges, func(x, y merge) int {
		switch {
		case x.score > y.score:
			return -1
		case x.score < y.score:
			return 1
		}
		return 0
	})
	return merges
}

// cut gives each of n reports the number of its group, by the merges that reach a limit.
func cut(n int, merges []merge, limit float64) []int {
	group := make([]int, n)
	for i := range group {
		group[i] = i
	}
	top := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	for _, m := range merges {
		if float64(m.score) >= limit {
			group[top(m.b)] = top(m.a)
		}
	}
	for i := range group {
		group[i] = top(i)
	}
	return group
}
