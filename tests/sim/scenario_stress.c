/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/check.h"
#include "tests/sim/chance.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/scenario.h"
#include "wire/v1.h"

enum {
	FLOWS = 48,
	FLOOD_MS = 3000,
	FLOOD_PER_MS = 8,
	/* What a flood may make a node of this size send. */
	FLOOD_DATAGRAMS_PER_S_MAX = 6000,
};

static void params_calm(uint64_t seed, struct sim_params *p)
{
	(void)seed;
	chance_params_calm(p);
}

static void params_full(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->slots = 96;
	p->config.flows_max = 32;
}

static void params_few_tombstones(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->loss_permille[0] = p->loss_permille[1] = 200;
	p->config.resend_max = 4;
}

static void begin(struct sim *s)
{
	scenario_start(s);
	chance_fill(s, &s->nodes[0], 0, FLOWS);
	scenario_agree(s, 20000);
}

/* What wire_v1_put_range() would refuse to write. */
static void put_range(struct wbuf *w, uint8_t flags, uint32_t seq, uint32_t from, uint32_t to)
{
	wbuf_u8(w, WIRE_V1_VERSION << 4 | WIRE_V1_CTL);
	wbuf_u8(w, flags);
	wbuf_u16_be(w, WIRE_V1_RANGE_BYTES);
	wbuf_u32_be(w, seq);
	wbuf_u32_be(w, from);
	wbuf_u32_be(w, to);
}

/* One hostile datagram of several messages; seq is what the sender claims to be at. */
static size_t hostile(struct sim *s, uint8_t *buf, size_t cap, uint32_t *seq)
{
	struct wbuf w = wbuf_of(buf, cap);
	struct rng *r = &s->rng_fault;
	uint32_t at;

	for (int64_t n = dice_range(r, 1, 6); n > 0; n--) {
		uint8_t flags = dice_permille(r, 300) ? WIRE_V1_HELLO : 0;

		at = dice_permille(r, 100) ? rng_u32(r) : (*seq)++;
		switch (rng_below(r, 6)) {
		case 0:
			wire_v1_put_alive(&w, flags | WIRE_V1_ALIVE, at);
			break;
		case 1:
			put_range(&w, flags | WIRE_V1_RESYNC, at, 0, 0);
			break;
		case 2:
			put_range(&w, flags | WIRE_V1_ACK, at, 0, rng_u32(r));
			break;
		case 3: { /* a mark of a new life, or of a bulk that never was */
			struct wire_v1_mark m = {
				(uint8_t)dice_range(r, 1, 3), rng_u32(r), rng_u32(r), rng_u32(r)};

			wire_v1_put_mark(&w, flags | WIRE_V1_ALIVE, at, &m);
			break;
		}
		default: /* everything that was ever sent, please */
			put_range(&w, flags | WIRE_V1_NACK, at,
				s->params.config.first_seq - rng_below(r, 10),
				s->params.config.first_seq + rng_below(r, 1000000));
			break;
		}
	}
	return w.used;
}

static void flood(struct sim *s, struct sim_node *victim, const struct engine_addr *addr, bool many)
{
	uint64_t before = scenario_counter(victim, COUNTER_SENT_DATAGRAMS);
	uint32_t seq = 5000;
	uint8_t buf[1400];

	for (int ms = 0; ms < FLOOD_MS; ms++) {
		for (int i = 0; i < FLOOD_PER_MS; i++) {
			struct engine_addr from = *addr;
			size_t len = hostile(s, buf, sizeof(buf), &seq);

			if (many)
				from.bytes[14] = (uint8_t)rng_u32(&s->rng_fault);
			net_inject(s, victim->index, &from, buf, len);
		}
		sim_run_ms(s, 1);
	}
	scenario_expect(s, scenario_counter(victim, COUNTER_SENT_DATAGRAMS) - before, <=,
		(uint64_t)FLOOD_DATAGRAMS_PER_S_MAX * FLOOD_MS / 1000);
}

/* A stranger's flood changes nothing in what the two know of each other, at no time. */
static void stranger_does_no_damage(struct sim *s)
{
	struct engine_addr stranger = s->nodes[0].addr;
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	stranger.bytes[13] = 66;
	flood(s, a, &stranger, false);
	scenario_expect(s, scenario_remote_flows(s, b, a), ==, FLOWS);
	flood(s, b, &stranger, false);
	scenario_expect(s, scenario_remote_flows(s, b, a), ==, FLOWS);
	chance_traffic_round(s, 100);
	chance_settle(s);
}

static void many_strangers_do_no_damage(struct sim *s)
{
	struct engine_addr stranger = s->nodes[0].addr;
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	stranger.bytes[13] = 66;
	flood(s, b, &stranger, true);
	scenario_expect(s, scenario_remote_flows(s, b, a), ==, FLOWS);
	scenario_expect(s, scenario_counter(b, COUNTER_PEERS_REFUSED), >, 0);
	chance_traffic_round(s, 100);
	chance_settle(s);
}

/* Someone speaks in the peer's name. Version 1 cannot tell; but it ends when the flood ends. */
static void spoofed_peer_is_survived(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	begin(s);
	s->relaxed = true;
	flood(s, a, &b->addr, false);
	flood(s, b, &a->addr, false);
	chance_traffic_round(s, 100);
	chance_settle(s);
}

/*
 * One datagram with a number far ahead must not make a peer deaf to the true sender. (Should the
 * true message of that very number come before the sender has noticed, it is lost: version 1
 * cannot tell it from a duplicate.)
 */
static void one_wild_number_is_survived(struct sim *s)
{
	static const uint32_t ahead[] = {2, 100, 60000, 70000, 0x10000000, 0x7fffff00};
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];
	uint8_t buf[64];
	struct wbuf w;

	begin(s);
	for (unsigned i = 0; i < ARRAY_SIZE(ahead); i++) {
		w = wbuf_of(buf, sizeof(buf));
		wire_v1_put_alive(&w, WIRE_V1_ALIVE,
			a->config.first_seq + (uint32_t)scenario_counter(a, COUNTER_SENT_FLOWS) +
				(uint32_t)scenario_counter(a, COUNTER_SENT_CONTROL) + ahead[i]);
		net_inject(s, b->index, &a->addr, buf, w.used);
		sim_run_ms(s, 50);
		chance_traffic_round(s, 50);
		scenario_agree(s, 20000);
	}
	chance_settle(s);
}

static void full_table_recovers(struct sim *s)
{
	struct sim_node *a = &s->nodes[0], *b = &s->nodes[1];

	scenario_start(s);
	chance_fill(s, a, 0, FLOWS);
	for (int i = 0; i < 200; i++) {
		chance_traffic_round(s, 10);
		sim_run_ms(s, 10);
	}
	scenario_expect(s, scenario_counter(a, COUNTER_LOCAL_FULL), >, 0);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		if (slot % 8 > 0)
			kernel_end(&a->kernel, s->now, slot);
	node_events_ready(s, a);
	sim_run_ms(s, 1000);
	scenario_command(s, a, ENGINE_RESYNC_KERNEL, 2000);
	chance_settle(s);
	scenario_expect(s, scenario_remote_flows(s, b, a), ==, kernel_count(&a->kernel));
}

static void dropped_tombstones_are_made_good(struct sim *s)
{
	struct sim_node *a = &s->nodes[0];

	begin(s);
	for (int i = 0; i < 300; i++) {
		chance_traffic_round(s, 20);
		sim_run_ms(s, 5);
	}
	net_cut(s, 0, 1);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		kernel_end(&a->kernel, s->now, slot);
	node_events_ready(s, a);
	sim_run_ms(s, 2000);
	net_heal(s);
	scenario_expect(s, scenario_counter(a, COUNTER_TOMBSTONES_DROPPED), >, 0);
	chance_settle(s);
}

/* engine_init() must not take memory that is too small, and use no more than it asked for. */
static void memory_is_what_was_asked_for(struct sim *s)
{
	struct engine_config c = s->params.config;
	size_t bytes;
	void *memory;

	for (uint32_t flows = 0; flows < 70; flows += 23) {
		c.flows_max = flows;
		bytes = engine_memory_bytes(&c);
		memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
		CHECK(memory);
		if (engine_init(memory, bytes - 1, &c, s->now))
			sim_fail(s, "engine_init took too little memory");
		free(memory);
	}
	scenario_start(s);
	chance_settle(s);
}

static const struct scenario stress[] = {
	{"stranger does no damage", params_calm, stranger_does_no_damage},
	{"many strangers do no damage", params_calm, many_strangers_do_no_damage},
	{"spoofed peer is survived", params_calm, spoofed_peer_is_survived},
	{"one wild number is survived", params_calm, one_wild_number_is_survived},
	{"full table recovers", params_full, full_table_recovers},
	{"dropped tombstones are made good", params_few_tombstones,
		dropped_tombstones_are_made_good},
	{"memory is what was asked for", params_calm, memory_is_what_was_asked_for},
};

const struct scenario_group scenarios_stress = {stress, ARRAY_SIZE(stress)};
