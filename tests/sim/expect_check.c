/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/expect_check.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "flow/expect_pack.h"

static const struct sim_node *owner_of(
	const struct sim *s, const struct engine_status *st, unsigned peer)
{
	int node = peer < st->peers_count ? sim_node_of_peer(s, st, peer) : -1;

	return node < 0 ? NULL : &s->nodes[node];
}

static void check_table(
	struct sim *s, struct sim_node *n, enum engine_table table, const struct engine_status *st)
{
	bool local = table == ENGINE_TABLE_LOCAL;
	uint64_t cursor = 0, shown = 0;
	uint64_t want = local ? st->local_expectations : st->remote_expectations;
	struct engine_expect_view v;
	const struct sim_node *owner;

	while (engine_show_next_expect(n->engine, s->now, table, &cursor, &v)) {
		if (++shown > want)
			break;
		s->coverage.count[COVERAGE_EXPECT_VIEWS]++;
		owner = local ? n : owner_of(s, st, v.peer);
		if (!s->relaxed && owner && !expect_model_was(&owner->kernel, &v.expect))
			sim_fail(s,
				"node %u shows of node %u expectation %d, version %u: never in "
				"that kernel",
				n->index, owner->index, expect_model_index(&v.expect),
				v.expect.class);
	}
	if (shown != want)
		sim_fail(s, "node %u: table %u shows %llu expectations, status says %llu", n->index,
			table, (unsigned long long)shown, (unsigned long long)want);
}

void expect_check(struct sim *s, struct sim_node *n)
{
	struct engine_status st;
	uint64_t sum = 0;

	engine_get_status(n->engine, s->now, &st);
	for (unsigned i = 0; i < st.peers_count; i++)
		sum += st.peers[i].expectations;
	if (sum != st.remote_expectations)
		sim_fail(s, "node %u: peers' expectations do not add up", n->index);
	check_table(s, n, ENGINE_TABLE_LOCAL, &st);
	check_table(s, n, ENGINE_TABLE_REMOTE, &st);
}

void expect_check_op(struct sim *s, struct sim_node *n, const struct kernel_op *op)
{
	if (!expect_has_key(&op->expect))
		sim_fail(s, "node %u: a write of an expectation without a key", n->index);
	if (!expect_has(&op->expect, EXPECT_TIMEOUT) || op->expect.timeout == 0)
		sim_fail(s, "node %u: an expectation is written without a timeout", n->index);
	if (!s->relaxed && expect_model_index(&op->expect) < 0)
		sim_fail(s, "node %u: a write of an expectation that nobody had", n->index);
}

/* What a node shows by the model's index; NULL: not there. */
struct shown {
	bool there[TRAFFIC_SLOTS_MAX * EXPECT_MODEL_PER_SLOT];
	struct expect x[TRAFFIC_SLOTS_MAX * EXPECT_MODEL_PER_SLOT];
	unsigned count;
};

/* False if it shows what there never was. peer: of a remote table, or -1. */
static bool show(struct sim *s, struct sim_node *n, int peer, struct shown *out)
{
	enum engine_table table = peer < 0 ? ENGINE_TABLE_LOCAL : ENGINE_TABLE_REMOTE;
	struct engine_expect_view v;
	uint64_t cursor = 0;
	int i;

	memset(out, 0, sizeof(*out));
	while (engine_show_next_expect(n->engine, s->now, table, &cursor, &v)) {
		if (peer >= 0 && v.peer != (unsigned)peer)
			continue;
		i = expect_model_index(&v.expect);
		if (i < 0 || out->there[i])
			return false;
		out->there[i] = true;
		out->x[i] = v.expect;
		out->count++;
	}
	return true;
}

/*
 * The local table has every expectation of the kernel's whose master it has, and no other. With a
 * filter by state a master may come into it after what it expects was left out, and where what
 * peers tell is written a peer may have told what it expects.
 */
bool expect_local_is_kernel(struct sim *s, struct sim_node *n, char *why, size_t cap)
{
	static struct shown local;
	bool filtered = n->config.filter.state_policy != FLOW_FILTER_OFF;

	if (!n->config.expect_filter.on)
		return true;
	if (!show(s, n, -1, &local)) {
		snprintf(why, cap, "node %u: a local expectation that nobody had", n->index);
		return false;
	}
	for (unsigned i = 0; i < n->kernel.expects.count; i++) {
		const struct expect_model_entry *e = &n->kernel.expects.entries[i];
		struct engine_flow_view v;
		bool may_miss = filtered || sim_injects(n) ||
				!engine_find(n->engine, ENGINE_TABLE_LOCAL,
					&n->kernel.entries[i / EXPECT_MODEL_PER_SLOT].flow, &v);

		if (local.there[i] ? e->live && expect_same_state(&e->x, &local.x[i])
				   : !e->live || may_miss)
			continue;
		snprintf(why, cap, "node %u: expectation %u, version %u: local table differs: %s",
			n->index, i, e->x.class,
			!e->live	  ? "over"
			: !local.there[i] ? "missing"
					  : "content");
		return false;
	}
	return true;
}

static int peer_of(const struct sim *s, const struct engine_status *st, unsigned node)
{
	for (unsigned i = 0; i < st->peers_count; i++)
		if (sim_node_of_peer(s, st, i) == (int)node)
			return (int)i;
	return -1;
}

/* What the node has to tell: without an internal cache that is what its kernel has. */
static bool show_own(struct sim *s, struct sim_node *n, struct shown *out)
{
	if (!n->config.internal_cache_off)
		return show(s, n, -1, out);
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n->kernel.expects.count; i++) {
		out->there[i] = n->kernel.expects.entries[i].live;
		out->x[i] = n->kernel.expects.entries[i].x;
		out->count += out->there[i];
	}
	return true;
}

bool expect_remote_is_local(
	struct sim *s, struct sim_node *n, struct sim_node *owner, char *why, size_t cap)
{
	static struct shown here, there;
	struct engine_status st;
	int peer;

	if (!n->config.expect_filter.on || !owner->config.expect_filter.on)
		return true;
	engine_get_status(n->engine, s->now, &st);
	peer = peer_of(s, &st, owner->index);
	if (peer < 0 && s->params.config.mode == ENGINE_MODE_ALARM)
		return true; /* who has nothing says nothing */
	if (peer < 0 || !show(s, n, peer, &here) || !show_own(s, owner, &there)) {
		snprintf(why, cap, "node %u: of node %u: an expectation that nobody had", n->index,
			owner->index);
		return false;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(here.there); i++) {
		const char *what = here.there[i] ? "not there any more" : "missing";

		if (!here.there[i] && (!there.there[i] || n->took_over || owner->committed ||
					      (owner->config.internal_cache_off &&
						      owner->config.external_cache_off)))
			continue; /* n has it as its own, or was not told of it */
		if (here.there[i] && there.there[i]) {
			if (owner->committed || expect_same_state(&here.x[i], &there.x[i]))
				continue;
			what = "content";
		}
		snprintf(why, cap, "node %u: of node %u, expectation %u, version %u: %s", n->index,
			owner->index, i, here.there[i] ? here.x[i].class : there.x[i].class, what);
		return false;
	}
	return true;
}
