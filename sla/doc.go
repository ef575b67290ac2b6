// Package sla is the arithmetic of deadlines: calendars with holidays and make-up workdays,
// limits in five units, policies with ladders, and Evaluate, which derives every clock of a
// ticket from its events. It is pure: no store, no wall clock, no counters that could drift.
package sla

import "strconv"

func policyKey(id string, version int) string { return id + "@" + strconv.Itoa(version) }
