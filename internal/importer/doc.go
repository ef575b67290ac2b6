// Package importer reads the tickets of an old hotline from a CSV or XLSX file and hands them, row by
// row, to the door that live reports come through: each row becomes a report of the form channel.
//
// It finds out charset, delimiter, header row and columns by itself. A row that cannot be taken is
// written to a file of its own with line, column and reason, and never stops the rest. Nothing is
// remembered beside the gateway: a row's key is the old number, or a digest of the row, so that a
// second run over the same file skips what is there.
//
// It is not a channel and knows no store. What lies behind a [Door] is for its caller: the data folder
// under its lock, or a gateway on the network.
package importer
