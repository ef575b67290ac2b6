package desk

import (
	"math"
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// Party is a person as a viewer may see it.
type Party struct {
	Name      string `json:"name,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Contact   string `json:"contact,omitempty"`
	IDNumber  string `json:"id_number,omitempty"`
	Company   string `json:"company,omitempty"`
	Anonymous bool   `json:"anonymous,omitempty"`
}

// Place is where a matter happened as a viewer may see it. Coordinates are in the datum named.
type Place struct {
	Address  string       `json:"address,omitempty"`
	Lng      float64      `json:"lng,omitempty"`
	Lat      float64      `json:"lat,omitempty"`
	Datum    ticket.Datum `json:"datum,omitempty"`
	Accuracy float64      `json:"accuracy,omitempty"` // metres
	Grid     string       `json:"grid,omitempty"`
}

// Media is an attachment. Content is at /api/v1/media/{sha256}?ticket={number} once it is here.
type Media struct {
	SHA256 string `json:"sha256,omitempty"`
	MIME   string `json:"mime,omitempty"`
	Size   int64  `json:"size,omitempty"` // bytes
	Name   string `json:"name,omitempty"`
	Role   string `json:"role,omitempty"`
}

// String is the sight as the API names it.
func (s Sight) String() string {
	return [...]string{"none", "masked", "full"}[s]
}

// words shows free text about a ticket. In less than full sight numbers of persons in it are masked, and
// so are the names and contacts of those who brought the matter, wherever somebody wrote them down.
// The other party's name stays: it is what the matter is about.
func (s Sight) words(p *ticket.Private, t string) string {
	if s == SightFull || t == "" {
		return t
	}
	name, contact := text.MaskName, maskContact
	if s == SightNone {
		name = func(string) string { return "**" }
		contact = name
	}
	t = text.ReplaceNames(t, contact, p.Appellant.Contact, p.FiledBy.Contact)
	return text.MaskPersonal(text.ReplaceNames(t, name, p.Appellant.Name, p.FiledBy.Name))
}

// party shows a person: nothing at all, masked, or in full.
func (s Sight) party(p ticket.Party) *Party {
	if p.IsZero() || s == SightNone {
		return nil
	}
	if s == SightFull {
		return &Party{Name: p.Name, Phone: p.Phone, Contact: p.Contact, IDNumber: p.IDNumber, Company: p.Company, Anonymous: p.Anonymous}
	}
	return &Party{
		Name: text.MaskName(p.Name), Phone: text.MaskPhone(p.Phone), Contact: maskContact(p.Contact), IDNumber: text.MaskIDNumber(p.IDNumber),
		Company: p.Company, Anonymous: p.Anonymous,
	}
}

// maskContact masks a second way to reach somebody: a number, or the name part of an address.
func maskContact(s string) string {
	if name, host, isMail := strings.Cut(s, "@"); isMail {
		return text.MaskName(name) + "@" + host
	}
	return text.MaskPhone(s)
}

// place shows where it happened: nothing beyond the region, the street and about 100 m, or exactly.
func (s Sight) place(p ticket.Place) *Place {
	switch {
	case p == ticket.Place{} || s == SightNone:
		return nil
	case s == SightFull:
		return &Place{Address: p.Address, Lng: p.Lng, Lat: p.Lat, Datum: p.Datum, Accuracy: p.Accuracy, Grid: p.Grid}
	}
	return &Place{Address: text.MaskAddress(p.Address), Lng: coarse(p.Lng), Lat: coarse(p.Lat), Datum: p.Datum, Grid: p.Grid}
}

// media lists attachments. A recording is a voice, and a voice is an identity; what proves a reason (a report, a
// certificate) names persons more often than not.
func (s Sight) media(p *ticket.Private) []Media {
	var list []Media
	for _, m := range p.Media {
		if s.showsMedia(m) {
			list = append(list, Media{SHA256: m.SHA256, MIME: m.MIME, Size: m.Size, Name: s.words(p, m.Name), Role: m.Role})
		}
	}
	return list
}

func (s Sight) showsMedia(m ticket.MediaRef) bool {
	return s > SightNone || m.Role != "recording" && m.Role != "voice" && m.Role != Evidence && !strings.HasPrefix(m.MIME, "audio/")
}

// coarse rounds degrees to three places, about 100 m.
func coarse(degrees float64) float64 { return math.Round(degrees*1000) / 1000 }
