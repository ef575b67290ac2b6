package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The cases are those of channels.md §17 and of the old hotline exports.
func TestParsePhone(t *testing.T) {
	t.Parallel()
	mobile := Phone{E164: "+8613812345678", Kind: PhoneMobile}
	land := Phone{E164: "+865398123456", Kind: PhoneLandline}
	landExt := Phone{E164: "+865398123456", Ext: "801", Kind: PhoneLandline}
	anonymous := Phone{Kind: PhoneAnonymous}
	for raw, want := range map[string]Phone{
		"13812345678":                       mobile,
		"+86 138-1234-5678":                 mobile,
		"0086 138 1234 5678":                mobile,
		"8613812345678":                     mobile,
		"013812345678":                      mobile,
		"１３８１２３４５６７８":                       mobile,
		"手机：138-1234-5678（王女士）":             mobile,
		"13812345678/13912345679":           mobile,
		"sip:13812345678@10.0.0.1":          mobile,
		"tel:+8613812345678":                mobile,
		"<sip:13812345678@pbx>":             mobile,
		"17012345678":                       {E164: "+8617012345678", Kind: PhoneMobile, Virtual: true},
		"13812345678-8123":                  {E164: "+8613812345678", Kind: PhoneMobile, Ext: "8123"},
		"14912345678":                       {E164: "+8614912345678", Kind: PhoneMobile},
		"0539 8123456":                      land,
		"(0539)8123456":                     land,
		"0539-812-3456":                     land,
		"+86 539 8123456":                   land,
		"5398123456":                        land,
		"8123456":                           land,
		"0539-8123456-801":                  landExt,
		"05398123456转801":                   landExt,
		"8123456-801":                       landExt,
		"8123456 分机 801":                    landExt,
		"8123456 ext.801":                   landExt,
		"tel:+865398123456;ext=801":         landExt,
		"021-61234567-801":                  {E164: "+862161234567", Ext: "801", Kind: PhoneLandline},
		"010-61234567":                      {E164: "+861061234567", Kind: PhoneLandline},
		"86123456":                          {E164: "+8653986123456", Kind: PhoneLandline},
		"400-123-4567":                      {E164: "+864001234567", Kind: PhoneService},
		"8001234567":                        {E164: "+868001234567", Kind: PhoneService},
		"12345":                             {Short: "12345", Kind: PhoneShort},
		"0539-12345":                        {Short: "12345", Kind: PhoneShort},
		"110":                               {Short: "110", Kind: PhoneShort},
		"95588":                             {Short: "95588", Kind: PhoneShort},
		"10690001234567":                    {Short: "10690001234567", Kind: PhoneShort},
		"+852 2123 4567":                    {E164: "+85221234567", Kind: PhoneUnknown},
		"0044 20 7946 0958":                 {E164: "+442079460958", Kind: PhoneUnknown},
		"138****5678":                       {Masked: true, Kind: PhoneMobile},
		"138xxxx5678":                       {Masked: true, Kind: PhoneMobile},
		"0539****456":                       {Masked: true, Kind: PhoneLandline},
		"":                                  anonymous,
		"anonymous":                         anonymous,
		"Restricted":                        anonymous,
		"匿名":                                anonymous,
		"00000000000":                       anonymous,
		"sip:anonymous@anonymous.invalid":   anonymous,
		"没有电话":                              {Kind: PhoneUnknown},
		"6123":                              {Kind: PhoneUnknown},
		"138123456789012345678901234567890": {Kind: PhoneUnknown},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			got := ParsePhone(raw, "0539")
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Phone{}, "Raw")); diff != "" {
				t.Errorf("ParsePhone(%q) −want +got:\n%s", raw, diff)
			}
		})
	}
	if got := ParsePhone("8123456", ""); got.E164 != "" || got.Kind != PhoneLandline || got.Canonical() != "local:8123456" {
		t.Errorf("local number without area code: %+v, canonical %q", got, got.Canonical())
	}
}

func TestPhoneCanonical(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"138 1234 5678":    "+8613812345678",
		"0539-8123456-801": "+865398123456;ext=801",
		"12345":            "short:12345",
		"６１２３":             "local:6123",
		"138****5678":      "",
		"匿名":               "",
		"无号":               "",
	} {
		if got := ParsePhone(raw, "0539").Canonical(); got != want {
			t.Errorf("Canonical of %q = %q, want %q", raw, got, want)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"13812345678", "021-61234567-801", "138****5678", "tel:+86;ext=", "(转", "0", "+"} {
		f.Add(s, "0539")
	}
	f.Fuzz(func(t *testing.T, raw, area string) {
		p := ParsePhone(raw, area)
		if p.Kind == "" || len(p.Raw) > rawPhoneLimit || !utf8.ValidString(p.Raw) {
			t.Errorf("ParsePhone(%q) = %+v", raw, p)
		}
		if p.Masked && (p.E164 != "" || p.Canonical() != "") {
			t.Errorf("masked number %q is used: %+v", raw, p)
		}
		if p.E164 != "" {
			if again := ParsePhone(p.E164, area); again.E164 != p.E164 || again.Kind != p.Kind {
				t.Errorf("%q → %+v, read again %+v", raw, p, again)
			}
		}
	})
}

func TestMasks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		mask func(string) string
		in   string
		want string
	}{
		{"mobile", MaskPhone, "13812345678", "138****5678"},
		{"E.164", MaskPhone, "+8613812345678", "138****5678"},
		{"landline", MaskPhone, "0539-8123456", "053****3456"},
		{"local", MaskPhone, "8123456", "8****56"},
		{"short", MaskPhone, "110", "***"},
		{"nothing", MaskPhone, "", ""},
		{"name", MaskName, " 王小明", "王*"},
		{"no name", MaskName, "", ""},
		{"identity", MaskIDNumber, "37130219800101123X", "371***********123X"},
		{"short identity", MaskIDNumber, "12", "**"},
		{"street", MaskAddress, "临沂市兰山区滨河路12号3单元402室", "临沂市兰山区滨河路***"},
		{"crossing", MaskAddress, "滨河路与沂州路路口东北角", "滨河路与沂州路***"},
		{"estate", MaskAddress, "兰山街道滨河小区A座", "兰山街道***"},
		{"estate alone", MaskAddress, "金泰花园", "金泰***"},
		{"village alone", MaskAddress, "前屯村", "前屯村"},
		{"no address", MaskAddress, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.mask(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMaskPersonal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"电话13812345678，请回电":                    "电话138****5678，请回电",
		"138-1234-5678":                        "138-****-5678",
		"１３８１２３４５６７８":                          "１３８****５６７８",
		"幺三八幺二三四五六七八":                          "幺三八****五六七八",
		"身份证37130219800101123X。":               "身份证371***********123X。",
		"371302 19800101 1234":                 "371*** ******** 1234",
		"卡号6222 0212 3456 7890 123":            "卡号622* **** **** ***0 123",
		"0539-8123456":                         "053*-***3456",
		"单位电话 8123456":                         "单位电话 8****56",
		"2026-07-15 13812345678 打来":            "2026-07-15 138****5678 打来",
		"8月5日 138 1234 5678":                   "8月5日 138 **** 5678",
		"13812345678 13912345679":              "138****5678 139****5679",
		"欠薪1500000元，2026年7月15日，20260715":       "欠薪1500000元，2026年7月15日，20260715",
		"编号A8181323，补偿4212000.00元、(4500000)万元": "编号A8181323，补偿4212000.00元、(4500000)万元",
		"拨打12345或110、400-123-4567":             "拨打12345或110、400-123-4567",
		"3号楼2单元":                               "3号楼2单元",
		"没有号码":                                 "没有号码",
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			if got := MaskPersonal(in); got != want {
				t.Errorf("MaskPersonal(%q)\n got %q\nwant %q", in, got, want)
			}
		})
	}
	if got := MaskPersonal(strings.Repeat("13812345678 ", 10000)); strings.Contains(got, "13812345678") {
		t.Error("a number among many is left")
	}
}

func TestReplaceNames(t *testing.T) {
	t.Parallel()
	const said = "王秀兰说，王家门口积水；秀兰是我"
	const masked = "王*说，王家门口积水；秀兰是我"
	for name, want := range map[string]string{"王秀兰": masked, " 王秀兰 ": masked, "王": said, "": said, " ": said, "李四": said} {
		if got := ReplaceNames(said, MaskName, name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}
