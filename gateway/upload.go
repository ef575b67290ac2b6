package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// filesMost is how many files one delivery may bring.
const filesMost = 9

// keepFiles puts the file parts of a verified multipart delivery into the media store, synced, and
// gives the delivery back without their bytes: its text parts and the hashes are what is kept of it.
// Errors: Invalid for a broken form or too many files, TooLarge for one file, Unavailable when the disk
// fails.
func (s *Server) keepFiles(ctx context.Context, in adapters.Inbound) (adapters.Inbound, error) {
	_, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return in, broken(err)
	}
	var rest bytes.Buffer
	writer := multipart.NewWriter(&rest)
	if err := writer.SetBoundary(params["boundary"]); err != nil {
		return in, broken(err)
	}
	reader := multipart.NewReader(bytes.NewReader(in.Body), params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return in, broken(err)
		}
		if part.FileName() == "" {
			if err := copyPart(writer, part); err != nil {
				return in, err
			}
			continue
		}
		if len(in.Media) == filesMost {
			return in, ticket.Errorf(ticket.Invalid, "media.too_many", "一次最多 %d 个附件", filesMost)
		}
		up, err := s.keepFile(ctx, part, in)
		if err != nil {
			return in, err
		}
		if up.SHA256 != "" {
			in.Media = append(in.Media, up)
		}
	}
	if err := writer.Close(); err != nil {
		return in, err
	}
	in.Body = rest.Bytes()
	return in, nil
}

// keepFile stores one file. A part with a name and no content, as forms send for a field left
// empty, is no file.
func (s *Server) keepFile(ctx context.Context, part *multipart.Part, in adapters.Inbound) (adapters.Upload, error) {
	source := &watched{r: part}
	ref, err := s.Media.Put(source)
	if source.failed != nil {
		return adapters.Upload{}, broken(source.failed)
	}
	var e *ticket.Error
	if errors.As(err, &e) && e.Code == "media.empty" {
		return adapters.Upload{}, nil
	}
	if err != nil {
		return adapters.Upload{}, err
	}
	ref.Name, ref.Role = fileName(part.FileName()), "photo"
	return adapters.Upload{Field: part.FormName(), MediaRef: ref}, s.Store.PutMedia(ctx, ref, in.ReceivedAt)
}

// watched tells a form that breaks off from a disk that fails.
type watched struct {
	r      io.Reader
	failed error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.failed = err
	}
	return n, err
}

func copyPart(w *multipart.Writer, part *multipart.Part) error {
	to, err := w.CreatePart(textproto.MIMEHeader(part.Header))
	if err != nil {
		return err
	}
	if _, err = io.Copy(to, part); err != nil {
		return broken(err)
	}
	return nil
}

// fileName bounds the sender's name of a file, which is for people only.
func fileName(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 100)])
}

func broken(err error) error {
	return ticket.Errorf(ticket.Invalid, "media.form", "multipart/form-data 不完整，请重新提交").Because(err)
}
