package config

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
)

func TestSecretsResolve(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := t.TempDir()
	write := func(path, content string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // past the umask
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "wechat"), "s3cret value\n", 0o600)
	write(filepath.Join(dir, "crlf"), "s3cret\r\n", 0o400)
	write(filepath.Join(dir, "wide"), "s3cret", 0o644)
	write(filepath.Join(dir, "empty"), "\n", 0o600)
	write(filepath.Join(dir, "large"), strings.Repeat("x", maxSecret+1), 0o600)
	write(filepath.Join(outside, "far"), "s3cret far", 0o600)
	if err := os.Symlink(filepath.Join(outside, "far"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"FORM_SECRET": "s3cret env", "EMPTY": ""}
	secrets := Secrets{Dir: dir, Getenv: func(name string) string { return env[name] }}

	for _, tc := range []struct {
		name string
		ref  adapters.SecretRef
		want string
		err  string // part of the error
	}{
		{"environment", "env:FORM_SECRET", "s3cret env", ""},
		{"environment unset", "env:OTHER", "", "OTHER is not set"},
		{"environment empty", "env:EMPTY", "", "EMPTY is not set"},
		{"file without its line break", "file:wechat", "s3cret value", ""},
		{"file of another system", "file:crlf", "s3cret", ""},
		{"absolute file", adapters.SecretRef("file:" + filepath.Join(outside, "far")), "s3cret far", ""},
		{"others may read it", "file:wide", "", "chmod 600"},
		{"empty file", "file:empty", "", "is empty"},
		{"too large", "file:large", "", "larger than"},
		{"missing", "file:none", "", "does not exist; create it"},
		{"folder", "file:.", "", "regular file"},
		{"climbs out", "file:../far", "", "cannot be opened"},
		{"link leads out", "file:link", "", "cannot be opened"},
		{"pasted secret", "s3cret pasted", "", "env:NAME or file:PATH"},
		{"bad variable", "env:s3cret-pasted", "", "env:NAME or file:PATH"},
		{"no path", "file:", "", "env:NAME or file:PATH"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := secrets.Resolve(tc.ref)
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			switch {
			case (err != nil) != (tc.err != ""):
				t.Fatalf("error %v, want one with %q", err, tc.err)
			case err != nil && !strings.Contains(err.Error(), tc.err):
				t.Errorf("error %q does not say %q", err, tc.err)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("error %q tells the secret", err)
			}
		})
	}
}

func TestSecretsInDemo(t *testing.T) {
	t.Parallel()
	demo := Secrets{Dir: t.TempDir(), Getenv: func(name string) string { return map[string]string{"SET": "own"}[name] }, Demo: true}

	if got, err := demo.Resolve("env:SET"); err != nil || got != "own" {
		t.Errorf("a secret that is set: got %q, %v", got, err)
	}
	got, err := demo.Resolve("env:UNSET")
	if err != nil || got != DemoSecret("env:UNSET") {
		t.Errorf("a secret that is not set: got %q, %v", got, err)
	}
	if got == DemoSecret("env:OTHER") {
		t.Error("two references share one demo secret")
	}
	key, err := base64.StdEncoding.DecodeString(got + "=")
	if len(got) != 43 || err != nil || len(key) != 32 {
		t.Errorf("%q is no EncodingAESKey: %d bytes, %v", got, len(key), err)
	}
	if _, err := demo.Resolve("pasted"); err == nil {
		t.Error("a malformed reference is taken in demo mode")
	}
}
