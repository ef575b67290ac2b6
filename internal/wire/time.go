package wire

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrTime says that a text is no time in any form known here.
var ErrTime = errors.New("wire: not a time; write it as 2026-01-02T15:04:05+08:00")

// zoned name their zone; local ones are read in the city's.
var (
	zoned = [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", time.RFC1123Z, "Mon Jan 02 15:04:05 -0700 2006"}
	local = [...]string{
		"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-1-2 15:4:5", "2006-1-2 15:4", "2006-1-2",
		"2006/1/2 15:4:5", "2006/1/2 15:4", "2006/1/2", "20060102150405", "20060102",
		"2006年1月2日15时4分5秒", "2006年1月2日15时4分", "2006年1月2日15:4:5", "2006年1月2日15:4", "2006年1月2日",
	}
)

// Time reads a time as channels write it: RFC 3339 and its relatives, Chinese and slashed dates, and
// Unix seconds, milliseconds or microseconds (10, 13 or 16 digits). A time without a zone is taken
// in zone, UTC when that is nil. The result is in UTC. Errors: ErrTime; whether the time makes sense
// is for [Plausible].
func Time(s string, zone *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return time.Time{}, ErrTime
	}
	if zone == nil {
		zone = time.UTC
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		switch len(s) {
		case 10:
			return time.Unix(n, 0).UTC(), nil
		case 13:
			return time.UnixMilli(n).UTC(), nil
		case 16:
			return time.UnixMicro(n).UTC(), nil
		}
	}
	for _, layout := range zoned {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "日 ", "日"), "：", ":")
	for _, layout := range local {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, ErrTime
}

// earliest is the first time a source may claim: hotlines in their present form are younger, and
// clocks that were never set say 1970.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Plausible reports whether a source can mean at: from the year 2000 to a day after it was received,
// which forgives clocks that run fast and zones that were mistaken.
func Plausible(at, receivedAt time.Time) bool {
	return !at.Before(earliest) && !at.After(receivedAt.Add(24*time.Hour))
}
