package api

import "github.com/citizen-hotline/gateway/internal/account"

// StreamStands reports whether a stream that a token opened goes on at its next look.
func StreamStands(accounts *account.Accounts, token string) bool {
	s := stream{api: &API{Options: Options{Accounts: accounts}}, token: token}
	return s.allowed()
}

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
