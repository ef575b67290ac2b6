// Package text is the gateway's work on Chinese text: decoding what channels send, cleaning it for
// storage, folding it so that keywords and addresses compare, bigrams for search and likeness,
// telephone numbers, and the masks for personal data.
//
// It is pure: no I/O, no clock, no state. It knows nothing of tickets, rules or channels, and
// imports only the standard library and golang.org/x/text.
package text
