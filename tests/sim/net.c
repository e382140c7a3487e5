/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/invariants.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/oldpeer.h"

static void corrupt(struct sim *s, uint8_t *bytes, size_t *len)
{
	s->coverage.count[COVERAGE_CORRUPTED]++;
	if (dice_permille(&s->rng_net, 300)) {
		*len = rng_below(&s->rng_net, *len + 1);
		return;
	}
	for (int64_t n = dice_range(&s->rng_net, 1, 4); n > 0 && *len > 0; n--)
		bytes[rng_below(&s->rng_net, *len)] ^= (uint8_t)(1u << rng_below(&s->rng_net, 8));
}

static bool is_down(const struct sim *s, unsigned from, unsigned to, unsigned link)
{
	return s->cut[from][to] || s->nodes[from].down[link] || s->nodes[to].down[link];
}

static void deliver(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	unsigned from = (unsigned)j->a % SIM_NODES_MAX, link = (unsigned)j->a / SIM_NODES_MAX;
	struct engine_addr addr = sim_addr(&s->nodes[from], link);

	/* what has come waits in the socket, whatever becomes of the link */
	if ((j->b ? j->b != n->boot : is_down(s, from, j->node, link)) ||
		(!n->running && !n->old)) {
		trace_put(&s->trace, TRACE_LOSE, j->node, from, j->len, 0);
		s->coverage.count[COVERAGE_LOST]++;
		return;
	}
	if (mono_before(s->now, n->frozen_until)) { /* it waits in the socket, if there is room */
		struct job again = *j;

		j->data = NULL;
		again.at = n->frozen_until;
		again.b = n->boot; /* and is gone with it */
		agenda_add(&s->agenda, &again);
		return;
	}
	trace_put(&s->trace, TRACE_DELIVER, j->node, from, j->len, trace_hash(j->data, j->len));
	if (n->old) {
		oldpeer_datagram(s, n, link, j->data, j->len);
		return;
	}
	invariants_before_datagram(s, n, from, j->data, j->len);
	engine_datagram(n->engine, s->now, link, &addr, j->data, j->len);
	invariants_after_datagram(s, n, from, j->data, j->len);
	node_wake(s, n);
}

static void send_one(
	struct sim *s, unsigned from, unsigned to, unsigned link, const uint8_t *bytes, size_t len)
{
	const struct sim_params *p = &s->params;
	int64_t delay_us = p->delay_us;
	struct job j = {.run = deliver, .node = to, .a = link * SIM_NODES_MAX + from, .len = len};

	if (p->jitter_us > 0 && dice_permille(&s->rng_net, 300)) {
		delay_us += dice_range(&s->rng_net, 0, p->jitter_us);
		s->coverage.count[COVERAGE_OVERTAKEN]++;
	}
	j.data = malloc(len + 1);
	CHECK(j.data);
	memcpy(j.data, bytes, len);
	if (!s->quiet && dice_permille(&s->rng_net, p->corrupt_permille)) {
		corrupt(s, j.data, &j.len);
		trace_put(&s->trace, TRACE_CORRUPT, to, from, j.len, len);
		if (p->corruption == SIM_CORRUPT_DROPPED) {
			free(j.data);
			return;
		}
	}
	/* The bytes end where the allocation does, so that an over-read is seen. */
	j.data = realloc(j.data, j.len > 0 ? j.len : 1);
	CHECK(j.data);
	sim_later(s, delay_us * NS_PER_US, &j);
}

void net_send(struct sim *s, unsigned from, unsigned link, const uint8_t *bytes, size_t len)
{
	const struct sim_params *p = &s->params;

	s->coverage.count[COVERAGE_SENT]++;
	if (s->trace.verbose)
		net_print(bytes, len);
	for (unsigned to = 0; to < p->nodes; to++) {
		if (to == from)
			continue;
		if (is_down(s, from, to, link) ||
			(!s->quiet && dice_permille(&s->rng_net, p->loss_permille[to]))) {
			trace_put(&s->trace, TRACE_LOSE, to, from, len, 1);
			s->coverage.count[COVERAGE_LOST]++;
			continue;
		}
		send_one(s, from, to, link, bytes, len);
		if (!s->quiet && dice_permille(&s->rng_net, p->duplicate_permille)) {
			send_one(s, from, to, link, bytes, len);
			s->coverage.count[COVERAGE_DUPLICATED]++;
		}
	}
}

void net_inject(struct sim *s, unsigned to, const struct engine_addr *from, const uint8_t *bytes,
	size_t len)
{
	struct sim_node *n = &s->nodes[to];
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (n->running) {
		CHECK(copy);
		memcpy(copy, bytes, len);
		trace_put(&s->trace, TRACE_ATTACK, to, len, trace_hash(bytes, len), 0);
		engine_datagram(n->engine, s->now, 0, from, copy, len);
		node_wake(s, n);
	}
	free(copy);
}

/* The node's daemon learns of it; what was true when the message was sent may not be any more. */
static void tell_link(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	unsigned link = (unsigned)j->a;

	if (mono_before(s->now, n->frozen_until)) {
		struct job again = *j;

		again.at = n->frozen_until;
		agenda_add(&s->agenda, &again);
		return;
	}
	if (n->running) {
		engine_link(n->engine, s->now, link, !n->down[link]);
		node_wake(s, n);
	}
	if (n->old)
		oldpeer_link(s, n);
}

void net_link(struct sim *s, unsigned node, unsigned link, bool up)
{
	struct job j = {.run = tell_link, .node = node, .a = link};

	if (s->nodes[node].down[link] == !up)
		return;
	trace_put(&s->trace, TRACE_LINK, node, link, up, 0);
	s->nodes[node].down[link] = !up;
	s->coverage.count[COVERAGE_LINK] += !up;
	sim_later(s, dice_range(&s->rng_net, 1, 20000) * NS_PER_US, &j);
}

void net_cut(struct sim *s, unsigned from, unsigned to)
{
	trace_put(&s->trace, TRACE_CUT, from, to, 0, 0);
	s->cut[from][to] = true;
}

void net_heal(struct sim *s)
{
	trace_put(&s->trace, TRACE_HEAL, 0, 0, 0, 0);
	memset(s->cut, 0, sizeof(s->cut));
	for (unsigned node = 0; node < s->params.nodes; node++)
		for (unsigned link = 0; link < SIM_LINKS_MAX; link++)
			net_link(s, node, link, true);
}
