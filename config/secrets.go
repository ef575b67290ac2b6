package config

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
)

// maxSecret is the largest secret in bytes: a private key in PEM is below it.
const maxSecret = 64 << 10

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Secrets finds what a [adapters.SecretRef] names. No error of it holds the secret.
type Secrets struct {
	Dir    string              // data folder: relative file references begin here and stay inside
	Getenv func(string) string // nil: no environment
	Demo   bool                // a reference that cannot be resolved gives DemoSecret
}

// Resolve returns the secret that ref names: env:NAME, or file:PATH without its last line break.
// It refuses an empty secret, a file that others than its owner may read, and a relative path
// that leaves Dir. In demo mode only a reference that is malformed is refused.
func (s Secrets) Resolve(ref adapters.SecretRef) (string, error) {
	kind, name, err := splitSecret(ref)
	if err != nil {
		return "", err
	}
	var secret string
	switch kind {
	case "env":
		secret, err = s.fromEnv(name)
	case "file":
		secret, err = s.fromFile(name)
	}
	switch {
	case err == nil:
		return secret, nil
	case s.Demo:
		return DemoSecret(ref), nil
	default:
		return "", fmt.Errorf("secret %s: %w", ref, err)
	}
}

// DemoSecret is the secret that a reference stands for in demo mode, so that both ends of the
// demonstration know it. It has 43 characters of base64, the form of a WeChat EncodingAESKey
// (https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Message_encryption_and_decryption.html).
func DemoSecret(ref adapters.SecretRef) string {
	sum := sha256.Sum256([]byte("hotline demo secret " + string(ref)))
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// splitSecret takes a reference apart. What it refuses it does not quote: people paste secrets.
func splitSecret(ref adapters.SecretRef) (kind, name string, err error) {
	kind, name, _ = strings.Cut(string(ref), ":")
	switch {
	case kind == "env" && envName.MatchString(name):
	case kind == "file" && name != "" && !strings.ContainsRune(name, 0):
	default:
		return "", "", errors.New("secret: a setting holds something other than env:NAME or file:PATH; put the secret in a file and name it")
	}
	return kind, name, nil
}

func (s Secrets) fromEnv(name string) (string, error) {
	if s.Getenv != nil {
		if v := s.Getenv(name); v != "" {
			return v, nil
		}
	}
	return "", fmt.Errorf("environment variable %s is not set; set it, or name a file", name)
}

func (s Secrets) fromFile(name string) (string, error) {
	f, err := s.open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("file does not exist; create it with mode 0600")
	case err != nil:
		return "", fmt.Errorf("file cannot be opened: %w; check its path and owner", cause(err))
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("file cannot be examined: %w", cause(err))
	case !info.Mode().IsRegular():
		return "", errors.New("is not a regular file; name the file itself")
	case info.Mode().Perm()&^0o600 != 0:
		return "", fmt.Errorf("file has mode %04o, so others may read it; run chmod 600 on it", info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("file cannot be read: %w", cause(err))
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch {
	case len(content) > maxSecret:
		return "", fmt.Errorf("file is larger than %d bytes; no secret is", maxSecret)
	case secret == "":
		return "", errors.New("file is empty; write the secret into it")
	}
	return secret, nil
}

// open follows an absolute path as it stands, and a relative one inside Dir only, links included.
func (s Secrets) open(name string) (*os.File, error) {
	if filepath.IsAbs(name) {
		return os.Open(name) //nolint:gosec // the operator names the file
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // it was only read
	return root.Open(name)
}
