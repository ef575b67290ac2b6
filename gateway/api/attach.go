package api

import (
	"bytes"
	"net/http"

	"github.com/citizen-hotline/gateway/ticket"
)

// MediaPath is where attachments of commands are handed over, and AttachmentMost how large one may be, in bytes.
const (
	MediaPath      = Prefix + "/media"
	AttachmentMost = 10 << 20
)

// attachment names a file that was handed over before, as a command attaches it.
type attachment struct {
	SHA256 string `json:"sha256" validate:"required,len=64,hexadecimal,lowercase"`
	Name   string `json:"name" validate:"max=200"`
	Role   string `json:"role" validate:"omitempty,oneof=evidence photo document"`
}

// postMedia keeps a file that a command will attach. What no ticket takes up ends when attachments of its age do.
func (a *API) postMedia(k *call) error {
	if len(k.Request().Body()) > AttachmentMost {
		return ticket.Errorf(ticket.TooLarge, "media.too_large", "附件超过 %d MB 上限", AttachmentMost>>20)
	}
	ref, err := a.Media.Put(bytes.NewReader(k.Request().Body()))
	if err != nil {
		return err
	}
	if err := a.Media.Hand(ref.SHA256, k.viewer.Login); err != nil {
		return err
	}
	return k.Status(http.StatusCreated).JSON(map[string]any{"sha256": ref.SHA256, "mime": ref.MIME, "size": ref.Size})
}

// attachments finds what a command attaches: what its caller handed over, or what the ticket it is about shows the caller. To
// know a hash is not enough: the file may be of a matter that is none of the caller's.
func (a *API) attachments(k *call, list []attachment) ([]ticket.MediaRef, error) {
	var refs []ticket.MediaRef
	for _, m := range list {
		ref, err := a.attachable(k, m.SHA256)
		if ticket.IsKind(err, ticket.NotFound) {
			return nil, fieldError("body.invalid", "media", "您没有上传过这个附件，请先上传（POST /api/v1/media）")
		}
		if err != nil {
			return nil, err
		}
		ref.Name, ref.Role = clean(m.Name), m.Role
		refs = append(refs, ref)
	}
	return refs, nil
}

func (a *API) attachable(k *call, hash string) (ticket.MediaRef, error) {
	own, err := a.Media.Handed(hash, k.viewer.Login)
	if err != nil {
		return ticket.MediaRef{}, err
	}
	if !own {
		if _, err := a.Desk.Attachment(k.UserContext(), k.viewer, number(k), hash); err != nil {
			return ticket.MediaRef{}, err
		}
	}
	return a.Media.Ref(hash)
}
