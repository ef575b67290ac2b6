// Package sla is the arithmetic of deadlines: calendars with holidays and make-up workdays,
// limits in five units, policies with ladders, and Evaluate, which derives every clock of a
// ticket from its events. It is pure: no store, no wall clock, no counters that could drift.
//
// The parts, from the bottom:
//
//   - [Calendar] knows which time is working time ([NewCalendar], [ParseNotice]);
//   - [Limit] is an amount of time; [Calendar.Due] says when it ends, [Explain] and [ExplainDue] why;
//   - [Policy] gives each clock a limit and a ladder; [PolicySet] finds the policy a ticket is pinned to;
//   - [Evaluate] follows a ticket's events and returns its clocks with the ladder steps that have
//     fallen due; [NextLook] says when to look again.
//
// It is not the loop that fires steps (sla/tracker) and not the desk that approves pauses and
// extensions: it takes what the events record as approved, and bounds it by the policy's budget.
//
// Zones are loaded by name; a program that runs without the system's zone files embeds time/tzdata.
package sla
