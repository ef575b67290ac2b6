package classify

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// The file of a model: the magic, a byte of the version, the body, and the SHA-256 of all before it. The
// body is, with whole numbers as varints and others as IEEE 754 of 32 bits, little endian: day of training
// since 1970, samples, categories (length and name each), temperature, scale and bias of each category,
// the curve (texts in all, points, and of each point confidence, filled, right), grams, their hashes as
// differences, in how many texts each was, and of each how many categories it has a weight for, these as
// differences, each followed by the weight in a byte.
const (
	magic   = "HLCM"
	version = 1
)

// MaxFile is the largest file of a model, bytes.
const MaxFile = 8 << 20

// seal works out what follows from the model's parts: its id and its table.
func (m *Model) seal() (*Model, error) {
	file, err := m.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return Parse(file)
}

// MarshalBinary is the file of the model.
func (m *Model) MarshalBinary() ([]byte, error) {
	b := append(make([]byte, 0, 2*len(m.cells)+8*len(m.hashes)+4096), magic...)
	b = append(b, version)
	whole := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }
	real32 := func(x float32) { b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x)) }
	whole(max(int(m.trained.Unix()/86400), 0))
	whole(m.samples)
	whole(len(m.classes))
	for _, name := range m.classes {
		whole(len(name))
		b = append(b, name...)
	}
	real32(m.temperature)
	for class := range m.classes {
		real32(m.scale[class])
		real32(m.bias[class])
	}
	of := 0
	if len(m.curve) > 0 {
		of = m.curve[0].Of
	}
	whole(of)
	whole(len(m.curve))
	for _, p := range m.curve {
		real32(float32(p.Confidence))
		whole(p.Filled)
		whole(p.Right)
	}
	whole(len(m.hashes))
	before := uint32(0)
	for _, hash := range m.hashes {
		b = binary.AppendUvarint(b, uint64(hash-before))
		before = hash
	}
	for _, n := range m.spread {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for row := range m.hashes {
		cells, last := m.of(int32(row)), 0
		whole(len(cells))
		for _, c := range cells {
			whole(int(c.class) - last)
			b = append(b, byte(c.weight))
			last = int(c.class)
		}
	}
	sum := sha256.Sum256(b)
	if b = append(b, sum[:]...); len(b) > MaxFile {
		return nil, fmt.Errorf("model file would be %d bytes, more than %d: give fewer categories", len(b), MaxFile)
	}
	return b, nil
}

// ErrFile says that bytes are not a model file, or a damaged one.
var ErrFile = errors.New("not a model file: make it with `hotline classify train`")

// Parse reads the file of a model. The error is [ErrFile] with what is wrong.
func Parse(file []byte) (*Model, error) {
	bad := func(format string, args ...any) (*Model, error) {
		return nil, fmt.Errorf("%w: "+format, append([]any{ErrFile}, args...)...)
	}
	body := len(file) - sha256.Size
	switch {
	case len(file) > MaxFile:
		return bad("it is larger than %d bytes", MaxFile)
	case body <= len(magic) || string(file[:len(magic)]) != magic:
		return bad("it does not begin with %s", magic)
	case file[len(magic)] != version:
		return bad("it is of version %d, and this program reads version %d", file[len(magic)], version)
	}
	sum := sha256.Sum256(file[:body])
	if !bytes.Equal(sum[:], file[body:]) {
		return bad("its checksum does not fit: it was changed or cut off")
	}
	r := reader{rest: file[len(magic)+1 : body]}
	m := r.model()
	if r.wrong == "" && len(r.rest) > 0 {
		r.wrong = "something stands behind its end"
	}
	if r.wrong != "" {
		return bad("%s", r.wrong)
	}
	whole := sha256.Sum256(file)
	m.id = hex.EncodeToString(whole[:6])
	m.weigh()
	m.link()
	return m, nil
}

// reader takes a body apart. Once something is wrong it gives zeros.
type reader struct {
	rest  []byte
	wrong string
}

func (r *reader) fail(what string) {
	if r.wrong == "" {
		r.wrong = what
	}
	r.rest = nil
}

// whole reads a whole number between the two.
func (r *reader) whole(what string, least, most int) int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(most) || n < uint64(least) {
		r.fail("its " + what + " cannot be right")
		return least
	}
	r.rest = r.rest[size:]
	return int(n)
}

// real32 reads a number between the two.
func (r *reader) real32(what string, least, most float32) float32 {
	b := r.bytes(4)
	if b == nil {
		return 0
	}
	x := math.Float32frombits(binary.LittleEndian.Uint32(b))
	if !(x >= least && x <= most) { // not a number is neither
		r.fail("its " + what + " cannot be right")
		return 0
	}
	return x
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail("it ends early")
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// count reads how many follow, which cannot be more than bytes are left.
func (r *reader) count(what string, least, most int) int {
	n := r.whole(what, least, most)
	if n > len(r.rest) {
		r.fail("it ends early")
		return 0
	}
	return n
}

const (
	maxDay   = 1 << 20 // since 1970
	maxValue = 1e6     // of scales and biases
)

func (r *reader) model() *Model {
	m := &Model{}
	m.trained = time.Unix(int64(r.whole("day", 0, maxDay))*86400, 0).UTC()
	m.samples = r.whole("number of samples", 2, MaxSamples)
	classes := r.count("number of categories", 2, MaxCategories)
	for range classes {
		name := string(r.bytes(r.whole("category", 1, maxName)))
		if !utf8.ValidString(name) || len(m.classes) > 0 && name <= m.classes[len(m.classes)-1] {
			r.fail("its categories are not in order")
		}
		m.classes = append(m.classes, name)
	}
	m.temperature = r.real32("temperature", 0, maxValue)
	m.scale, m.bias = make([]float32, classes), make([]float32, classes)
	for class := range classes {
		m.scale[class] = r.real32("scale", 0, maxValue)
		m.bias[class] = r.real32("bias", -maxValue, maxValue)
	}
	m.curve = r.curve()
	rows := r.count("number of grams", 0, maxRows)
	m.hashes, m.spread = make([]uint32, rows), make([]int32, rows)
	hash := 0
	for row := range rows {
		least := 1
		if row == 0 {
			least = 0
		}
		hash += r.whole("grams", least, math.MaxUint32-hash)
		m.hashes[row] = uint32(hash)
	}
	for row := range rows {
		m.spread[row] = int32(r.whole("grams", 1, m.samples))
	}
	m.first = append(make([]int32, 0, rows+1), 0)
	for range rows {
		last := -1
		for range r.count("weights", 0, classes) {
			m.cells = append(m.cells, r.cell(&last, classes))
		}
		m.first = append(m.first, int32(len(m.cells)))
	}
	return m
}

// cell reads one weight; last is the category of the one before, −1 for the first.
func (r *reader) cell(last *int, classes int) cell {
	least := 1
	if *last < 0 {
		*last, least = 0, 0
	}
	*last += r.whole("weights", least, max(classes-1-*last, least))
	if *last >= classes {
		r.fail("its weights cannot be right")
		*last = 0
	}
	c := cell{class: uint16(*last)}
	if b := r.bytes(1); b != nil {
		c.weight = int8(b[0])
	}
	return c
}

func (r *reader) curve() Curve {
	of := r.whole("curve", 0, MaxSamples)
	var c Curve
	last := Point{Confidence: 1}
	for range r.count("curve", 0, 2*curvePoints) {
		p := Point{Confidence: float64(r.real32("curve", 0, float32(last.Confidence))), Of: of}
		p.Filled = r.whole("curve", last.Filled, of)
		p.Right = r.whole("curve", last.Right, p.Filled)
		c, last = append(c, p), p
	}
	return slices.Clip(c)
}
