package routing

import (
	"testing"
	"unicode/utf8"
)

// Two characters in one slot would let a keyword be passed over.
func TestEveryCharacterOfThreeBytesHasASlotOfItsOwn(t *testing.T) {
	t.Parallel()
	taken := make(map[uint16]rune)
	for r := rune(0x800); r < 1<<16; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		b := []byte(string(r))
		bits := uint32(b[0])&0x0F | uint32(b[1])&0x3F<<8 | uint32(b[2])&0x3F<<16
		at := slot(bits)
		if other, ok := taken[at]; ok {
			t.Fatalf("U+%04X has the slot of U+%04X", r, other)
		}
		taken[at] = r
		if slotOf(r) != at || slot(bits|0xE7<<24) != at {
			t.Fatalf("U+%04X: slotOf gives %d, its bytes %d, with a byte after them %d", r, slotOf(r), at, slot(bits|0xE7<<24))
		}
	}
}
