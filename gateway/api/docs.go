package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/gofiber/fiber/v2"
)

// Spec is the description of the interface (OpenAPI 3.0.3).
//
//go:embed openapi.yaml
var Spec []byte

//go:embed docs.html
var docsHTML string

// described is the part of the description that the readable page shows.
type described struct {
	Info struct {
		Title, Version, Description string
	}
	Paths yaml.MapSlice
}

// operation is one row of the readable page.
type operation struct {
	Method, Path, Summary, Description string
	Who                                string
	Parameters                         []parameter
	Body                               string
	Responses                          []response
}

type parameter struct {
	Name, In, Description string
	Required              bool
}

type response struct{ Status, Description string }

// docsPage renders the description as one plain page without scripts.
func docsPage(spec []byte) ([]byte, error) {
	var d described
	if err := yaml.Unmarshal(spec, &d); err != nil {
		return nil, fmt.Errorf("api: openapi.yaml: %w", err)
	}
	var list []operation
	for _, path := range d.Paths {
		item, ok := path.Value.(map[string]any)
		if !ok {
			continue
		}
		for _, method := range []string{"get", "post"} {
			if op, ok := item[method].(map[string]any); ok {
				list = append(list, operationOf(strings.ToUpper(method), fmt.Sprint(path.Key), op))
			}
		}
	}
	t, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("api: docs.html: %w", err)
	}
	var page bytes.Buffer
	err = t.Execute(&page, map[string]any{"Info": d.Info, "Prefix": Prefix, "Operations": list})
	return page.Bytes(), err
}

func operationOf(method, path string, op map[string]any) operation {
	o := operation{Method: method, Path: path, Summary: text(op["summary"]), Description: text(op["description"]), Who: text(op["x-right"])}
	params, _ := op["parameters"].([]any)
	for _, p := range params {
		m, _ := p.(map[string]any)
		if ref := text(m["$ref"]); ref != "" {
			o.Parameters = append(o.Parameters, parameter{Name: ref[strings.LastIndex(ref, "/")+1:]})
			continue
		}
		required, _ := m["required"].(bool)
		o.Parameters = append(o.Parameters, parameter{Name: text(m["name"]), In: text(m["in"]), Description: text(m["description"]), Required: required})
	}
	if body, ok := op["requestBody"].(map[string]any); ok {
		o.Body = schemaName(body)
	}
	responses, _ := op["responses"].(map[string]any)
	for _, status := range []string{"200", "201", "204", "default"} {
		if r, ok := responses[status].(map[string]any); ok {
			o.Responses = append(o.Responses, response{status, strings.TrimSpace(text(r["description"]) + " " + schemaName(r))})
		}
	}
	return o
}

// schemaName is the name of the JSON schema of a body or response, if it has one.
func schemaName(m map[string]any) string {
	content, _ := m["content"].(map[string]any)
	body, _ := content["application/json"].(map[string]any)
	schema, _ := body["schema"].(map[string]any)
	ref := text(schema["$ref"])
	return ref[strings.LastIndex(ref, "/")+1:]
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func (a *API) getSpec(k *call) error {
	k.Set(fiber.HeaderContentType, "application/yaml; charset=utf-8")
	return k.Send(Spec)
}

func (a *API) getDocs(k *call) error {
	k.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return k.Send(a.docs)
}
