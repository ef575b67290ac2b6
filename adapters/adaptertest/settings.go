package adaptertest

import (
	"errors"
	"io"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/citizen-hotline/gateway/adapters"
)

// YAML is settings written as in a pack. Decode is strict: an unknown or repeated key is an error
// with its line. An empty text decodes into nothing.
func YAML(text string) adapters.Settings { return yamlSettings(text) }

type yamlSettings string

func (y yamlSettings) Decode(into any) error {
	err := yaml.NewDecoder(strings.NewReader(string(y)), yaml.Strict()).Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
