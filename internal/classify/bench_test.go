package classify_test

import (
	"testing"

	"github.com/citizen-hotline/gateway/internal/classify"
)

// message is a complaint of 200 characters, by two words.
const message = "您好，我是城西花园小区的住户，我们小区南门外面的那条马路上，从去年冬天开始就有好几家烧烤店和大排档，每天傍晚把桌椅板凳摆到人行道上，" +
	"炒菜的油烟直接排到路边，一直要到凌晨两点多才收摊。客人喝酒划拳的声音特别大，楼上住着老人和要参加考试的学生，晚上根本没有办法休息。" +
	"我们给物业公司和店家都反映过很多次，开始说马上整改，过了两三天又和原来一模一样。第二天早上满地都是竹签和餐巾纸，污水流到排水口，" +
	"请尽快派人处理。"

func BenchmarkClassify(b *testing.B) {
	m := train(b, boardMessages(b))
	room := make([]classify.Candidate, 0, 3)
	b.ReportAllocs()
	for b.Loop() {
		room = m.Classify(room[:0], message, 3)
	}
}

// BenchmarkRead is what a request costs at intake, the reasons included.
func BenchmarkRead(b *testing.B) {
	c := classify.NewClassifier(train(b, boardMessages(b)), 0.97)
	b.ReportAllocs()
	for b.Loop() {
		c.Read(message)
	}
}

func BenchmarkParse(b *testing.B) {
	content := file(b, train(b, boardMessages(b)))
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := classify.Parse(content); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrain(b *testing.B) {
	samples := boardMessages(b)
	for b.Loop() {
		train(b, samples)
	}
}
