// Package geo is the gateway's work on coordinates: the three datums Chinese platforms use, a guard
// against impossible and swapped pairs, distances, and an index of polygons that finds the regions
// of a point.
//
// It is pure: no I/O, no clock, no map service. It knows nothing of regions' meaning or of tickets.
// It imports the standard library, paulmach/orb (geometry types) and tidwall/rtree.
package geo
