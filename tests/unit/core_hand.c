/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_hand.h"

#include <string.h>

void hand_with(struct hand *h, const struct engine_config *c)
{
	h->p = pair_new(c);
	memset(&h->addr, 0, sizeof(h->addr));
	h->addr.bytes[15] = 77;
	h->w = wbuf_of(h->buf, sizeof(h->buf));
	pair_dump_empty(h->p, 0);
}

void hand_new(struct hand *h)
{
	hand_with(h, NULL);
}

void hand_deliver(struct hand *h)
{
	engine_datagram(h->p->node[0].engine, h->p->now, 0, &h->addr, h->buf, h->w.used);
	h->w = wbuf_of(h->buf, sizeof(h->buf));
	engine_check(h->p->node[0].engine);
}

void hand_say_alive(struct hand *h, uint8_t flags, uint32_t seq)
{
	wire_v1_put_alive(&h->w, flags | WIRE_V1_ALIVE, seq);
	hand_deliver(h);
}

void hand_say_flow(struct hand *h, enum wire_v1_type type, uint8_t flags, uint32_t seq, uint32_t n)
{
	struct flow f = pair_flow(n);
	struct wire_v1_options o = {0};

	wire_v1_put_flow(&h->w, type, flags, seq, &f, &o);
	hand_deliver(h);
}

void hand_say_mark(struct hand *h, uint8_t flags, uint32_t seq, uint8_t kind, uint32_t boot,
	uint32_t value, uint32_t value2)
{
	struct wire_v1_mark m = {kind, boot, value, value2};

	wire_v1_put_mark(&h->w, flags | WIRE_V1_ALIVE, seq, &m);
	hand_deliver(h);
}

bool hand_heard(struct hand *h, uint8_t flag, struct wire_v1_message *out)
{
	struct wire_v1_message m;
	uint8_t buf[2048];
	unsigned link;
	size_t len;
	bool found = false;

	while ((len = engine_next_datagram(
			h->p->node[0].engine, h->p->now, buf, sizeof(buf), &link)) > 0) {
		struct rbuf r = rbuf_of(buf, len);

		while (wire_v1_next(&r, &m) == WIRE_V1_OK)
			if (!flag || m.flags & flag) {
				*out = m;
				found = true;
			}
	}
	return found;
}

void hand_wait_ms(struct hand *h, int64_t ms)
{
	for (int64_t t = 0; t < ms; t += 100) {
		h->p->now = mono_add_ms(h->p->now, 100);
		engine_tick(h->p->node[0].engine, h->p->now);
	}
}

uint64_t hand_count(const struct hand *h, enum counter c)
{
	return pair_counter(h->p, 0, c);
}

bool hand_has(const struct hand *h, uint32_t n)
{
	struct flow f = pair_flow(n);

	return pair_has(h->p, 0, ENGINE_TABLE_REMOTE, &f);
}

void hand_ack(struct hand *h, uint32_t seq, uint32_t from, uint32_t to)
{
	wire_v1_put_range(&h->w, WIRE_V1_ACK, seq, from, to);
	hand_deliver(h);
}
