// Package routing decides which unit owns a request, and can say why. It is pure: a City goes
// in, Compile makes a Ruleset of it, and Decide is the one function that live intake, dry runs,
// tests, replay and the console share, so that no second path could tell another story.
//
// It is not a loader (config reads packs), not a clock (facts carry their time) and not a store.
//
// The way of a decision:
//
//  1. Locate and Classify turn place and text into a region and a category, with how sure they are;
//  2. Decide goes through the stages emergency, statutory, rules, catalogue, default and triage. Of
//     each stage's rules the first that holds wins, and fills only what earlier stages left open;
//  3. Result.Decision is what is stored with the ticket; Explain recomputes it with every reason.
//
// Decide is fast because most rules are never tried: each is filed under the category, word, region
// … that excludes most, and the text is read once, by an automaton over all words, and only when a
// rule that is left asks for it.
package routing
