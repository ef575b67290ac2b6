// Package all is the one explicit list of the channels a build knows. A new channel is one line here
// and a folder of its own.
package all

import (
	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/form"
	"github.com/citizen-hotline/gateway/adapters/open311"
	"github.com/citizen-hotline/gateway/adapters/phone"
	"github.com/citizen-hotline/gateway/adapters/webhook"
	"github.com/citizen-hotline/gateway/adapters/wechat"
)

// Specs lists every channel, for adapters.NewRegistry.
func Specs() []adapters.Spec {
	return []adapters.Spec{
		form.Spec(),
		open311.Spec(),
		phone.Spec(),
		webhook.Spec(),
		wechat.Spec(),
	}
}
