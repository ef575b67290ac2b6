package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// filesMost is how many files one delivery may bring.
const filesMost = 9

// keepFiles returns what puts the file parts of a verified multipart delivery into the media store,
// synced, and gives the delivery back without their bytes: its other parts and the hashes are what is
// kept of it. A delivery without files comes back as it came, byte for byte, as it was signed.
//
// Nothing is stored of a form that is broken, has too many files or one that is too large. A sender who
// chooses its keys can correct it and is told: Invalid or TooLarge. A platform cannot: its delivery goes
// on as it came and is kept whole. Unavailable means that the disk failed.
func (s *Server) keepFiles(spec adapters.Spec) intake.KeepFiles {
	return func(ctx context.Context, in adapters.Inbound) (adapters.Inbound, error) {
		rest, files, err := s.checkForm(in, spec.MaxText)
		if err != nil && !spec.OwnsKeys {
			return in, nil
		}
		if err != nil || files == 0 {
			return in, err
		}
		media := make([]adapters.Upload, 0, files)
		err = eachPart(in, func(part *multipart.Part) error {
			if !isFile(part) {
				return nil
			}
			ref, err := s.Media.Put(part)
			if e, ok := errors.AsType[*ticket.Error](err); ok && e.Code == "media.empty" {
				return nil // what forms send for a field left empty
			}
			if err != nil {
				return err
			}
			ref.Name, ref.Role = fileName(part.FileName()), "photo"
			media = append(media, adapters.Upload{Field: part.FormName(), MediaRef: ref})
			if err := s.Store.PutMedia(ctx, ref, in.ReceivedAt); err != nil {
				return ticket.Errorf(ticket.Unavailable, "media.unavailable", "附件暂时无法保存，请稍后重试").Because(err)
			}
			return nil
		})
		if err != nil {
			return in, err
		}
		in.Media, in.Body = media, rest
		return in, nil
	}
}

// checkForm reads a multipart body to its end: rest is the body without its files. Errors: Invalid,
// TooLarge.
func (s *Server) checkForm(in adapters.Inbound, maxText int64) (rest []byte, files int, err error) {
	var b bytes.Buffer
	writer := multipart.NewWriter(&b)
	if err := writer.SetBoundary(boundary(in)); err != nil {
		return nil, 0, broken(err)
	}
	err = eachPart(in, func(part *multipart.Part) error {
		if !isFile(part) {
			to, err := writer.CreatePart(part.Header)
			if err == nil {
				_, err = io.Copy(to, part)
			}
			switch {
			case err != nil:
				return broken(err)
			case maxText > 0 && int64(b.Len()) > maxText:
				return ticket.Errorf(ticket.TooLarge, "http.too_large", "表单文字超过 %s 的上限", size(maxText))
			}
			return nil
		}
		n, err := io.Copy(io.Discard, part)
		switch {
		case err != nil:
			return broken(err)
		case n > s.Media.Max:
			return ticket.Errorf(ticket.TooLarge, "media.too_large", "附件超过 %s 上限", size(s.Media.Max))
		case n > 0:
			files++
		}
		if files > filesMost {
			return ticket.Errorf(ticket.Invalid, "media.too_many", "一次最多 %d 个附件", filesMost)
		}
		return nil
	})
	if err == nil {
		err = writer.Close()
	}
	return b.Bytes(), files, err
}

// boundary separates the parts of a multipart body; empty when it is not told.
func boundary(in adapters.Inbound) string {
	_, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return params["boundary"]
}

// eachPart hands over the parts of a multipart body. Errors: those of do; Invalid when it breaks off.
func eachPart(in adapters.Inbound, do func(*multipart.Part) error) error {
	for reader := multipart.NewReader(bytes.NewReader(in.Body), boundary(in)); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if err := do(part); err != nil {
			return err
		}
	}
}

// isFile tells what is attached from the message itself, when both are sent as files: browsers name every
// Blob, and cameras send the event beside its picture.
func isFile(p *multipart.Part) bool {
	if p.FileName() == "" {
		return false
	}
	mediaType := wire.MediaType(http.Header(p.Header))
	for _, format := range [...]string{"json", "xml", "csv"} {
		if strings.HasSuffix(mediaType, "/"+format) || strings.EqualFold(path.Ext(p.FileName()), "."+format) {
			return false
		}
	}
	return true
}

// fileName bounds the sender's name of a file, which is for people only.
func fileName(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 100)])
}

func broken(err error) error {
	return ticket.Errorf(ticket.Invalid, "media.form", "multipart/form-data 不完整，请重新提交").Because(err)
}
