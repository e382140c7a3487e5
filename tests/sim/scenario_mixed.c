/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"
#include "tests/sim/chance.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/oldpeer.h"
#include "tests/sim/scenario.h"

/* One node runs an engine, the other what it replaces. */
enum {
	FLOWS = 48,
	/* It repeats nothing by itself, but what it never sent is asked for within this time. */
	AGREE_S = 20,
	/* What ended while it was down is only noticed by what it does not send again. */
	AGREE_AFTER_RESTART_S = LIMIT_SWEEP_MS / 1000 + 15,
};

static void params_calm(uint64_t seed, struct sim_params *p)
{
	(void)seed;
	chance_params_calm(p);
}

static void params_notrack(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->config.mode = ENGINE_MODE_NOTRACK;
}

/* An old peer of this mode never makes up for what it has missed. */
static void params_notrack_lossy(uint64_t seed, struct sim_params *p)
{
	params_notrack(seed, p);
	p->loss_permille[0] = 100;
	p->duplicate_permille = 50;
	p->jitter_us = 2000;
}

static void params_notrack_no_cache(uint64_t seed, struct sim_params *p)
{
	params_notrack_lossy(seed, p);
	p->config.internal_cache_off = true;
}

static void params_alarm(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->config.mode = ENGINE_MODE_ALARM;
	p->config.refresh_s = 3;
	p->config.cache_timeout_s = 10;
}

static void params_alarm_lossy(uint64_t seed, struct sim_params *p)
{
	params_alarm(seed, p);
	p->loss_permille[0] = p->loss_permille[1] = 150;
	p->duplicate_permille = 50;
}

static void params_lossy(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->loss_permille[0] = p->loss_permille[1] = 150;
	p->duplicate_permille = 50;
}

static void params_links(uint64_t seed, struct sim_params *p)
{
	params_calm(seed, p);
	p->config.links = 2;
}

static void begin(struct sim *s)
{
	/* The old peer never learns what becomes of a silent flow. */
	s->nodes[1].kernel.never_silent = true;
	node_start(s, &s->nodes[0], false);
	sim_run_ms(s, 300);
	oldpeer_start(s, &s->nodes[1], 1700000000);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] = slot % 2;
}

/* What an old peer holds of the other's flows; the first difference, or NULL. */
static const char *old_differs(
	struct sim *s, const struct sim_node *old, const struct sim_node *owner, unsigned *slot)
{
	static const struct traffic_compare c = {.over_wire = true, .leftovers = true};
	const struct kernel_entry *mine = owner->kernel.entries;
	const struct flow *ext;
	const char *what;

	for (*slot = 0; *slot < s->params.slots; ++*slot) {
		ext = oldpeer_external(old, *slot);
		if (mine[*slot].live != (ext != NULL))
			return ext ? "left at the old peer" : "missing at the old peer";
		if (ext && !traffic_same(&mine[*slot].flow, ext, &c, &what))
			return what;
	}
	return NULL;
}

/* What the engine holds of the old peer's. */
static const char *engine_differs(struct sim *s, unsigned *slot)
{
	static const struct traffic_compare c = {.over_wire = true, .leftovers = true};
	const struct kernel_model *theirs = &s->nodes[1].kernel;
	struct engine_flow_view v;
	uint64_t cursor = 0;
	unsigned shown = 0;
	const char *what;

	while (engine_show_next(s->nodes[0].engine, s->now, ENGINE_TABLE_REMOTE, &cursor, &v)) {
		*slot = (unsigned)traffic_slot(&v.flow);
		if (*slot >= s->params.slots || !theirs->entries[*slot].live)
			return "left at the engine";
		if (!traffic_same(&theirs->entries[*slot].flow, &v.flow, &c, &what))
			return what;
		shown++;
	}
	return shown == kernel_count(theirs) ? NULL : "missing at the engine";
}

static const char *mixed_differ(struct sim *s, unsigned *slot)
{
	const char *why = old_differs(s, &s->nodes[1], &s->nodes[0], slot);

	if (why)
		return why;
	return s->nodes[0].old ? old_differs(s, &s->nodes[0], &s->nodes[1], slot)
			       : engine_differs(s, slot);
}

static void mixed_settle(struct sim *s, int64_t limit_s)
{
	mono begin_at = s->now;
	const char *why;
	unsigned slot;

	s->quiet = true;
	while ((why = mixed_differ(s, &slot)) != NULL) {
		if (mono_diff_sec(s->now, begin_at) >= limit_s)
			sim_fail(s, "no agreement after %lld s: slot %u: %s", (long long)limit_s,
				slot, why);
		sim_run_ms(s, 100);
	}
	sim_run_ms(s, 3000);
	why = mixed_differ(s, &slot);
	if (why)
		sim_fail(s, "agreement did not last: slot %u: %s", slot, why);
	s->quiet = false;
}

static void traffic(struct sim *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		chance_traffic_round(s, 4);
		sim_run_ms(s, 20);
	}
}

/* Says that the model of the old peer works as such. */
static void old_peers_follow_each_other(struct sim *s)
{
	oldpeer_start(s, &s->nodes[0], 1700000300);
	sim_run_ms(s, 300);
	oldpeer_start(s, &s->nodes[1], 1700000000);
	sim_run_ms(s, 3000);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		s->home[slot] = slot % 2;
	traffic(s, 300);
	mixed_settle(s, AGREE_S);
}

static void old_peer_is_followed(struct sim *s)
{
	begin(s);
	traffic(s, 300);
	mixed_settle(s, AGREE_S);
}

/* What was lost of it goes or comes by its table, which it does not end with a mark. */
static void old_peer_is_asked(struct sim *s)
{
	begin(s);
	traffic(s, 300);
	mixed_settle(s, LIMIT_LOSS_PAUSE_MS / 1000 + AGREE_AFTER_RESTART_S);
}

static void old_peer_may_restart(struct sim *s)
{
	struct sim_node *o = &s->nodes[1];
	uint32_t seq = 1700000000;

	begin(s);
	for (int i = 0; i < 3; i++) {
		traffic(s, 100);
		oldpeer_stop(o);
		sim_run_ms(s, dice_range(&s->rng_fault, 500, 4000));
		chance_traffic_round(s, 60); /* some of it ends unheard */
		seq += i == 1 ? -5000u : 5000u;
		oldpeer_start(s, o, seq);
		traffic(s, 50);
		mixed_settle(s, AGREE_AFTER_RESTART_S);
	}
}

static void engine_may_restart_beside_an_old_peer(struct sim *s)
{
	struct sim_node *e = &s->nodes[0];

	begin(s);
	for (int i = 0; i < 3; i++) {
		traffic(s, 100);
		node_crash(s, e);
		sim_run_ms(s, dice_range(&s->rng_fault, 500, 4000));
		node_start(s, e, i == 1);
		traffic(s, 50);
		/* The old peer never sweeps: nothing may have ended unheard on our side. */
		mixed_settle(s, AGREE_S);
	}
}

/* Both links fail in turn, at one end or at both; the old peer says nowhere who it is. */
static void old_peer_is_followed_to_other_links(struct sim *s)
{
	struct engine_status st;

	begin(s);
	traffic(s, 50);
	for (unsigned turn = 0; turn < 8; turn++) {
		unsigned link = turn % 2;

		net_link(s, turn / 2 % 2, link, false);
		if (dice_permille(&s->rng_fault, 500))
			net_link(s, 1 - turn / 2 % 2, link, false);
		traffic(s, 60);
		net_link(s, 0, link, true);
		net_link(s, 1, link, true);
		traffic(s, (unsigned)dice_range(&s->rng_fault, 1, 30));
	}
	mixed_settle(s, AGREE_S);
	scenario_status(s, &s->nodes[0], &st);
	scenario_expect(s, st.peers_count, ==, 1);
	scenario_expect(s, scenario_counter(&s->nodes[0], COUNTER_PEER_RESTARTS), ==, 0);
	scenario_expect(s, scenario_counter(&s->nodes[0], COUNTER_ADDR_GUESSES), ==, 1);
	scenario_expect(s, scenario_counter(&s->nodes[0], COUNTER_ADDR_GUESSES_WRONG), ==, 0);
}

static const struct scenario mixed[] = {
	{"old peer is followed to other links", params_links, old_peer_is_followed_to_other_links},
	{"old peers follow each other", params_lossy, old_peers_follow_each_other},
	{"old peer is followed", params_calm, old_peer_is_followed},
	{"old peer is followed over a bad net", params_lossy, old_peer_is_followed},
	{"old peer may restart", params_calm, old_peer_may_restart},
	{"engine may restart beside an old peer", params_calm,
		engine_may_restart_beside_an_old_peer},
	{"NOTRACK: old peers follow each other", params_notrack, old_peers_follow_each_other},
	{"NOTRACK: old peer is followed", params_notrack, old_peer_is_followed},
	{"NOTRACK: old peer is followed over a bad net", params_notrack_lossy, old_peer_is_asked},
	{"NOTRACK: old peer may restart", params_notrack, old_peer_may_restart},
	{"NOTRACK: engine may restart beside an old peer", params_notrack,
		engine_may_restart_beside_an_old_peer},
	{"NOTRACK: engine without a cache beside an old peer", params_notrack_no_cache,
		old_peer_is_asked},
	{"ALARM: old peers follow each other", params_alarm_lossy, old_peers_follow_each_other},
	{"ALARM: old peer is followed", params_alarm, old_peer_is_followed},
	{"ALARM: old peer is followed over a bad net", params_alarm_lossy, old_peer_is_followed},
	{"ALARM: old peer may restart", params_alarm_lossy, old_peer_may_restart},
	{"ALARM: engine may restart beside an old peer", params_alarm_lossy,
		engine_may_restart_beside_an_old_peer},
};

const struct scenario_group scenarios_mixed = {mixed, ARRAY_SIZE(mixed)};
