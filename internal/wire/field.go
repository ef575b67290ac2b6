package wire

import (
	"cmp"
	"errors"
	"reflect"
	"time"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// Complaint tells a citizen or an app what is wrong with a field, in Chinese, from the tag and
// parameter of the check it failed (the names are those of validator v10) and the field's kind.
func Complaint(tag, param string, kind reflect.Kind) string {
	unit, most, least := "", "不能大于 ", "不能小于 "
	switch kind {
	case reflect.String:
		unit, most, least = " 个字", "最多 ", "至少 "
	case reflect.Slice, reflect.Map, reflect.Array:
		unit, most, least = " 项", "最多 ", "至少 "
	default: // numbers have no unit
	}
	switch tag {
	case "required", "required_with", "required_without", "required_if":
		return "不能为空"
	case "max", "lte":
		return most + param + unit
	case "min", "gte":
		return least + param + unit
	case "oneof":
		return "只能是以下之一：" + param
	case "startswith":
		return "必须以 " + param + " 开头"
	case "printascii", "alphanum":
		return "只能用英文字母、数字和常用符号"
	case "excluded_unless", "excluded_with":
		return "此处不能填写"
	case "hexadecimal", "len", "sha256":
		return "应为 64 位十六进制摘要"
	case "url", "http_url":
		return "应为完整的网址"
	}
	return "格式不正确"
}

// Correctable turns an error of [JSON], [XML] or [Text] into ticket.Invalid under the code, for callers
// who can correct themselves. Other errors come back as they are.
func Correctable(err error, code string) error {
	var format *FormatError
	var charset *text.CharsetError
	switch {
	case errors.As(err, &format):
		e := ticket.Errorf(ticket.Invalid, code, "提交内容不是合格的 %s，请检查格式", format.Format).Because(err)
		if format.Field != "" {
			e.Fields = []ticket.Field{{Name: format.Field, Message: "数据类型不正确"}}
		}
		return e
	case errors.As(err, &charset):
		return ticket.Errorf(ticket.Invalid, code, "无法识别文字编码，请使用 UTF-8").Because(err)
	}
	return err
}

// Phone is the number as a Party carries it: the canonical form, as given when it has none (masked
// numbers), empty when the caller withheld it.
func Phone(raw, areaCode string) (number string, withheld bool) {
	p := text.ParsePhone(raw, areaCode)
	if p.Kind == text.PhoneAnonymous {
		return "", true
	}
	if c := p.Canonical(); c != "" {
		return c, false
	}
	return p.Raw, false
}

// Datum reads the name of a coordinate system as channels write it. ok is false when it is not known.
func Datum(name string) (d ticket.Datum, ok bool) {
	switch text.Fold(name) {
	case "wgs84", "wgs-84", "epsg:4326", "cgcs2000", "epsg:4490", "gps":
		return ticket.WGS84, true // CGCS2000 differs from WGS-84 by centimetres
	case "gcj02", "gcj-02", "gcj":
		return ticket.GCJ02, true
	case "bd09", "bd-09", "bd09ll":
		return ticket.BD09, true
	}
	return "", false
}

// Coordinates sets the point of a place from a longitude and a latitude that come together or not at
// all. usual is the channel's own datum, for points that do not name theirs (GCJ-02 when empty, as
// maps in China have it). What is wrong is returned under path and leaves the place without a point.
func Coordinates(p *ticket.Place, lng, lat *float64, crs string, usual ticket.Datum, path string) []ticket.Field {
	if lng == nil && lat == nil {
		return nil
	}
	if lng == nil || lat == nil {
		return []ticket.Field{{Name: path, Message: "经度和纬度必须同时提供"}}
	}
	if complaint := Point(*lng, *lat); complaint != "" {
		return []ticket.Field{{Name: path, Message: complaint}}
	}
	datum := cmp.Or(usual, ticket.GCJ02)
	if crs != "" {
		named, known := Datum(crs)
		if !known {
			return []ticket.Field{{Name: path + ".crs", Message: "只能是以下之一：WGS84 GCJ02 BD09 CGCS2000"}}
		}
		datum = named
	}
	p.Lng, p.Lat, p.Datum = *lng, *lat, datum
	return nil
}

// Occurred reads when a matter happened, as a caller who can correct it gave it: empty is the zero time,
// what is no time or not [Plausible] is complained of under path.
func Occurred(s string, zone *time.Location, receivedAt time.Time, path string) (time.Time, []ticket.Field) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := Time(s, zone)
	if err != nil {
		return time.Time{}, []ticket.Field{{Name: path, Message: "应为时间，例如 2026-01-02T15:04:05+08:00"}}
	}
	if !Plausible(at, receivedAt) {
		return time.Time{}, []ticket.Field{{Name: path, Message: "应在 2000 年之后，且不晚于明天"}}
	}
	return at, nil
}

// Point says what is wrong with coordinates in degrees, empty when they can be meant: outside the
// world, longitude and latitude swapped, or the 0, 0 that devices send without a fix.
func Point(lng, lat float64) string {
	switch {
	case lng == 0 && lat == 0:
		return "定位未成功（0, 0），请重新定位，或不填坐标"
	case 73 <= lat && lat <= 136 && 3 <= lng && lng <= 54: // China's box with the axes swapped
		return "经度和纬度可能填反了"
	case lng < -180 || lng > 180 || lat < -90 || lat > 90:
		return "坐标超出范围：经度 -180 至 180，纬度 -90 至 90"
	}
	return ""
}
