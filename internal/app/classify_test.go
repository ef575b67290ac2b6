package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/citizen-hotline/gateway/internal/classify"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

const ownWords = "../../config/training/linyi.csv"

func labelled(path string, out *bytes.Buffer) Labelled {
	return Labelled{File: path, Text: "text", Category: "category", Newest: 50000, Precision: 0.97, Report: Report{Out: out}}
}

// The shipped model is what the shipped texts make.
func TestTheModelOfLinyiCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile(filepath.Join(linyi, "linyi.model"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := classify.Parse(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "linyi.model")
	if err := ClassifyTrain(t.Context(), labelled(ownWords, &out), m.Trained(), path); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(made, shipped) {
		t.Errorf("config/training/linyi.csv makes another model (%v): train it again as config/training/README.md says", err)
	}
	if want := ": model " + m.ID() + " of 2026-07-13, 400 texts, 25 categories, "; !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "fills in from confidence 0.") {
		t.Errorf("said %q", &out)
	}
	out.Reset()
	if err := ClassifyTry(path, "工地半夜还在干活，吵得睡不着", &out); err != nil || !strings.Contains(strings.Split(out.String(), "\n")[0], "04.02.01") || !strings.Contains(out.String(), "工地") {
		t.Errorf("try: %v\n%s", err, &out)
	}
	out.Reset()
	if err := ClassifyTry(path, "!", &out); err != nil || out.String() != "the text has no gram that the model knows\n" {
		t.Errorf("try without words: %v\n%s", err, &out)
	}
	if err := ClassifyTry(ownWords, "x", &out); !errors.Is(err, classify.ErrFile) || !strings.HasPrefix(err.Error(), ownWords) {
		t.Errorf("try with a table for a model: %v", err)
	}
}

// Office programs write tables in their own ways; they are the same texts.
func TestTablesOfAnyWriting(t *testing.T) {
	t.Parallel()
	plain, err := os.ReadFile(ownWords)
	if err != nil {
		t.Fatal(err)
	}
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(plain)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, tt := range []struct {
		name    string
		content []byte
	}{
		{"as shipped", plain},
		{"with a byte order mark", append([]byte("\xEF\xBB\xBF"), plain...)},
		{"GB18030", gb},
		{"title above, semicolons, a column more", []byte("二〇二六年上半年工单\n" + strings.ReplaceAll(string(plain), ",", ";x;"))},
		{"rows without a label", append(bytes.Clone(plain), "还没有分类的一条,\n,05.01.01\n"...)},
	} {
		dir, out := t.TempDir(), bytes.Buffer{}
		in, model := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.model")
		if err := os.WriteFile(in, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ClassifyTrain(t.Context(), labelled(in, &out), time.Unix(0, 0), model); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got, err := os.ReadFile(model)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: another model: %s", tt.name, &out)
		}
		if skipped := strings.Contains(out.String(), "2 rows are without text or category"); skipped != (tt.name == "rows without a label") {
			t.Errorf("%s: said %q", tt.name, &out)
		}
	}
}

func TestTablesThatTeachNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ content, want string }{
		"empty":        {"", "is empty: it needs a header"},
		"no column":    {"内容,类别\n路灯不亮,灯\n", `names the columns ["text" "category"]; the first names ["内容" "类别"]`},
		"header alone": {"text,category\n", "no labelled text: give texts with their categories (0 rows"},
		"no labels":    {"text,category\n路灯不亮,\n停水了,\n", "no labelled text: give texts with their categories (2 rows are without text or category, 0 cannot be read)"},
		"one category": {"text,category\n路灯不亮,灯\n没有灯,灯\n", `all texts have one category: nothing can be told apart; give texts of at least two (all 2 are "灯")`},
		"an old book":  {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "is an old Excel workbook"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "in.csv")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			model := filepath.Join(t.TempDir(), "out.model")
			err := ClassifyTrain(t.Context(), labelled(path, &out), time.Unix(0, 0), model)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("train: %v, want %s", err, tt.want)
			}
			if _, err := os.Stat(model); !errors.Is(err, os.ErrNotExist) {
				t.Error("a model is left behind")
			}
			if err := ClassifyEval(t.Context(), labelled(path, &out), 5, false); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("eval: %v, want %s", err, tt.want)
			}
		})
	}
}

func TestEvalSpeaks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := ClassifyEval(t.Context(), labelled(ownWords, &out), 2, false); err != nil || !strings.HasPrefix(out.String(), "texts 400, folds 2\naccuracy 0.") {
		t.Errorf("%v\n%s", err, &out)
	}
	out.Reset()
	var r classify.Report
	if err := ClassifyEval(t.Context(), labelled(ownWords, &out), 2, true); err != nil || json.Unmarshal(out.Bytes(), &r) != nil || r.Samples != 400 || len(r.Categories) != 25 {
		t.Errorf("%v\n%s", err, &out)
	}
}

// A city learns from what its own people decided: not from what the gateway did alone, nor from what is confidential.
func TestACityLearnsFromItsTickets(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := place(t, in)
			if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
				t.Fatal(err)
			}
			st, m := opens(t, w), storetest.NewMaker()
			system, at := ticket.Actor{Kind: ticket.ActorSystem, ID: "routing"}, storetest.Day
			for i, text := range []string{"路灯不亮", "路口没有灯", "灯坏了很黑", "停水一天了", "水管没有水", "没有水做饭"} {
				first, then := "01.03.03", "05.01.01"
				for way := range 6 {
					d := m.Ticket(t, at, func(r *ticket.Registration, p *ticket.Private) {
						r.Category, r.Confidential, p.Title, p.Text = first, way == 5, "", text+[]string{"甲", "乙", "丙", "丁", "戊", "己"}[way]
					})
					switch way {
					case 0: // by the desk
						d.Dispatch(at, "s-371302001")
					case 1: // corrected
						d.Do(at, ticket.Command{Action: ticket.Amend, Details: ticket.Details{Category: then}})
					case 2: // answered by the agent
						d.Answer(at)
					case 3: // by the gateway alone
						d.Do(at, ticket.Command{Action: ticket.Dispatch, Actor: system, Details: ticket.Details{Unit: "s-371302001"}})
					case 4: // noted only
						d.Do(at, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: "看过"}})
					default: // by the desk, confidential
						d.Dispatch(at, "s-371302001")
					}
					storetest.Must(t, st, d.Change())
				}
				if i == 0 {
					from := Labelled{Where: w, Newest: 50000, Precision: 0.97, Report: Report{Out: io.Discard}}
					got, err := from.samples(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					slices.SortFunc(got, func(a, b classify.Sample) int { return strings.Compare(a.Text, b.Text) })
					want := []classify.Sample{{Text: "\n路灯不亮甲", Category: first}, {Text: "\n路灯不亮乙", Category: then}, {Text: "\n路灯不亮丙", Category: first}}
					slices.SortFunc(want, func(a, b classify.Sample) int { return strings.Compare(a.Text, b.Text) })
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
				}
			}
			var out bytes.Buffer
			from := Labelled{Where: w, Newest: 10, Precision: 0.97, Report: Report{Out: &out}}
			if err := ClassifyTrain(t.Context(), from, at, filepath.Join(t.TempDir(), "out.model")); err != nil || !strings.Contains(out.String(), " 10 texts, 2 categories") {
				t.Errorf("%v: %s", err, &out)
			}
		})
	}
}

func TestACityWithoutDecisionsTeachesNothing(t *testing.T) {
	t.Parallel()
	w := place(t, "file")
	if err := Initialise(t.Context(), w, "admin", io.Discard); err != nil {
		t.Fatal(err)
	}
	from := Labelled{Where: w, Newest: 50000, Precision: 0.97, Report: Report{Out: io.Discard}}
	err := ClassifyTrain(t.Context(), from, storetest.Day, filepath.Join(t.TempDir(), "out.model"))
	if !errors.Is(err, classify.ErrNoSamples) || !strings.Contains(err.Error(), "no ticket has a category that a person set or confirmed") {
		t.Errorf("error %v", err)
	}
}

func TestExplainTellsOfTheClassifier(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"楼下餐馆炒菜的烟往楼上飘，窗户都不敢开": "类别  生态环境/大气污染/餐饮油烟（04.01.01）\n    ← 分类器 ",
		"他们家天天这样，能不能管一管":      " 把握不足，建议：\n",
	} {
		var out bytes.Buffer
		if err := Explain(linyi, Question{Text: text, Address: "兰山区银雀山街道"}, false, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%v: %s", err, &out)
		}
	}
	var out bytes.Buffer
	if err := Explain(linyi, Question{Text: "路灯不亮"}, false, &out); err != nil || strings.Contains(out.String(), "分类器") {
		t.Errorf("the keywords speak, and the classifier was asked (%v): %s", err, &out)
	}
}
