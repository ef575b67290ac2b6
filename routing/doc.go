// Package routing decides which unit owns a request, and can say why. It is pure: a City goes
// in, Compile makes a Ruleset of it, and Decide is the one function that live intake, dry runs,
// tests, replay and the console share, so that no second path could tell another story.
package routing
