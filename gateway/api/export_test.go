package api

// RouteNames lists the table's routes as the description writes them: method, path with {parameters}.
func RouteNames() [][2]string {
	var names [][2]string
	for _, r := range (&API{}).routes() {
		names = append(names, [2]string{r.method, braces(r.path)})
	}
	return names
}

// braces turns :name into {name}.
func braces(path string) string {
	out, open := []byte{}, false
	for i := range len(path) {
		switch c := path[i]; {
		case c == ':':
			open = true
			out = append(out, '{')
		case c == '/' && open:
			open = false
			out = append(out, '}', '/')
		default:
			out = append(out, c)
		}
	}
	if open {
		out = append(out, '}')
	}
	return string(out)
}
