package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// A unit proves why it must wait: the file first, then the request that names it.
func TestEvidenceIsAttachedToARequest(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, _ := o.Register("r-1", flood())
	file := http.Header{"Content-Type": {"application/octet-stream"}}
	o.Post("yitang", "/tickets/"+number+"/actions/sign", nil).Is(http.StatusOK)
	ask := func(media ...any) answer {
		return o.Post("yitang", "/tickets/"+number+"/actions/ask_pause", map[string]any{"reason": "awaits_procedure", "media": media})
	}
	ask().Is(http.StatusUnprocessableEntity)
	ask(map[string]any{"sha256": strings.Repeat("0", 64), "role": "evidence"}).Is(http.StatusUnprocessableEntity) // not here
	ask(map[string]any{"sha256": "../../etc/passwd", "role": "evidence"}).Is(http.StatusUnprocessableEntity)

	o.send(o.as("yitang"), http.MethodPost, "/media", file, strings.Repeat("x", 11<<20)).Is(http.StatusRequestEntityTooLarge)
	o.send(o.as("yitang"), http.MethodPost, "/media", file, "").Is(http.StatusUnprocessableEntity).Code("media.empty")
	o.send(http.DefaultClient, http.MethodPost, "/media", file, "x").Is(http.StatusUnauthorized)
	scan := "%PDF-1.7 " + strings.Repeat("鉴定委托书", 200_000) // larger than other bodies may be
	kept := o.send(o.as("yitang"), http.MethodPost, "/media", file, scan).Is(http.StatusCreated)
	if kept.field("mime") != "application/pdf" {
		t.Errorf("the scan is kept as %s", kept.field("mime"))
	}
	asked := ask(map[string]any{"sha256": kept.field("sha256"), "name": "委托书.pdf", "role": "evidence"}).Is(http.StatusOK)
	if !strings.Contains(string(asked.body), kept.field("sha256")) {
		t.Errorf("the ticket does not show its evidence: %s", asked.body)
	}
	// The officer who decides reads it.
	read := o.Get("desk", "/media/"+kept.field("sha256")+"?ticket="+number).Is(http.StatusOK)
	if string(read.body) != scan {
		t.Errorf("the officer reads %d bytes of %d", len(read.body), len(scan))
	}
	o.Post("desk", "/tickets/"+number+"/actions/pause", nil).Is(http.StatusOK)
}

// To know the hash of somebody else's file opens it to nobody: an account attaches what it handed over, or what the ticket has.
func TestNobodyAttachesTheFileOfAnother(t *testing.T) {
	t.Parallel()
	o := open(t)
	number, _ := o.Register("r-1", flood())
	file := http.Header{"Content-Type": {"application/octet-stream"}}
	kept := o.send(o.as("duty"), http.MethodPost, "/media", file, "%PDF-1.7 举报人身份材料").Is(http.StatusCreated)
	note := func(login, number string) answer {
		return o.Post(login, "/tickets/"+number+"/actions/note", map[string]any{"note": "见附件", "media": []any{map[string]any{"sha256": kept.field("sha256")}}})
	}
	for _, login := range []string{"yitang", "desk", "agent"} {
		note(login, number).Is(http.StatusUnprocessableEntity)
		o.Get(login, "/media/"+kept.field("sha256")+"?ticket="+number).Is(http.StatusNotFound)
	}
	note("duty", number).Is(http.StatusOK)
	note("desk", number).Is(http.StatusOK) // the ticket has it now, and shows it
	second := map[string]any{"text": "义堂镇菜市场占道经营", "region": "371302105"}
	another, _ := o.Register("r-2", second)
	note("desk", another).Is(http.StatusUnprocessableEntity)
}
