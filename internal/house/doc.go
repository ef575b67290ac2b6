// Package house holds no code: its tests keep the rules of the house that no compiler knows,
// such as which room may import which, which third party lives where, and that links in the
// documents lead somewhere.
package house
