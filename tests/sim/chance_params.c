/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/status.h"
#include "tests/sim/chance.h"

enum { RNG_EXPECT = 7, RNG_MODE = 100, RNG_LINKS, RNG_COMMIT, RNG_WARM, RNG_QUEUE, RNG_UNHEARD };

void chance_params_calm(struct sim_params *p)
{
	*p = (struct sim_params){
		.nodes = 2,
		.slots = 64,
		.faults_ms = 8000,
		.delay_us = 200,
		.jitter_us = 0,
		.traffic_ms = 20,
		.traffic_round = 4,
		.events_cap = 1024,
		.events_delay_us = 500,
		.seq_apart = 1,
		.config =
			{
				.links = 1,
				.flows_max = 4096,
				.datagram_bytes = 1472,
				.ack_window = 300,
				.resend_max = 131072,
				.purge_timeout_s = 5,
				.poll_s = 3,
				.chunk_bytes = 4096,
				.first_seq = 1000000,
			},
	};
}

static void params_net(struct rng *r, struct sim_params *p)
{
	static const unsigned losses[] = {0, 0, 1, 10, 50, 100, 200, 300};

	for (unsigned i = 0; i < SIM_NODES_MAX; i++)
		p->loss_permille[i] = losses[rng_below(r, 8)];
	p->duplicate_permille = dice_permille(r, 500) ? (unsigned)dice_range(r, 1, 100) : 0;
	p->delay_us = dice_range(r, 50, 5000);
	p->jitter_us = dice_permille(r, 600) ? dice_range(r, 1, 60000) : 0;
	if (dice_permille(r, 300)) {
		p->corrupt_permille = (unsigned)dice_range(r, 1, 50);
		p->corruption = dice_permille(r, 500) ? SIM_CORRUPT_DROPPED : SIM_CORRUPT_DELIVERED;
	}
}

static void params_faults(struct rng *r, struct sim_params *p)
{
	p->fault_ms = dice_permille(r, 850) ? (unsigned)dice_range(r, 100, 1500) : 0;
	p->weight_crash = dice_permille(r, 600) ? (unsigned)rng_below(r, 10) : 0;
	p->weight_reboot = dice_permille(r, 500) ? (unsigned)rng_below(r, 6) : 0;
	p->weight_freeze = dice_permille(r, 400) ? (unsigned)rng_below(r, 6) : 0;
	p->weight_cut = dice_permille(r, 500) ? (unsigned)rng_below(r, 10) : 0;
	p->weight_block = dice_permille(r, 500) ? (unsigned)rng_below(r, 10) : 0;
	p->weight_stall = dice_permille(r, 500) ? (unsigned)rng_below(r, 10) : 0;
	p->weight_command = dice_permille(r, 700) ? (unsigned)rng_below(r, 20) : 0;
	p->lower_seq_permille = dice_permille(r, 500) ? 500 : 0;
	p->late_tick_permille = dice_permille(r, 300) ? 100 : 0;
	p->refuse_permille = dice_permille(r, 400) ? (unsigned)dice_range(r, 1, 300) : 0;
	p->dump_abort_permille = dice_permille(r, 400) ? (unsigned)dice_range(r, 1, 150) : 0;
	p->dump_ahead = dice_permille(r, 250);
}

static void params_config(struct rng *r, struct engine_config *c)
{
	static const uint32_t seqs[] = {1, 1795000000, 0x7fffff00, 0xffffff00};

	c->datagram_bytes = (uint32_t)(dice_permille(r, 500) ? 1472 : dice_range(r, 576, 8972));
	c->ack_window = dice_permille(r, 500) ? 300 : (uint32_t)dice_range(r, 1, 40);
	c->resend_max = dice_permille(r, 800) ? 131072 : (uint32_t)dice_range(r, 1, 30);
	c->commit_timeout_s = dice_permille(r, 300) ? 20 : 0;
	c->purge_timeout_s = (uint32_t)dice_range(r, 0, 8);
	c->poll_s = (uint32_t)dice_range(r, 1, 6);
	c->startup_resync = dice_permille(r, 500);
	c->tcp_window_tracking = dice_permille(r, 300);
	c->commit_half_open = dice_permille(r, 300);
	c->first_seq = seqs[rng_below(r, 4)];
	if (dice_permille(r, 250)) {
		c->filter.protocol_policy = FLOW_FILTER_IGNORE;
		flow_filter_add_protocol(&c->filter, 1);
		flow_filter_add_protocol(&c->filter, 50);
	}
	if (dice_permille(r, 200)) {
		c->filter.state_policy = FLOW_FILTER_IGNORE;
		flow_filter_add_tcp_state(&c->filter, FLOW_TCP_SYN_SENT);
		flow_filter_add_tcp_state(&c->filter, FLOW_TCP_LAST_ACK);
	}
}

/* A number generator of its own, so that a seed means the same as ever but for the mode. */
static void params_mode(uint64_t seed, struct sim_params *p)
{
	struct rng r = dice_of(seed, RNG_MODE);
	unsigned dice = (unsigned)rng_below(&r, 10);
	struct engine_config *c = &p->config;

	if (dice < 3) {
		c->mode = ENGINE_MODE_NOTRACK;
		c->internal_cache_off = dice == 0;
	} else if (dice < 5) {
		c->mode = ENGINE_MODE_ALARM;
		c->refresh_s = (uint32_t)dice_range(&r, 1, 5);
		c->cache_timeout_s = 3 * c->refresh_s;
	}
	if (!c->internal_cache_off && dice_permille(&r, 150)) {
		c->polling = true;
		c->poll_s = 1;
	}
	c->external_cache_off = c->mode != ENGINE_MODE_ALARM && dice_permille(&r, 300);
}

/* Likewise. */
static void params_warm(uint64_t seed, struct engine_config *c)
{
	static const uint32_t rates[] = {40, 300, 2000, 50000};
	struct rng r = dice_of(seed, RNG_WARM);

	if (c->mode == ENGINE_MODE_ALARM || c->internal_cache_off || c->external_cache_off)
		return;
	c->standby_warm = dice_permille(&r, 500);
	c->warm_age_ms = (uint32_t)dice_range(&r, 0, 2000);
	c->warm_rate = rates[rng_below(&r, 4)];
}

/* Likewise. */
static void params_links(uint64_t seed, struct sim_params *p)
{
	struct rng r = dice_of(seed, RNG_LINKS);

	p->config.links = dice_permille(&r, 500) ? 1 : (unsigned)dice_range(&r, 2, SIM_LINKS_MAX);
	p->config.link_default = (unsigned)rng_below(&r, p->config.links);
	p->weight_link = dice_permille(&r, 800) ? (unsigned)rng_below(&r, 20) : 0;
	/* Nobody can tell nodes apart by numbers that are near each other: see test_core_link. */
	if (p->config.links > 1 && p->nodes > 2)
		p->seq_apart = 100000000;
}

/* Likewise: how what is to be sent waits. */
static void params_queue(uint64_t seed, struct sim_params *p)
{
	struct rng r = dice_of(seed, RNG_QUEUE);

	if (dice_permille(&r, 400))
		p->gather_permille = (unsigned)dice_range(&r, 100, 950);
	if (dice_permille(&r, 300))
		p->config.sync_delay_ms = (uint32_t)dice_range(&r, 1, 2000);
}

void chance_params(uint64_t seed, struct sim_params *p)
{
	struct rng r = dice_of(seed, 0);

	chance_params_calm(p);
	p->nodes = dice_permille(&r, 800) ? 2 : 3;
	p->slots = (unsigned)dice_range(&r, 16, 256);
	p->faults_ms = (unsigned)dice_range(&r, 4000, 20000);
	p->traffic_ms = (unsigned)dice_range(&r, 5, 100);
	p->traffic_round = (unsigned)dice_range(&r, 1, 16);
	p->prefilled = dice_permille(&r, 300) ? (unsigned)rng_below(&r, p->slots) : 0;
	p->events_cap = dice_permille(&r, 500) ? 1024 : (size_t)dice_range(&r, 4, 64);
	p->events_delay_us = dice_range(&r, 1, 5000);
	params_net(&r, p);
	params_faults(&r, p);
	params_config(&r, &p->config);
	params_links(seed, p);
	params_mode(seed, p);
	params_warm(seed, &p->config);
	r = dice_of(seed, RNG_COMMIT);
	p->config.commit_large = dice_permille(&r, 600) ? (uint32_t)dice_range(&r, 1, 40) : 0;
	params_queue(seed, p);
	r = dice_of(seed, RNG_UNHEARD);
	p->config.births_unheard =
		!p->config.polling && !p->config.internal_cache_off && dice_permille(&r, 200);
	r = dice_of(seed, RNG_EXPECT);
	p->config.expect_filter.on = dice_permille(&r, 600);
	/*
	 * With CommitTimeout no timeout is on the wire: what a node leaves behind when it loses its
	 * kernel stays with its peers for LIMIT_HOLD_S, longer than a run.
	 */
	if (p->config.commit_timeout_s > 0)
		p->weight_reboot = 0;
	/* The same if a damaged timeout is what has to run out. */
	if (p->corrupt_permille > 0 && p->corruption == SIM_CORRUPT_DELIVERED)
		p->weight_reboot = 0;
}
