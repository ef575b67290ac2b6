package signature

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrWXBiz is the one error for every body that cannot be opened: bad key, bad padding, bad length or
// another receiver look alike from outside, so that nobody can probe the cipher. The same goes for
// Feishu bodies.
var ErrWXBiz = errors.New("signature: encrypted body cannot be opened")

// The layout shared by WeChat official accounts and mini-programs, WeCom and DingTalk callbacks
// (channels.md §1): AES-256-CBC over
//
//	16 random bytes ‖ length of the message, uint32 big-endian ‖ message ‖ receiver's id
//
// padded by PKCS#7 to 32 bytes, although the cipher's block is 16.
const (
	wxRandom = 16
	wxHead   = wxRandom + 4
	wxBlock  = 32
)

// WXSignature is msg_signature: SHA-1 over the sorted parts, in hex. encrypt is the base64 text of
// the Encrypt field, or echostr in WeCom's handshake. Check it, by hmac.Equal, before opening.
func WXSignature(token, timestamp, nonce, encrypt string) string {
	return SortedSHA1(token, timestamp, nonce, encrypt)
}

// CheckWXKey reports whether key43 is an EncodingAESKey, for the check of settings.
func CheckWXKey(key43 string) error {
	if _, err := wxKey(key43); err != nil {
		return fmt.Errorf("signature: the EncodingAESKey must be 43 letters and digits, this one has %d characters; copy it from the platform's console", len(key43))
	}
	return nil
}

func wxKey(key43 string) ([]byte, error) {
	// Not Strict: the 43rd character carries two bits that are no part of the key and not always zero.
	key, err := base64.StdEncoding.DecodeString(key43 + "=")
	if err != nil || len(key) != 32 {
		return nil, ErrWXBiz
	}
	return key, nil
}

// OpenWXBiz decrypts the base64 text of an Encrypt field and returns the message inside. wantID is
// who must be the receiver (AppID, CorpID, SuiteID or DingTalk's owner key): a body sealed for
// somebody else under the same key is refused. Every failure is ErrWXBiz.
func OpenWXBiz(key43, encrypt, wantID string) ([]byte, error) {
	key, err := wxKey(key43)
	if err != nil {
		return nil, ErrWXBiz
	}
	sealed, err := base64.StdEncoding.DecodeString(encrypt)
	if err != nil {
		return nil, ErrWXBiz
	}
	plain, err := openCBC(key, key[:aes.BlockSize], sealed)
	if err != nil {
		return nil, ErrWXBiz
	}
	plain, err = unpad(plain, wxBlock)
	if err != nil || len(plain) < wxHead {
		return nil, ErrWXBiz
	}
	rest := plain[wxHead:]
	size := uint64(binary.BigEndian.Uint32(plain[wxRandom:wxHead]))
	if size > uint64(len(rest)) {
		return nil, ErrWXBiz
	}
	if subtle.ConstantTimeCompare(rest[size:], []byte(wantID)) != 1 {
		return nil, ErrWXBiz
	}
	return rest[:size:size], nil
}

// SealWXBiz is the inverse of OpenWXBiz: the base64 text of an Encrypt field. random must be fresh
// from crypto/rand for every message; it is a parameter so that sealing can be tested. The only error
// is a malformed key.
func SealWXBiz(key43 string, random [16]byte, message []byte, id string) (string, error) {
	key, err := wxKey(key43)
	if err != nil {
		return "", CheckWXKey(key43)
	}
	head := binary.BigEndian.AppendUint32(random[:], uint32(len(message))) // replies are a few kilobytes
	plain := slices.Concat(head, message, []byte(id))
	pad := wxBlock - len(plain)%wxBlock
	plain = append(plain, slices.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", fmt.Errorf("signature: seal: %w", err)
	}
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}

// OpenFeishu decrypts the encrypt field of a Feishu event: key SHA-256 of the Encrypt Key, the first
// block is the initialisation vector, PKCS#7 to 16 bytes. Every failure is ErrWXBiz.
func OpenFeishu(encryptKey, encrypt string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(encrypt)
	if err != nil || len(sealed) < 2*aes.BlockSize {
		return nil, ErrWXBiz
	}
	key := sha256.Sum256([]byte(encryptKey))
	plain, err := openCBC(key[:], sealed[:aes.BlockSize], sealed[aes.BlockSize:])
	if err != nil {
		return nil, ErrWXBiz
	}
	return unpad(plain, aes.BlockSize)
}

func openCBC(key, iv, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, ErrWXBiz
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrWXBiz
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
	return plain, nil
}

// unpad takes off PKCS#7 padding of 1 to block bytes; all of them must hold the length.
func unpad(plain []byte, block int) ([]byte, error) {
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > block || pad > len(plain) {
		return nil, ErrWXBiz
	}
	body := plain[:len(plain)-pad]
	for _, b := range plain[len(body):] {
		if int(b) != pad {
			return nil, ErrWXBiz
		}
	}
	return body, nil
}
