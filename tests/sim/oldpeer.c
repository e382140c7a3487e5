/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "flow/merge.h"
#include "tests/sim/net.h"
#include "tests/sim/oldpeer.h"
#include "wire/v1.h"

enum { OLD_WINDOW = 300, OLD_ITEMS_MAX = 8192, OLD_DATAGRAM_BYTES = 1472, OLD_TURN_US = 500 };

enum old_hello { HELLO_INIT, HELLO_SAY, HELLO_DONE };
enum old_where { WHERE_NONE, WHERE_TX, WHERE_RESEND };

struct old_object {
	uint8_t type; /* as which it is to be sent: CT_NEW, CT_UPD, CT_DEL */
	enum old_where where;
	struct flow flow;
};

struct old_item {
	struct old_object *object; /* NULL: a control message */
	uint8_t flags;
	uint32_t from, to, seq;
};

struct old_queue {
	struct old_item *items; /* [OLD_ITEMS_MAX] */
	unsigned count;
};

struct oldpeer {
	enum engine_mode mode;
	int64_t refresh_s, cache_timeout_s;
	unsigned boot;
	unsigned link; /* the current one */
	uint32_t seq;
	enum old_hello hello;
	bool say_hello_back;
	bool seen, ack_from_set;
	uint32_t last_recv, ack_from;
	int window;
	mono alive_at;
	struct old_queue tx, resend;
	struct old_object **objects; /* [slots]: the internal cache */
	struct flow *external; /* [slots] */
	bool *external_set; /* [slots] */
	mono *refresh_at, *external_until; /* [slots], of ALARM */
};

/* ---- queues ---- */

static void queue_put(struct old_queue *q, const struct old_item *it)
{
	CHECK(q->count < OLD_ITEMS_MAX);
	q->items[q->count++] = *it;
}

static void queue_cut(struct old_queue *q, unsigned at)
{
	memmove(&q->items[at], &q->items[at + 1], (--q->count - at) * sizeof(q->items[0]));
}

static void object_release(struct old_object *o)
{
	o->where = WHERE_NONE;
	if (o->type == WIRE_V1_CT_DEL)
		free(o);
}

static void object_queue(struct oldpeer *p, struct old_object *o)
{
	for (unsigned i = 0; o->where == WHERE_RESEND && i < p->resend.count; i++) {
		if (p->resend.items[i].object == o) {
			queue_cut(&p->resend, i);
			o->where = WHERE_NONE;
		}
	}
	if (o->where == WHERE_TX)
		return;
	o->where = WHERE_TX;
	queue_put(&p->tx, &(struct old_item){.object = o});
}

static void control_queue(struct oldpeer *p, uint8_t flags, uint32_t from, uint32_t to)
{
	queue_put(&p->tx, &(struct old_item){.flags = flags, .from = from, .to = to});
}

/* Acknowledged (again false) or asked for again: what of the resend queue lies in the range. */
static void resend_range(struct oldpeer *p, uint32_t from, uint32_t to, bool again)
{
	for (unsigned i = 0; i < p->resend.count;) {
		struct old_item it = p->resend.items[i];

		if (wire_v1_seq_before(it.seq, from)) {
			i++;
			continue;
		}
		if (wire_v1_seq_before(to, it.seq))
			break;
		queue_cut(&p->resend, i);
		if (again) {
			if (it.object)
				it.object->where = WHERE_TX;
			queue_put(&p->tx, &it);
		} else if (it.object) {
			object_release(it.object);
		}
	}
}

static void resend_empty(struct oldpeer *p)
{
	for (unsigned i = 0; i < p->resend.count; i++)
		if (p->resend.items[i].object)
			object_release(p->resend.items[i].object);
	p->resend.count = 0;
}

/* ---- sending ---- */

static size_t item_build(struct oldpeer *p, struct wbuf *w, struct old_item *it)
{
	static const struct wire_v1_options options = {0};
	uint8_t flags = it->flags;
	size_t len;

	if (p->mode == ENGINE_MODE_FTFW && p->hello != HELLO_DONE)
		flags |= WIRE_V1_HELLO;
	if (p->say_hello_back)
		flags |= WIRE_V1_HELLO_BACK;
	if (it->object)
		len = wire_v1_put_flow(w, (enum wire_v1_type)it->object->type, flags, p->seq,
			&it->object->flow, &options);
	else if (flags & WIRE_V1_ALIVE)
		len = wire_v1_put_alive(w, flags, p->seq);
	else
		len = wire_v1_put_range(w, flags, p->seq, it->from, it->to);
	if (len == 0)
		return 0;
	it->flags = flags;
	it->seq = p->seq++;
	p->say_hello_back = false;
	if (p->hello == HELLO_INIT)
		p->hello = HELLO_SAY;
	return len;
}

static void sent(struct oldpeer *p, const struct old_item *it)
{
	if (p->mode != ENGINE_MODE_FTFW) {
		if (it->object)
			object_release(it->object);
		return;
	}
	if (it->object)
		it->object->where = WHERE_RESEND;
	if (it->object || !(it->flags & WIRE_V1_ALIVE))
		queue_put(&p->resend, it);
}

static void send_all(struct sim *s, struct sim_node *n)
{
	struct oldpeer *p = n->old;
	uint8_t buf[OLD_DATAGRAM_BYTES];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	for (unsigned i = 0; i < p->tx.count; i++) {
		struct old_item it = p->tx.items[i];

		if (item_build(p, &w, &it) == 0) {
			CHECK(w.used > 0);
			net_send(s, n->index, p->link, buf, w.used);
			w = wbuf_of(buf, sizeof(buf));
			CHECK(item_build(p, &w, &it) > 0);
		}
		sent(p, &it);
	}
	p->tx.count = 0;
	if (w.used > 0)
		net_send(s, n->index, p->link, buf, w.used);
	p->alive_at = mono_add_sec(s->now, 1);
}

/* ---- receiving ---- */

static void take_flow(struct sim *s, struct sim_node *n, const struct wire_v1_message *m)
{
	struct oldpeer *p = n->old;
	struct flow f;
	int slot;

	if (wire_v1_get_flow(m, &f) != WIRE_V1_OK)
		return;
	slot = traffic_slot(&f);
	if (slot < 0 || (unsigned)slot >= n->kernel.slots)
		return;
	if (m->type == WIRE_V1_CT_UPD && p->external_set[slot])
		flow_merge(&p->external[slot], &f);
	else
		p->external[slot] = f;
	p->external_set[slot] = m->type != WIRE_V1_CT_DEL;
	p->external_until[slot] = mono_add_sec(s->now, p->cache_timeout_s);
}

static void take(struct sim *s, struct sim_node *n, const struct wire_v1_message *m)
{
	struct oldpeer *p = n->old;

	if (m->type != WIRE_V1_CTL) {
		take_flow(s, n, m);
	} else if (m->flags & WIRE_V1_ACK) {
		resend_range(p, m->from, m->to, false);
	} else if (m->flags & WIRE_V1_NACK) {
		resend_range(p, m->from, m->to, true);
	} else if (m->flags & WIRE_V1_RESYNC) {
		for (unsigned slot = 0; slot < n->kernel.slots; slot++)
			if (p->objects[slot])
				object_queue(p, p->objects[slot]);
	}
}

static void take_in_order(struct sim *s, struct sim_node *n, const struct wire_v1_message *m)
{
	struct oldpeer *p = n->old;

	take(s, n, m);
	if (!p->ack_from_set) {
		p->ack_from = m->seq;
		p->ack_from_set = true;
	}
	if (--p->window <= 0) {
		control_queue(p, WIRE_V1_ACK, p->ack_from, m->seq);
		p->window = OLD_WINDOW;
		p->ack_from_set = false;
	}
}

static void on_message(
	struct sim *s, struct sim_node *n, unsigned link, const struct wire_v1_message *m)
{
	struct oldpeer *p = n->old;
	uint32_t next = p->last_recv + 1;

	if (p->mode != ENGINE_MODE_FTFW) {
		/* what is missing or late is counted, and that is all */
		if (p->mode == ENGINE_MODE_NOTRACK || m->flags == 0)
			take(s, n, m);
		return;
	}
	if (m->flags & WIRE_V1_HELLO_BACK && p->hello == HELLO_SAY)
		p->hello = HELLO_DONE;
	if (m->flags & WIRE_V1_HELLO) {
		p->say_hello_back = true;
		if (p->ack_from_set && wire_v1_seq_before(m->seq, p->ack_from)) {
			p->window = OLD_WINDOW - 1;
			p->ack_from = m->seq;
		}
		resend_empty(p);
		take_in_order(s, n, m);
	} else if (p->seen && wire_v1_seq_before(m->seq, next)) {
		return;
	} else if (p->seen && m->seq != next) {
		if (p->ack_from_set)
			control_queue(p, WIRE_V1_ACK, p->ack_from, p->last_recv);
		control_queue(p, WIRE_V1_NACK, next, m->seq - 1);
		p->window = OLD_WINDOW - 1;
		p->ack_from = m->seq;
		p->ack_from_set = true;
		take(s, n, m);
	} else {
		take_in_order(s, n, m);
	}
	p->last_recv = m->seq;
	p->seen = true;
	p->link = link;
}

void oldpeer_link(struct sim *s, struct sim_node *n)
{
	struct oldpeer *p = n->old;

	for (unsigned i = 0; i < s->params.config.links && n->down[p->link]; i++)
		if (!n->down[i])
			p->link = i;
}

void oldpeer_datagram(
	struct sim *s, struct sim_node *n, unsigned link, const uint8_t *bytes, size_t len)
{
	struct rbuf r = rbuf_of(bytes, len);
	struct wire_v1_message m;
	enum wire_v1_result res;

	while ((res = wire_v1_next(&r, &m)) == WIRE_V1_OK || res == WIRE_V1_BAD_VERSION ||
		res == WIRE_V1_BAD_HEADER)
		if (res == WIRE_V1_OK)
			on_message(s, n, link, &m);
}

/* ---- its kernel ---- */

/* The tuple is in use again: the end of its former flow is not told any more. */
static void dead_forget(struct old_queue *q, int slot)
{
	for (unsigned i = 0; i < q->count;) {
		struct old_object *o = q->items[i].object;

		if (o && o->type == WIRE_V1_CT_DEL && traffic_slot(&o->flow) == slot) {
			queue_cut(q, i);
			free(o);
		} else {
			i++;
		}
	}
}

static mono refresh_next(struct sim *s, const struct oldpeer *p)
{
	return mono_add_ms(s->now, dice_range(&s->rng_node, 1000, 1000 * p->refresh_s + 1000));
}

static void on_event(struct sim *s, struct sim_node *n, const struct kernel_fact *fact)
{
	struct oldpeer *p = n->old;
	int slot = traffic_slot(&fact->flow);
	struct old_object *o = p->objects[slot];

	if (!o) {
		if (fact->kind == KERNEL_EVENT_DESTROY)
			return;
		dead_forget(&p->tx, slot);
		dead_forget(&p->resend, slot);
		o = p->objects[slot] = calloc(1, sizeof(*o));
		CHECK(o);
		o->type = WIRE_V1_CT_NEW;
		o->flow = fact->flow;
	} else if (fact->kind == KERNEL_EVENT_DESTROY) {
		o->type = WIRE_V1_CT_DEL;
		p->objects[slot] = NULL;
	} else {
		o->type = WIRE_V1_CT_UPD;
		flow_merge(&o->flow, &fact->flow);
	}
	object_queue(p, o);
	p->refresh_at[slot] = refresh_next(s, p);
}

/* ALARM: what is here is said again, what the other does not say again goes. */
static void turn_alarm(struct sim *s, struct sim_node *n)
{
	struct oldpeer *p = n->old;

	for (unsigned slot = 0; slot < n->kernel.slots; slot++) {
		if (p->external_set[slot] && mono_reached(s->now, p->external_until[slot]))
			p->external_set[slot] = false;
		if (!p->objects[slot] || mono_before(s->now, p->refresh_at[slot]))
			continue;
		object_queue(p, p->objects[slot]);
		p->refresh_at[slot] = refresh_next(s, p);
	}
}

static void turn(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	struct oldpeer *p = n->old;
	struct kernel_fact fact;

	if (!p || p->boot != j->b)
		return;
	while (kernel_next_event(&n->kernel, &fact))
		on_event(s, n, &fact);
	if (p->mode == ENGINE_MODE_ALARM) {
		turn_alarm(s, n);
	} else if (mono_reached(s->now, p->alive_at)) {
		if (p->ack_from_set)
			control_queue(p, WIRE_V1_ACK, p->ack_from, p->last_recv);
		else
			control_queue(p, WIRE_V1_ALIVE, 0, 0);
		p->ack_from_set = false;
	}
	if (p->tx.count > 0)
		send_all(s, n);
	sim_later(s, OLD_TURN_US * NS_PER_US, j);
}

/* ---- life ---- */

static void *zeroed(size_t count, size_t bytes)
{
	void *v = calloc(count, bytes);

	CHECK(v);
	return v;
}

void oldpeer_start(struct sim *s, struct sim_node *n, uint32_t first_seq)
{
	unsigned slots = n->kernel.slots;
	struct oldpeer *p = zeroed(1, sizeof(*p));
	struct job j = {.run = turn, .node = n->index};

	n->old = p;
	n->was_old = true;
	p->mode = s->params.config.mode;
	p->refresh_s = s->params.config.refresh_s;
	p->cache_timeout_s = s->params.config.cache_timeout_s;
	p->boot = ++n->boot;
	p->seq = first_seq;
	p->window = OLD_WINDOW;
	p->alive_at = mono_add_sec(s->now, 1);
	p->tx.items = zeroed(OLD_ITEMS_MAX, sizeof(struct old_item));
	p->resend.items = zeroed(OLD_ITEMS_MAX, sizeof(struct old_item));
	p->objects = zeroed(slots, sizeof(*p->objects));
	p->external = zeroed(slots, sizeof(*p->external));
	p->external_set = zeroed(slots, sizeof(*p->external_set));
	p->external_until = zeroed(slots, sizeof(*p->external_until));
	p->refresh_at = zeroed(slots, sizeof(*p->refresh_at));
	for (unsigned slot = 0; slot < slots; slot++) {
		if (!n->kernel.entries[slot].live)
			continue;
		p->objects[slot] = zeroed(1, sizeof(**p->objects));
		p->objects[slot]->type = WIRE_V1_CT_NEW;
		p->objects[slot]->flow = n->kernel.entries[slot].flow;
	}
	kernel_listen(&n->kernel, true);
	j.b = p->boot;
	sim_later(s, 0, &j);
}

void oldpeer_stop(struct sim_node *n)
{
	struct oldpeer *p = n->old;

	if (!p)
		return;
	for (unsigned i = 0; i < p->tx.count; i++) /* dead objects hang on queues alone */
		if (p->tx.items[i].object)
			object_release(p->tx.items[i].object);
	resend_empty(p);
	for (unsigned slot = 0; slot < n->kernel.slots; slot++)
		free(p->objects[slot]);
	free(p->tx.items);
	free(p->resend.items);
	free(p->objects);
	free(p->external);
	free(p->external_set);
	free(p->external_until);
	free(p->refresh_at);
	free(p);
	n->old = NULL;
	kernel_listen(&n->kernel, false);
}

const struct flow *oldpeer_external(const struct sim_node *n, unsigned slot)
{
	return n->old->external_set[slot] ? &n->old->external[slot] : NULL;
}

bool oldpeer_is_idle(const struct sim_node *n)
{
	return n->old->tx.count == 0 && n->kernel.events_count == 0;
}
