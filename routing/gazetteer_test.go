package routing

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	tests := map[string]struct {
		place Place
		want  Location // without confidence
		sure  [2]float64
	}{
		"nothing":                         {Place{}, Location{}, [2]float64{0, 0}},
		"street by its full name":         {Place{Address: "兰山区兰山街道通达路1号"}, Location{Region: "11", By: ByAddress, Evidence: []string{"兰山区", "兰山街道"}}, [2]float64{0.9, 1}},
		"full and half width, blanks":     {Place{Address: "临沂市 河东区 九曲 街道１２号"}, Location{Region: "22", By: ByAddress, Evidence: []string{"九曲街道", "河东区"}}, [2]float64{0.9, 1}},
		"place alone":                     {Place{Address: "朱潘村村口"}, Location{Region: "12", By: ByAddress, Evidence: []string{"朱潘村"}}, [2]float64{0.85, 0.95}},
		"district alone":                  {Place{Address: "河东区某处"}, Location{Region: "2", By: ByAddress, Evidence: []string{"河东区"}}, [2]float64{0.9, 1}},
		"city alone says nothing":         {Place{Address: "临沂市"}, Location{}, [2]float64{0, 0}},
		"short name of district and town": {Place{Address: "兰山"}, Location{Region: "1", By: ByAddress, Evidence: []string{"兰山"}}, [2]float64{0.5, 0.85}},
		"shared street, no district":      {Place{Address: "太平街道"}, Location{By: ByAddress, Evidence: []string{"太平街道"}, Candidates: []string{"13", "21"}}, [2]float64{0, 0}},
		"shared street, district named":   {Place{Address: "河东区太平街道"}, Location{Region: "21", By: ByAddress, Evidence: []string{"太平街道", "河东区"}}, [2]float64{0.9, 1}},
		"shared street, text settles it":  {Place{Address: "太平街道", Text: "我住在河东"}, Location{Region: "21", By: ByAddress, Evidence: []string{"太平街道", "河东"}}, [2]float64{0.5, 0.9}},
		"shared street, hint settles it":  {Place{Address: "太平街道", Hint: "1"}, Location{Region: "13", By: ByHint, Evidence: []string{"1", "太平街道"}}, [2]float64{0.5, 1}},
		"two streets of one district":     {Place{Address: "兰山街道与义堂镇交界"}, Location{Region: "1", By: ByAddress, Evidence: []string{"义堂镇", "兰山街道"}, Candidates: []string{"11", "12"}}, [2]float64{0.5, 0.5}},
		"two districts":                   {Place{Address: "兰山区到河东区"}, Location{By: ByAddress, Evidence: []string{"兰山区", "河东区"}, Candidates: []string{"1", "2"}}, [2]float64{0, 0}},
		"text when the address is silent": {Place{Address: "家门口", Text: "义堂镇的路坏了"}, Location{Region: "12", By: ByText, Evidence: []string{"义堂镇"}}, [2]float64{0.8, 0.9}},
		"text narrows the address":        {Place{Address: "河东区", Text: "凤凰广场旁边"}, Location{Region: "22", By: ByAddress, Evidence: []string{"凤凰广场", "河东区"}}, [2]float64{0.8, 0.9}},
		"text does not contradict":        {Place{Address: "河东区", Text: "从义堂镇过来"}, Location{Region: "2", By: ByAddress, Evidence: []string{"河东区"}}, [2]float64{0.9, 1}},
		"the longest name wins":           {Place{Address: "滨河路西段"}, Location{Region: "12", By: ByAddress, Evidence: []string{"滨河路西段"}}, [2]float64{0.85, 0.95}},
		"a road named like a town":        {Place{Address: "九曲路12号"}, Location{}, [2]float64{0, 0}},
		"a town's office":                 {Place{Address: "九曲街道办旁"}, Location{Region: "22", By: ByAddress, Evidence: []string{"九曲街道"}}, [2]float64{0.9, 1}},
		"hint":                            {Place{Hint: "111", Address: "河东区"}, Location{Region: "111", By: ByHint, Evidence: []string{"111"}}, [2]float64{0.9, 1}},
		"hint of an older pack":           {Place{Hint: "gone", Address: "河东区"}, Location{Region: "2", By: ByAddress, Evidence: []string{"河东区"}}, [2]float64{0.9, 1}},
		"point, most specific":            {Place{HasPoint: true, Lng: 118.15, Lat: 35.05, Hint: "22"}, Location{Region: "12", Areas: []string{"1", "12"}, By: ByPoint, Evidence: []string{"义堂镇界"}}, [2]float64{0.9, 1}},
		"point in a district, narrowed":   {Place{HasPoint: true, Lng: 118.35, Lat: 35.05, Address: "人民广场"}, Location{Region: "11", Areas: []string{"urban", "1"}, By: ByPoint, Evidence: []string{"人民广场", "兰山区界"}}, [2]float64{0.85, 1}},
		"point against the address":       {Place{HasPoint: true, Lng: 118.35, Lat: 35.05, Address: "河东区凤凰广场"}, Location{Region: "1", Areas: []string{"urban", "1"}, By: ByPoint, Evidence: []string{"兰山区界"}}, [2]float64{0.9, 1}},
		"point in no region":              {Place{HasPoint: true, Lng: 117, Lat: 35, Address: "凤凰广场"}, Location{Region: "22", By: ByAddress, Evidence: []string{"凤凰广场"}}, [2]float64{0.85, 0.95}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rs.Locate(tt.place)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Location{}, "Confidence"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("location (-want +got):\n%s", diff)
			}
			if got.Confidence < tt.sure[0] || got.Confidence > tt.sure[1] {
				t.Errorf("confidence = %.3f, want %v", got.Confidence, tt.sure)
			}
		})
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	tests := map[string]struct {
		text  string
		want  string
		words []string
	}{
		"nothing":             {"你好\n请问", "", nil},
		"one word":            {"咨询\n小区停水了", "life.water", []string{"停水"}},
		"two words":           {"路灯\n路灯一直不亮", "city.lamp", []string{"路灯", "路灯", "不亮"}},
		"the title says more": {"停水\n路灯", "life.water", []string{"停水"}},
		"a tie is not sure":   {"反映\n停水，路灯", "", []string{"路灯"}},
		"traditional":         {"反映\n路燈不亮", "city.lamp", []string{"路灯", "不亮"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, evidence, confidence := rs.Classify(tt.text)
			if got != tt.want {
				t.Errorf("category = %q (%.2f), want %q", got, confidence, tt.want)
			}
			var words []string
			for _, h := range evidence {
				words = append(words, h.Word)
				if !utf8.ValidString(tt.text[h.Start:h.End]) {
					t.Errorf("hit %v cuts a character", h)
				}
			}
			if diff := cmp.Diff(tt.words, words); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
			if (got != "") != (confidence >= sureCategory) || confidence < 0 || confidence > 1 {
				t.Errorf("confidence = %v with category %q", confidence, got)
			}
		})
	}
}

func TestSuggestRanks(t *testing.T) {
	t.Parallel()
	rs := compile(t, smallCity())
	var got []string
	for _, s := range rs.Suggest("停水\n自来水停了，路灯不亮，还有积水", 2) {
		got = append(got, s.Category)
	}
	if diff := cmp.Diff([]string{"life.water", "city.lamp"}, got); diff != "" {
		t.Error(diff)
	}
}
