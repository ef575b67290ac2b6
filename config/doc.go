// Package config reads a city pack: the files in which a city says which units, categories,
// regions, rules, deadlines, calendars and channels it has.
//
// It is strict. Unknown keys, wrong types, repeated ids, references to nothing, files that do not
// belong and gaps are problems, and all of them are reported at once, each with its file and line
// ([Problems]). A pack that has a problem is not loaded at all.
//
// It is not the home of the process's own settings (flags and environment live in internal/app),
// save for one thing both need: where secrets come from ([Secrets]). It knows no adapter: a
// channel's settings stay a node of the file until the adapter decodes them.
package config
