package demo

import (
	"context"
	"sync"
	"time"
)

// script is what is sent, in the order it happens.
func script() []scene {
	list := []scene{
		{"新市民来电：热线当场答复身份证补办", "phone-12345", answeredOnTheLine},
		{"同一来电的振铃、接听、挂机、录音、转写", "phone-12345", wholeCall},
		{"无人接听的来电：欠一次回拨", "phone-12345", missedCall},
	}
	for n, l := range letters {
		list = append(list, l.scene(n))
	}
	return append(list,
		scene{"观察员报滨河路与聚才八路积水，没有诉求人电话", "observer", observerReportsFlood},
		scene{"同一路口的液位计告警", "flood-gauge", gaugeRaises},
		scene{"微信：路灯坏了（安全模式，回执带编号）", "wechat", streetLight},
		scene{"微信平台重试：同一消息重新加密", "wechat", platformRetries},
		scene{"同一市民补发位置", "wechat", sendsPlace},
		scene{"同一市民催办两次", "wechat", urgesTwice},
		scene{"同一市民的另一件事", "wechat", secondMatter},
		scene{"四十人反映同一处积水", "phone-12345", fortyCallers},
		scene{"同一条路另一个门，各办各的", "miniapp", otherGate},
		scene{"微信：有人落水", "wechat", drowning},
		scene{"电话：同一落水者，另一位报警人", "phone-12345", drowningByPhone},
		scene{"网格员报井盖被冲走（代填，签名）", "grid", gridWorkerReports},
		scene{"110 转来非警务求助", "link-110", exchangeFrom110},
		scene{"Open311 应用提交", "open311", open311Post},
		scene{"垃圾桶满溢告警", "bin-sensor", binFull},
		scene{"清运车十分钟一百次告警", "truck", truckAlarms},
		scene{"GB18030 编码的网上来件", "community", gb18030},
		scene{"要求保密的举报", "mayor-mailbox", confidential},
		scene{"坐标在地球之外：退回让填报人改", "app", outOfWorld},
		scene{"同一编号换了内容：拒收", "miniapp", sameKeyOtherContent},
		scene{"签名不对的推送：拒之门外", "flood-gauge", badSignature},
		scene{"一小时前的旧签名：拒之门外", "flood-gauge", staleSignature},
		scene{"签名正确但读不懂的推送：隔离留单", "wechat", unreadable},
	)
}

// afternoon is what follows once everything is in: deadlines trip, devices recover, the town reports back.
func afternoon() []scene {
	return []scene{
		{"垃圾桶清空：设备自己结单", "bin-sensor", binEmptied},
		{"无人签收：黄牌", "", yellowCard},
		{"水退了：液位计恢复", "flood-gauge", gaugeClears},
		{"义堂镇处置完毕，观察员查到答复", "observer", townResolves},
	}
}

// kept is what later scenes need of earlier ones.
type kept struct {
	flood, light, gate, bin, gauge *record
	openid                         string // of the citizen who writes about the street light
	lightPush                      push
}

// stamp is a moment as the city's systems write it.
func (d *day) stamp(at time.Time) string { return at.In(d.Zone).Format(time.RFC3339) }

// beside runs n jobs, a few at a time: the demo shares its machine with the gateway. It stops at the
// first error and returns it.
func beside(ctx context.Context, n int, job func(ctx context.Context, n int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for k := range work {
				if err := job(ctx, k); err != nil {
					cancel(err)
				}
			}
		})
	}
	for k := range n {
		select {
		case work <- k:
		case <-ctx.Done():
		}
	}
	close(work)
	workers.Wait()
	return context.Cause(ctx)
}
