package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2id with 19 MiB, two passes, one lane: the first choice of the OWASP Password Storage
// Cheat Sheet for servers that hash several passwords at once.
const (
	memoryKiB  = 19 * 1024
	passes     = 2
	lanes      = 1
	saltLength = 16
	keyLength  = 32
)

var params = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, memoryKiB, passes, lanes)

// hash makes the PHC string of a password that is strong enough.
func (a *Accounts) hash(ctx context.Context, login, password string) (string, error) {
	if err := strong(login, password); err != nil {
		return "", err
	}
	salt := make([]byte, saltLength)
	if _, err := io.ReadFull(a.Random, salt); err != nil {
		return "", fmt.Errorf("account: salt: %w", err)
	}
	key, err := a.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return encodeHash(salt, key), nil
}

// check compares a password with a PHC string in constant time.
func (a *Accounts) check(ctx context.Context, phc, password string) bool {
	rest, ours := strings.CutPrefix(phc, params)
	saltText, keyText, whole := strings.Cut(rest, "$")
	salt, err1 := base64.RawStdEncoding.DecodeString(saltText)
	want, err2 := base64.RawStdEncoding.DecodeString(keyText)
	if !ours || !whole || err1 != nil || err2 != nil || len(password) > 256 {
		return false
	}
	got, err := a.derive(ctx, password, salt)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

// derive waits for its turn: hashing is the one costly thing a stranger can ask for.
func (a *Accounts) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case a.hashing <- struct{}{}:
		defer func() { <-a.hashing }()
		return argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, keyLength), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func encodeHash(salt, key []byte) string {
	return params + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}
