package routing

import "slices"

// none stands for "no node", "no rule", "no word" wherever an index is kept.
const none = int32(-1)

// tree is a forest over string ids with O(1) ancestor tests: node x lies under y exactly when
// first[y] <= first[x] < last[y], both counted in preorder.
type tree struct {
	index    map[string]int32
	ids      []string
	parent   []int32
	children [][]int32
	depth    []int32
	first    []int32
	last     []int32
	order    []int32 // nodes in preorder: parents before children
}

// newTree builds the forest. It never fails: a parent that is unknown makes a root, a duplicate id
// keeps its node but not its name, and the nodes of a cycle are returned and made roots.
func newTree(ids, parents []string) (t tree, cyclic []int32) {
	n := len(ids)
	t = tree{
		index: make(map[string]int32, n), ids: ids, parent: make([]int32, n), children: make([][]int32, n),
		depth: make([]int32, n), first: make([]int32, n), last: make([]int32, n), order: make([]int32, 0, n),
	}
	for i, id := range ids {
		if _, taken := t.index[id]; !taken {
			t.index[id] = int32(i)
		}
	}
	for i, p := range parents {
		t.parent[i] = none
		if at, ok := t.index[p]; ok && p != "" {
			t.parent[i] = at
		}
	}
	cyclic = t.cutCycles()
	var roots []int32
	for i, p := range t.parent {
		if p == none {
			roots = append(roots, int32(i))
		} else {
			t.children[p] = append(t.children[p], int32(i))
		}
	}
	t.number(roots)
	return t, cyclic
}

// cutCycles makes a root of every node that lies on a cycle and returns these nodes.
func (t *tree) cutCycles() []int32 {
	const white, grey, black = 0, 1, 2
	colour := make([]uint8, len(t.parent))
	var cyclic []int32
	for i := range t.parent {
		var trail []int32
		at := int32(i)
		for at != none && colour[at] == white {
			colour[at] = grey
			trail = append(trail, at)
			at = t.parent[at]
		}
		if at != none && colour[at] == grey {
			begin := len(cyclic)
			for x := at; ; {
				cyclic = append(cyclic, x)
				if x = t.parent[x]; x == at {
					break
				}
			}
			for _, x := range cyclic[begin:] {
				t.parent[x] = none
			}
		}
		for _, x := range trail {
			colour[x] = black
		}
	}
	return cyclic
}

// number gives every node its preorder interval. It keeps its own stack: depth is the pack's choice.
func (t *tree) number(roots []int32) {
	stack := make([]int32, 0, len(roots))
	push := func(nodes []int32) {
		for _, node := range slices.Backward(nodes) {
			stack = append(stack, node)
		}
	}
	push(roots)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p := t.parent[at]; p != none {
			t.depth[at] = t.depth[p] + 1
		}
		t.first[at] = int32(len(t.order))
		t.order = append(t.order, at)
		push(t.children[at])
	}
	for _, at := range slices.Backward(t.order) { // children come before their parents in this direction

		t.last[at] = max(t.last[at], t.first[at]+1)
		if p := t.parent[at]; p != none {
			t.last[p] = max(t.last[p], t.last[at])
		}
	}
}

// find gives the node of an id, none when it is unknown or empty.
func (t *tree) find(id string) int32 {
	if id == "" {
		return none
	}
	if at, ok := t.index[id]; ok {
		return at
	}
	return none
}

// under reports whether x is y or lies below it.
func (t *tree) under(x, y int32) bool {
	return x != none && y != none && t.first[y] <= t.first[x] && t.first[x] < t.last[y]
}

// within is under for ids; unknown ids lie nowhere.
func (t *tree) within(id, ancestor string) bool { return t.under(t.find(id), t.find(ancestor)) }

// path lists the ids from the root down to id, nil when id is unknown.
func (t *tree) path(id string) []string {
	at := t.find(id)
	if at == none {
		return nil
	}
	path := make([]string, t.depth[at]+1)
	for i := len(path) - 1; i >= 0; i-- {
		path[i] = t.ids[at]
		at = t.parent[at]
	}
	return path
}

// common is the deepest node that all given nodes lie under, none when there is none.
func (t *tree) common(nodes []int32) int32 {
	if len(nodes) == 0 {
		return none
	}
	at := nodes[0]
	for _, x := range nodes[1:] {
		for at != none && !t.under(x, at) {
			at = t.parent[at]
		}
	}
	return at
}

// span is the preorder interval of a subtree.
type span struct{ first, last int32 }

func (t *tree) span(at int32) span { return span{t.first[at], t.last[at]} }

// inAny reports whether the node lies in one of the subtrees.
func (t *tree) inAny(at int32, spans []span) bool {
	if at == none {
		return false
	}
	p := t.first[at]
	for _, s := range spans {
		if s.first <= p && p < s.last {
			return true
		}
	}
	return false
}
