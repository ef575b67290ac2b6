package intake

import (
	"hash/maphash"
	"sync"
)

// locks serialises work by key on a fixed number of mutexes: two keys may share one, which costs
// a wait and never correctness.
type locks struct {
	once    sync.Once
	seed    maphash.Seed
	stripes [4096]sync.Mutex
}

// lock waits for the key and returns its release.
func (l *locks) lock(key string) (unlock func()) {
	l.once.Do(func() { l.seed = maphash.MakeSeed() })
	m := &l.stripes[maphash.String(l.seed, key)%uint64(len(l.stripes))]
	m.Lock()
	return m.Unlock
}
