package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/citizen-hotline/gateway/internal/text"
)

// Report is a row as the form channel takes it.
type Report struct {
	Row    Row
	Key    string // of the request: the same row has the same in every run
	Sender string // rows of one sender are delivered in their order
	Body   []byte // JSON of the form channel
}

// body is the form channel's report, as far as archives fill it (adapters/form/README.md).
type body struct {
	Key           string            `json:"clientReportId"`
	ForeignNumber string            `json:"foreignNumber,omitempty"`
	Type          string            `json:"type,omitempty"`
	Category      string            `json:"category,omitempty"`
	Region        string            `json:"region,omitempty"`
	Title         string            `json:"title,omitempty"`
	Description   string            `json:"description"`
	OccurredAt    string            `json:"occurredAt,omitempty"`
	Confidential  bool              `json:"confidential,omitempty"`
	Reporter      reporter          `json:"reporter"`
	Location      *location         `json:"location,omitempty"`
	Row           map[string]string `json:"row,omitempty"` // what we have no field for; kept with the delivery as it came
}

type reporter struct {
	Type      string `json:"type"`
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Anonymous bool   `json:"anonymous,omitempty"`
}

type location struct {
	Lng     *float64 `json:"lng,omitempty"`
	Lat     *float64 `json:"lat,omitempty"`
	CRS     string   `json:"crs,omitempty"`
	Address string   `json:"address,omitempty"`
}

// wireFields lead from the form channel's complaints back to the column.
var wireFields = map[string]field{
	"foreignNumber": fieldID, "type": fieldType, "category": fieldCategory, "region": fieldDistrict, "title": fieldTitle,
	"description": fieldText, "occurredAt": fieldTime, "reporter.id": fieldUser, "reporter.name": fieldName, "reporter.phone": fieldPhone,
	"location": fieldLng, "location.lng": fieldLng, "location.lat": fieldLat, "location.crs": fieldCRS, "location.address": fieldAddress,
}

// Limits of the form channel that a row is fitted to; what is longer stays in Row.
const (
	maxTitle   = 100 // characters
	maxHint    = 64
	maxPhone   = 64
	maxAddress = 500
	maxOldID   = 64
	maxKey     = 128 // bytes of printable ASCII

)

// Report makes a report of a row, or says why it cannot.
func (t *Table) Report(row Row, source string) (Report, *Problem) {
	if row.Problem != nil {
		return Report{}, row.Problem
	}
	m := mapper{columns: t.columns, row: row, mac: t.date1904()}
	b := m.body()
	if m.problem != nil {
		return Report{}, m.problem
	}
	b.Key = key(source, b.ForeignNumber, m.canonical())
	encoded, err := json.Marshal(b)
	if err != nil {
		return Report{}, &Problem{Reason: err.Error()}
	}
	r := Report{Row: row, Key: b.Key, Sender: b.Key, Body: encoded}
	switch {
	case b.Reporter.Phone != "":
		r.Sender = "phone:" + b.Reporter.Phone
	case b.Reporter.ID != "":
		r.Sender = "user:" + b.Reporter.ID
	}
	return r, nil
}

// key is the old number under the name of its system, else a digest of the row.
func key(source, id string, canonical [32]byte) string {
	if id == "" {
		return source + "/row:" + hex.EncodeToString(canonical[:])
	}
	k := source + "/" + id
	if len(k) > maxKey || strings.IndexFunc(k, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		sum := sha256.Sum256([]byte(id))
		return source + "/id:" + hex.EncodeToString(sum[:])
	}
	return k
}

// mapper reads one row. It keeps the first problem it meets.
type mapper struct {
	columns columns
	row     Row
	mac     bool
	problem *Problem
}

func (m *mapper) failAt(f field, reason string) {
	if m.problem == nil {
		_, column := m.columns.value(m.row, f)
		m.problem = &Problem{Column: column, Reason: reason}
	}
}

// get is the text of a field. What a formula left instead of a result, and what was read in the
// wrong charset, are no text.
func (m *mapper) get(f field) string {
	v, _ := m.columns.value(m.row, f)
	if formulaErrors[v] {
		m.failAt(f, "公式出错（"+v+"），没有结果")
		return ""
	}
	if strings.ContainsRune(v, utf8.RuneError) {
		if _, err := text.Decode([]byte(v), "utf-8"); err != nil {
			m.failAt(f, "文字编码有误，无法辨认；请另存为 CSV UTF-8")
		}
	}
	return v
}

var formulaErrors = map[string]bool{"#N/A": true, "#REF!": true, "#VALUE!": true, "#DIV/0!": true, "#NAME?": true, "#NULL!": true, "#NUM!": true, "#SPILL!": true, "#CALC!": true}

func (m *mapper) body() body {
	b := body{
		ForeignNumber: m.id(), Type: requestType(m.get(fieldType)), Category: m.get(fieldCategory), Title: m.get(fieldTitle), Description: m.get(fieldText),
		OccurredAt: m.time(), Confidential: yes(m.get(fieldConfidential)), Reporter: m.reporter(), Row: m.rest(),
	}
	if b.Description == "" {
		b.Description = b.Title
	}
	if b.Description == "" {
		m.failAt(fieldText, "没有诉求内容")
	}
	keep := func(f field) {
		if v, column := m.columns.value(m.row, f); v != "" {
			if b.Row == nil {
				b.Row = map[string]string{}
			}
			b.Row[column] = v
		}
	}
	if utf8.RuneCountInString(b.Title) > maxTitle {
		keep(fieldTitle)
		b.Title = string([]rune(b.Title)[:maxTitle-1]) + "…"
	}
	if utf8.RuneCountInString(b.Category) > maxHint {
		keep(fieldCategory)
		b.Category = ""
	}
	if b.Type == "" {
		keep(fieldType)
	}
	if b.Reporter.Phone == "" {
		keep(fieldPhone) // Excel took its digits, or nobody could dial it
	}
	b.Region, b.Location = m.place()
	if b.Location != nil && utf8.RuneCountInString(b.Location.Address) > maxAddress {
		keep(fieldAddress)
		b.Location.Address = string([]rune(b.Location.Address)[:maxAddress])
	}
	return b
}

func (m *mapper) id() string {
	whole, lost := digits(m.get(fieldID))
	if lost {
		m.failAt(fieldID, "编号成了科学计数法，位数已丢失；请把该列设为文本后重新导出")
	}
	if utf8.RuneCountInString(whole) > maxOldID {
		m.failAt(fieldID, fmt.Sprintf("编号过长，最多 %d 个字", maxOldID))
	}
	return whole
}

func (m *mapper) reporter() reporter {
	r := reporter{Type: "citizen", ID: m.get(fieldUser), Name: m.get(fieldName), Anonymous: yes(m.get(fieldAnonymous))}
	if r.Name == "匿名" {
		r.Name, r.Anonymous = "", true
	}
	if phone, lost := digits(m.get(fieldPhone)); !lost && utf8.RuneCountInString(phone) <= maxPhone {
		r.Phone = phone
	}
	return r
}

// serial is a date as spreadsheets count it: days, and the part of the day. Five digits begin in 1927.
var serial = regexp.MustCompile(`^\d{5,6}(\.\d+)?$`)

// time is when the matter was reported, in the city's time. Whether it is a time is for the channel.
func (m *mapper) time() string {
	v := m.get(fieldTime)
	if !serial.MatchString(v) {
		return v
	}
	days, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return v
	}
	at, err := excelize.ExcelDateToTime(days, m.mac)
	if err != nil {
		return v
	}
	return at.Round(time.Second).Format("2006-01-02T15:04:05")
}

// place is where it happened. District and street in words lead the address, for the gazetteer;
// a division code is a hint of its own.
func (m *mapper) place() (region string, l *location) {
	district, street, address := m.get(fieldDistrict), m.get(fieldStreet), m.get(fieldAddress)
	if _, err := strconv.ParseUint(district, 10, 64); err == nil && len(district) >= 6 && len(district) <= 12 {
		region, district = district, ""
	}
	for _, part := range []string{street, district} {
		if !strings.Contains(address, part) {
			address = part + address
		}
	}
	l = &location{Address: address, Lng: m.degrees(fieldLng), Lat: m.degrees(fieldLat), CRS: m.get(fieldCRS)}
	if l.Lng != nil && l.Lat != nil && *l.Lng == 0 && *l.Lat == 0 {
		l.Lng, l.Lat = nil, nil // how old systems write: no position
	}
	if l.Lng == nil && l.Lat == nil {
		l.CRS = ""
	}
	if *l == (location{}) {
		return region, nil
	}
	return region, l
}

func (m *mapper) degrees(f field) *float64 {
	v := m.get(f)
	if v == "" {
		return nil
	}
	deg, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(deg) || math.IsInf(deg, 0) {
		m.failAt(f, "应为以度表示的数字，例如 118.356")
		return nil
	}
	return &deg
}

// rest are the cells we have no field for: who handled it, when it was done, whether the citizen was
// content. They are not lost: they stay with the delivery.
func (m *mapper) rest() map[string]string {
	rest := map[string]string{}
	for _, i := range m.columns.rest {
		if v := strings.TrimSpace(m.row.Cells[i]); v != "" {
			rest[m.columns.names[i]] = v
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// canonical is a digest of what a row says, whatever the order of its columns and the blanks
// around its cells.
func (m *mapper) canonical() [32]byte {
	cells := map[string]string{}
	for i, name := range m.columns.names {
		if v := strings.TrimSpace(m.row.Cells[i]); v != "" {
			cells[plainName(name)] += v + "\x00"
		}
	}
	b, _ := json.Marshal(cells) //nolint:errchkjson // strings only; keys are sorted
	return sha256.Sum256(b)
}

// scientific is a number as spreadsheets show it when it is long.
var scientific = regexp.MustCompile(`^(\d)(?:\.(\d+))?[eE]\+?(\d{1,2})$`)

// digits gives a number that is a name (of a ticket, of a telephone) as it was before a spreadsheet
// took it for an amount. lost says that digits are gone for good.
func digits(v string) (whole string, lost bool) {
	if head, ok := strings.CutSuffix(v, ".0"); ok && head != "" && strings.Trim(head, "0123456789") == "" {
		return head, false
	}
	parts := scientific.FindStringSubmatch(v)
	if parts == nil {
		return v, false
	}
	exponent, _ := strconv.Atoi(parts[3])
	if len(parts[2]) != exponent {
		return "", true
	}
	return parts[1] + parts[2], false
}

// requestTypes are the words archives use, by what they contain; the first that fits counts.
var requestTypes = []struct{ word, kind string }{
	{"咨询", "consult"},
	{"求助", "help"},
	{"举报", "report"},
	{"投诉", "complaint"},
	{"建议", "suggest"},
	{"意见", "suggest"},
	{"表扬", "praise"},
	{"感谢", "praise"},
	{"其他", "other"},
	{"其它", "other"},
}

// requestType reads the type of a request, "" when it is none of ours.
func requestType(v string) string {
	folded := text.Fold(v)
	for _, t := range requestTypes {
		if strings.Contains(folded, t.word) || folded == t.kind {
			return t.kind
		}
	}
	return ""
}

func yes(v string) bool {
	switch strings.ToLower(v) {
	case "是", "匿名", "保密", "true", "1", "y", "yes", "√":
		return true
	}
	return false
}
