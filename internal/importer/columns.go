package importer

import (
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
)

// field is what a column means to us.
type field string

const (
	fieldID           field = "id"
	fieldTime         field = "time"
	fieldPhone        field = "phone"
	fieldUser         field = "user"
	fieldName         field = "name"
	fieldAnonymous    field = "anonymous"
	fieldConfidential field = "confidential"
	fieldType         field = "type"
	fieldCategory     field = "category"
	fieldTitle        field = "title"
	fieldText         field = "text"
	fieldDistrict     field = "district"
	fieldStreet       field = "street"
	fieldAddress      field = "address"
	fieldLng          field = "lng"
	fieldLat          field = "lat"
	fieldCRS          field = "crs"
)

// synonyms are the names that exports of hotlines give to columns. Where a file has several of one
// field, the first in this order that is not empty counts. English names are written without blanks
// and signs.
var synonyms = map[field][]string{
	fieldID:           {"工单编号", "诉求编号", "工单号", "诉求单号", "受理编号", "受理单号", "事项编号", "案件编号", "留言编号", "流水号", "编号", "单号", "id", "number", "ticketid", "ticketnumber", "caseid", "casenumber"},
	fieldTime:         {"受理时间", "来电时间", "诉求时间", "反映时间", "登记时间", "留言时间", "提交时间", "创建时间", "受理日期", "来电日期", "登记日期", "时间", "日期", "time", "occurredat", "receivedat", "createdat", "created", "timestamp", "datetime", "date"},
	fieldPhone:        {"来电号码", "联系电话", "来电电话", "主叫号码", "手机号码", "电话号码", "手机号", "手机", "电话", "联系方式", "phone", "phonenumber", "callernumber", "telephone", "mobile", "tel"},
	fieldUser:         {"用户编号", "用户标识", "留言用户", "用户", "账号", "帐号", "user", "userid", "openid", "account"},
	fieldName:         {"姓名", "诉求人", "诉求人姓名", "来电人", "来电人姓名", "反映人", "投诉人", "联系人", "name", "caller", "callername"},
	fieldAnonymous:    {"是否匿名", "匿名", "anonymous"},
	fieldConfidential: {"是否保密", "保密", "confidential"},
	fieldType:         {"诉求类型", "工单类型", "业务类型", "诉求性质", "类型", "type", "requesttype"},
	fieldCategory:     {"诉求类别", "事项类别", "事项分类", "问题分类", "类别", "分类", "category", "categoryid", "categorycode"},
	fieldTitle:        {"标题", "诉求标题", "工单标题", "留言主题", "主题", "title", "subject"},
	fieldText:         {"诉求内容", "反映内容", "事项描述", "诉求描述", "问题描述", "工单内容", "投诉内容", "留言详情", "内容", "详情", "text", "content", "description", "body", "details"},
	fieldDistrict:     {"区县", "县区", "所属区县", "区县名称", "行政区划", "所属区域", "district", "county", "region"},
	fieldStreet:       {"街道", "乡镇", "镇街", "街镇", "街道乡镇", "乡镇街道", "所属街道", "township"},
	fieldAddress:      {"地址", "事发地", "事发地址", "事发地点", "诉求地址", "事件地址", "详细地址", "发生地点", "地点", "位置", "address", "location", "place"},
	fieldLng:          {"经度", "lng", "lon", "longitude"},
	fieldLat:          {"纬度", "lat", "latitude"},
	fieldCRS:          {"坐标系", "坐标类型", "crs", "datum"},
}

// columns say which columns of a table mean what.
type columns struct {
	names []string
	of    map[field][]int // in the order of preference
	rest  []int           // columns without a field of ours
}

// newColumns reads a header.
func newColumns(header []string) columns {
	c := columns{names: make([]string, len(header)), of: map[field][]int{}}
	plain, used := make([]string, len(header)), make([]bool, len(header))
	for i, name := range header {
		c.names[i], _ = text.Clean(strings.TrimSpace(strings.Trim(name, "\uFEFF")), 200)
		plain[i] = plainName(name)
	}
	for f, names := range synonyms {
		for _, name := range names {
			for i := range plain {
				if plain[i] == name {
					c.of[f] = append(c.of[f], i)
					used[i] = true
				}
			}
		}
	}
	for i := range header {
		if !used[i] && c.names[i] != "" {
			c.rest = append(c.rest, i)
		}
	}
	return c
}

// plainName strips a column's name of what exports add: remarks in brackets, marks of required
// columns, blanks and signs between English words.
func plainName(name string) string {
	folded := text.Fold(strings.Trim(name, "\uFEFF"))
	folded, _, _ = strings.Cut(folded, "(")
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-*:.\t\n", r) {
			return -1
		}
		return r
	}, folded)
}

// tells reports whether requests can be read under this header.
func (c columns) tells() bool { return len(c.of[fieldText])+len(c.of[fieldTitle]) > 0 && c.known() > 0 }

// known is how many columns have a field of ours.
func (c columns) known() int {
	n := 0
	for _, at := range c.of {
		n += len(at)
	}
	return n
}

// value is the first cell of a field that is not empty, and the name of its column; without one,
// the name of the field's first column.
func (c columns) value(row Row, f field) (value, column string) {
	for n, i := range c.of[f] {
		if n == 0 {
			column = c.names[i]
		}
		if v := strings.TrimSpace(row.Cells[i]); v != "" {
			return v, c.names[i]
		}
	}
	return "", column
}
