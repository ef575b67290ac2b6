package classify

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// Model names the category of a text. It is not changed once it is made; many goroutines may use it.
type Model struct {
	id          string
	trained     time.Time // the day, UTC
	samples     int       // texts it was trained from
	classes     []string
	hashes      []uint32 // of grams, ascending; the place is the row
	spread      []int32  // by row: texts that had the gram
	first       []int32  // by row: its first cell; one more at the end
	cells       []cell
	scale       []float32
	bias        []float32
	temperature float32
	curve       Curve

	terms  []float32 // by count in a text
	rarity []float32 // by row: inverse document frequency
	index  []int32   // open hash table: row + 1; 0 is empty
	spare  sync.Pool // *scratch
}

// cell is the weight of a gram for one category. Most grams have one for few categories only.
type cell struct {
	class  uint16
	weight int8 // in steps of the category's scale
}

// scratch is what one text needs while it is judged.
type scratch struct {
	folded  []byte
	counts  []uint16 // by row; zero between texts
	rows    []int32  // that the text has
	margins []float32
	ranked  []ranked
	spoke   []spoken
}

// ranked is a category by number with how sure the model is of it.
type ranked struct {
	class      int
	confidence float32
}

// Candidate is a category with how sure the model is of it, from 0 to 1; those of all categories sum up
// to 1.
type Candidate struct {
	Category   string
	Confidence float64
}

// ID names the model: the first 12 hexadecimal digits of the SHA-256 of its file.
func (m *Model) ID() string { return m.id }

// Categories lists the categories that the model knows, sorted.
func (m *Model) Categories() []string { return slices.Clone(m.classes) }

// Trained is the day the model was trained on, UTC.
func (m *Model) Trained() time.Time { return m.trained }

// Samples is how many texts it was trained from.
func (m *Model) Samples() int { return m.samples }

// Grams is how many grams it knows.
func (m *Model) Grams() int { return len(m.hashes) }

// Curve says what precision the model reached on texts that were held out.
func (m *Model) Curve() Curve { return slices.Clone(m.curve) }

// termLimit is the largest count of a gram that is told apart from the next.
const termLimit = 64

// term is what a gram counts that stands so often in a text.
func (m *Model) term(count int) float32 { return m.terms[min(count, termLimit)] }

// weigh works out what grams count: 1 + ln of how often they stand in a text, and how rare each is.
func (m *Model) weigh() {
	m.terms = make([]float32, termLimit+1)
	for n := 1; n <= termLimit; n++ {
		m.terms[n] = float32(1 + math.Log(float64(n)))
	}
	m.rarity = make([]float32, len(m.hashes))
	for row, n := range m.spread {
		m.rarity[row] = float32(math.Log(float64(1+m.samples)/float64(1+n)) + 1)
	}
}

// quantise rounds weights, the last row being the biases, to 255 steps a category, and leaves faint ones out.
func (m *Model) quantise(w []float32) {
	classes := len(m.classes)
	m.scale, m.bias = make([]float32, classes), slices.Clone(w[len(m.hashes)*classes:])
	w = w[:len(m.hashes)*classes]
	for i, x := range w {
		m.scale[i%classes] = max(m.scale[i%classes], float32(math.Abs(float64(x))))
	}
	for class := range m.scale {
		m.scale[class] /= math.MaxInt8
	}
	m.first = append(m.first, 0)
	for row := range m.hashes {
		for class, x := range w[row*classes:][:classes] {
			if q := math.RoundToEven(float64(x / m.scale[class])); math.Abs(q) >= faint { // not a number where the scale is 0
				m.cells = append(m.cells, cell{uint16(class), int8(q)})
			}
		}
		m.first = append(m.first, int32(len(m.cells)))
	}
}

// of lists the cells of a row.
func (m *Model) of(row int32) []cell { return m.cells[m.first[row]:m.first[row+1]] }

// link makes the model ready to judge: a table of its rows by hash.
func (m *Model) link() {
	size := 1
	for size < 2*len(m.hashes) {
		size *= 2
	}
	m.index = make([]int32, size)
	for row, hash := range m.hashes {
		at := int(hash) & (size - 1)
		for m.index[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		m.index[at] = int32(row) + 1
	}
	m.spare.New = func() any {
		return &scratch{counts: make([]uint16, len(m.hashes)), margins: make([]float32, len(m.classes)), ranked: make([]ranked, len(m.classes))}
	}
}

// row finds a gram, −1 when the model does not know it.
func (m *Model) row(hash uint32) int32 {
	mask := len(m.index) - 1
	for at := int(hash) & mask; ; at = (at + 1) & mask {
		row := m.index[at] - 1
		if row < 0 || m.hashes[row] == hash {
			return row
		}
	}
}

// Classify ranks the categories of a text, at most limit of them, the best first, appended to dst. None is
// returned for a text without a gram that the model knows.
func (m *Model) Classify(dst []Candidate, text string, limit int) []Candidate {
	s := m.spare.Get().(*scratch)
	defer m.spare.Put(s)
	if !m.read(s, text) {
		return dst
	}
	m.rank(s)
	for _, r := range s.ranked[:min(limit, len(s.ranked))] {
		dst = append(dst, Candidate{m.classes[r.class], float64(r.confidence)})
	}
	return dst
}

// Spoken lists the grams of a text that spoke most for the category that Classify ranks first, against the
// one it ranks second: at most limit, the strongest first, none inside another, none with a number.
func (m *Model) Spoken(text string, limit int) []string {
	s := m.spare.Get().(*scratch)
	defer m.spare.Put(s)
	if !m.read(s, text) {
		return nil
	}
	m.rank(s)
	return m.spoken(s, limit)
}

// read works out the margins of a text; ok is false when it has no gram of the model.
func (m *Model) read(s *scratch, text string) (ok bool) {
	s.folded = fold(s.folded[:0], text)
	s.rows = s.rows[:0]
	eachGram(s.folded, func(hash uint32, _, _ int) {
		if row := m.row(hash); row >= 0 {
			if s.counts[row] == 0 {
				s.rows = append(s.rows, row)
			}
			s.counts[row]++
		}
	})
	if len(s.rows) == 0 {
		return false
	}
	clear(s.margins)
	sum := float32(0)
	for _, row := range s.rows {
		x := m.term(int(s.counts[row])) * m.rarity[row]
		s.counts[row] = 0
		sum += float32(x * x)
		for _, c := range m.of(row) {
			s.margins[c.class] += float32(x * float32(c.weight))
		}
	}
	length := float32(math.Sqrt(float64(sum)))
	for class := range s.margins {
		s.margins[class] = float32(s.margins[class]/length*m.scale[class]) + m.bias[class]
	}
	return true
}

// rank turns margins into confidences, the best first.
func (m *Model) rank(s *scratch) {
	soften(s.margins, m.temperature)
	for class, p := range s.margins {
		s.ranked[class] = ranked{class, p}
	}
	slices.SortFunc(s.ranked, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.confidence, a.confidence), cmp.Compare(a.class, b.class))
	})
}

// soften turns margins into confidences that sum up to 1.
func soften(margins []float32, temperature float32) {
	top, sum := slices.Max(margins), 0.0
	for i, x := range margins {
		e := math.Exp(float64((x - top) * temperature))
		margins[i] = float32(e)
		sum += e
	}
	for i := range margins {
		margins[i] /= float32(sum)
	}
}
