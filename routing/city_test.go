package routing

import (
	"fmt"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// zone is the city's time without a time zone database.
var zone = time.FixedZone("CST", 8*3600)

// square is a closed ring of side 2·half around a point.
func square(lng, lat, half float64) [][2]float64 {
	return [][2]float64{{lng - half, lat - half}, {lng + half, lat - half}, {lng + half, lat + half}, {lng - half, lat + half}, {lng - half, lat - half}}
}

func src(line int) Source { return Source{File: "pack.yaml", Line: line} }

// smallCity is a city small enough to know by heart: two districts, five streets, of which 太平街道
// stands in both, one community, an urban area, and rules of every stage.
func smallCity() City {
	three := 3.0
	return City{
		Hash: "sha256:test", Zone: zone, DefaultPolicy: "standard@1",
		Workday: func(day time.Time) bool { return day.Weekday() != time.Sunday && day.Weekday() != time.Saturday },
		Units: []Unit{
			{ID: "gov", Name: "市政府", Kind: "government", Source: src(1)},
			{ID: "centre", Name: "城市运行管理中心", Short: "市运管中心", Kind: "centre", Parent: "gov", Source: src(2)},
			{ID: "rescue", Name: "消防救援支队", Kind: "emergency", Source: src(3)},
			{ID: "market", Name: "市场监督管理局", Short: "市监局", Kind: "bureau", Parent: "gov", Source: src(4)},
			{ID: "water", Name: "水务集团", Kind: "utility", External: true, Source: src(5)},
			{ID: "light", Name: "路灯管理处", Kind: "bureau", Parent: "gov", Source: src(6)},
			{ID: "d-ls", Name: "兰山区", Kind: "district", Parent: "gov", Region: "1", Source: src(7)},
			{ID: "d-hd", Name: "河东区", Kind: "district", Parent: "gov", Region: "2", Source: src(8)},
			{ID: "s-ls", Name: "兰山街道办事处", Kind: "street", Parent: "d-ls", Region: "11", Source: src(9)},
			{ID: "s-yt", Name: "义堂镇", Kind: "street", Parent: "d-ls", Region: "12", Source: src(10)},
			{ID: "s-tp1", Name: "太平街道办事处（兰山）", Kind: "street", Parent: "d-ls", Region: "13", Source: src(11)},
			{ID: "s-tp2", Name: "太平街道办事处（河东）", Kind: "street", Parent: "d-hd", Region: "21", Source: src(12)},
			{ID: "s-jq", Name: "九曲街道办事处", Kind: "street", Parent: "d-hd", Region: "22", Source: src(13)},
			{ID: "old", Name: "原城管局", Kind: "bureau", Retired: "2024-01-01", ReplacedBy: "centre", Source: src(14)},
		},
		Categories: []Category{
			{ID: "city", Name: "城市管理", Source: src(20)},
			{ID: "city.flood", Name: "积水内涝", Parent: "city", Keywords: []string{"积水", "内涝", "淹水"}, Source: src(21)},
			{ID: "city.lamp", Name: "路灯", Parent: "city", Keywords: []string{"路灯", "不亮"}, Source: src(22)},
			{ID: "life", Name: "公用事业", Source: src(23)},
			{ID: "life.water", Name: "供水", Parent: "life", Keywords: []string{"停水", "自来水", "水压"}, Source: src(24)},
			{ID: "trade", Name: "消费维权", Keywords: []string{"退款", "假货", "缺斤短两"}, Source: src(25)},
		},
		Regions: []Region{
			{ID: "0", Name: "临沂市", Level: "city", Source: src(30)},
			{ID: "1", Name: "兰山区", Short: []string{"兰山"}, Parent: "0", Level: "district", Source: src(31)},
			{ID: "2", Name: "河东区", Short: []string{"河东"}, Parent: "0", Level: "district", Source: src(32)},
			{ID: "11", Name: "兰山街道", Short: []string{"兰山"}, Parent: "1", Level: "street", Places: []string{"人民广场", "银雀山路"}, Source: src(33)},
			{ID: "12", Name: "义堂镇", Short: []string{"义堂"}, Parent: "1", Level: "street", Places: []string{"滨河路西段", "朱潘村"}, Source: src(34)},
			{ID: "13", Name: "太平街道", Parent: "1", Level: "street", Source: src(35)},
			{ID: "21", Name: "太平街道", Parent: "2", Level: "street", Source: src(36)},
			{ID: "22", Name: "九曲街道", Short: []string{"九曲"}, Parent: "2", Level: "street", Places: []string{"滨河东路", "凤凰广场"}, Source: src(37)},
			{ID: "111", Name: "金雀山社区", Parent: "11", Level: "community", Source: src(38)},
		},
		Areas: []Area{
			{ID: "urban", Name: "主城区", Rings: [][][2]float64{square(118.35, 35.05, 0.05)}, Source: src(40)},
			{ID: "1", Name: "兰山区界", Region: "1", Rings: [][][2]float64{square(118.3, 35.05, 0.2)}, Source: src(41)},
			{ID: "12", Name: "义堂镇界", Region: "12", Rings: [][][2]float64{square(118.15, 35.05, 0.04)}, Source: src(42)},
		},
		Catalogue: []Row{
			{ID: "c-city", Category: "city", Unit: TokenStreet, Assist: []string{TokenDistrict}, Source: src(50)},
			{ID: "c-flood", Category: "city.flood", Unit: "centre", Assist: []string{TokenStreet, "water"}, Policy: "flood@1", Source: src(51)},
			{ID: "c-flood-hd", Category: "city.flood", Region: "2", Unit: TokenDistrict, Source: src(52)},
			{ID: "c-lamp", Category: "city.lamp", Region: "0", Unit: "light", Source: src(53)},
			{ID: "c-life", Category: "life", Unit: "water", Source: src(54)},
			{ID: "c-trade", Category: "trade", Unit: "market", Source: src(55)},
		},
		Rules: []Rule{
			{
				ID: "e-water", Title: "有人落水", Stage: StageEmergency, Source: src(60),
				When: Condition{Keywords: &Keywords{Any: []string{"落水", "溺水"}, None: []string{"演练"}, Mask: []string{"防落水栏杆", "防溺水"}}},
				Then: Action{Unit: "rescue", Urgency: ticket.UrgencyEmergency, Tags: []string{"danger"}},
			},
			{
				ID: "l-market", Title: "消费投诉归市场监管", Stage: StageStatutory, Basis: "消费者权益保护法", Source: src(61),
				When: Condition{Line: []string{"12315"}, Type: []ticket.RequestType{ticket.TypeComplaint, ticket.TypeReport}},
				Then: Action{Unit: "market", Policy: "12315@1"},
			},
			{
				ID: "r-town", Title: "城区外积水归镇街", Stage: StageRules, Source: src(62),
				When: Condition{Category: []string{"city.flood"}, Outside: []string{"urban"}},
				Then: Action{Unit: TokenStreet, Tags: []string{"outside"}},
			},
			{
				ID: "r-many", Title: "多人反映升级", Stage: StageRules, Source: src(63),
				When: Condition{Region: []string{"1"}, Numbers: []Range{{Fact: "reports_nearby", Min: &three}}},
				Then: Action{Urgency: ticket.UrgencyUrgent},
			},
			{
				ID: "r-secret", Title: "举报干部转人工", Stage: StageRules, Source: src(64),
				When: Condition{Keywords: &Keywords{All: []string{"举报", "干部"}}, Source: []ticket.SourceClass{ticket.SourceCitizen}},
				Then: Action{Triage: "sensitive"},
			},
			{
				ID: "r-night", Title: "夜间工地", Stage: StageRules, Source: src(65),
				When: Condition{Keywords: &Keywords{Any: []string{"工地"}}, Window: &Window{From: "22:00", To: "06:00", Days: []string{"workday"}}},
				Then: Action{Tags: []string{"night"}},
			},
			{
				ID: "x-default", Title: "一般时限", Stage: StageDefault, Source: src(66),
				Then: Action{Policy: "default@1"},
			},
		},
	}
}

func compile(t testing.TB, city City) *Ruleset {
	t.Helper()
	rs, err := Compile(city)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// monday is a workday morning in the city.
var monday = time.Date(2025, 6, 2, 9, 30, 0, 0, zone)

// facts are those of a plain request, changed by edit.
func facts(edit func(*Facts)) *Facts {
	f := &Facts{
		Channel: "form", Line: "12345", Kind: ticket.KindCase, Source: ticket.SourceCitizen, Type: ticket.TypeHelp,
		Text: "反映问题\n请处理", Numbers: UnknownNumbers(), At: monday,
	}
	if edit != nil {
		edit(f)
	}
	return f
}

// bigCity has one district, ten streets and categories enough for rules of every kind.
func bigCity() City {
	city := smallCity()
	city.Rules = nil
	for i := range 100 {
		city.Categories = append(city.Categories, Category{ID: fmt.Sprintf("city.k%d", i), Name: "类", Parent: "city", Source: src(100 + i)})
	}
	return city
}
