/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "flow/status.h"
#include "tests/sim/expect_check.h"
#include "tests/sim/invariants.h"
#include "wire/v1.h"

enum {
	/*
	 * A state that was the kernel's less than this ago may come back for a moment where two
	 * of the kernel's sockets, or two lives of a peer, cannot be told apart by who reads them.
	 */
	SLACK_MS = 13000, /* a daemon may have been stopped for 7 s in between */
	/*
	 * After lost events a reborn tuple may keep what its former flow had, until a dump has
	 * told, and the peers know.
	 */
	OVERRUN_MS = 15000,
};

void invariants_forget(struct sim *s, struct sim_node *n)
{
	for (unsigned o = 0; o < s->params.nodes; o++)
		for (unsigned slot = 0; slot < s->params.slots; slot++)
			n->views[o][slot].at = -1;
	memset(n->words, 0, sizeof(n->words));
	invariants_leave(n);
}

void invariants_leave(struct sim_node *n)
{
	for (unsigned o = 0; o < SIM_NODES_MAX; o++) {
		n->viewed[o] = -1;
		for (unsigned peer = 0; peer < LIMIT_PEERS; peer++) {
			free(n->views_left[o][peer]);
			n->views_left[o][peer] = NULL;
		}
	}
}

static void view_as(struct sim *s, struct sim_node *n, unsigned owner, int peer, bool synced)
{
	size_t bytes = s->params.slots * sizeof(struct sim_view);
	struct sim_view **left = n->views_left[owner];
	int from = n->viewed[owner];

	if (from == peer)
		return;
	n->viewed[owner] = peer;
	if (from < 0)
		return;
	if (!left[from])
		left[from] = malloc(bytes);
	CHECK(left[from]);
	memcpy(left[from], n->views[owner], bytes);
	if (!left[peer] || synced)
		return;
	memcpy(n->views[owner], left[peer], bytes);
	for (unsigned slot = 0; slot < s->params.slots; slot++)
		n->views[owner][slot].shown = false;
}

/*
 * Who is heard on a link where it never was, far on and without a word of who it is, is a new peer
 * (addr.c). When it says who it is, it is the old one again, and is shown as it was left: with
 * a gap, so that it is not said to be in sync.
 */
static void views_follow(struct sim *s, struct sim_node *n)
{
	struct engine_status st;
	int owner;

	if (n->config.links < 2)
		return;
	engine_get_status(n->engine, s->now, &st);
	for (unsigned peer = 0; peer < st.peers_count; peer++) {
		owner = sim_node_of_peer(s, &st, peer);
		if (owner >= 0)
			view_as(s, n, (unsigned)owner, (int)peer,
				st.peers[peer].sync == ENGINE_SYNCED);
	}
}

static bool is_recent(const struct sim *s, mono t)
{
	return mono_diff_ms(s->now, t) < SLACK_MS;
}

/* Going back is excused only for what was true a moment ago, and only for these causes. */
static bool is_excused(const struct sim *s, const struct sim_node *n, const struct sim_node *owner,
	const struct history *h, int at)
{
	if (!is_recent(s, h->states[at + 1].at))
		return false;
	/* The dump overtook events that are still to be read; or the answer to a write did. */
	if (s->params.dump_ahead || is_recent(s, owner->answered_at))
		return true;
	/* A datagram of the owner's former life cannot be told from one of this life. */
	return n != owner && is_recent(s, owner->started);
}

/*
 * A warm standby's promotion makes of what a peer has told its own, where the kernel has it so.
 * That is how it is shown, unless an event tells more, until the dump behind the promotion has
 * ended.
 */
static bool is_moved(const struct sim *s, const struct sim_node *n, const struct flow *f)
{
	int slot = traffic_slot(f);

	return n->config.standby_warm && n->promoted && is_recent(s, n->promoted_at) &&
	       !mono_before(n->promoted_at, n->dumped_from) && slot >= 0 &&
	       (unsigned)slot < s->params.slots && n->words[slot].version == f->mark;
}

/* A flow shown by n as owner's: it must be what owner's kernel had, and no step back. */
static void check_view(
	struct sim *s, struct sim_node *n, const struct sim_node *owner, const struct flow *f)
{
	int slot = traffic_slot(f);
	bool moved = n == owner && is_moved(s, n, f);
	const struct traffic_compare c = {
		.over_wire = n != owner || moved,
		.part = owner->config.births_unheard,
		.leftovers = owner->was_old || mono_diff_ms(s->now, owner->overrun_at) < OVERRUN_MS,
		.window_scale = (n == owner && !moved) || owner->config.tcp_window_tracking,
		.moved = moved,
	};
	struct sim_view *v;
	const struct history *h;
	const char *what;
	int at;

	s->coverage.count[COVERAGE_VIEWS]++;
	if (s->relaxed)
		return;
	if (slot < 0 || (unsigned)slot >= s->params.slots)
		sim_fail(s, "node %u shows as node %u's a flow that nobody ever had", n->index,
			owner->index);
	v = &n->views[owner->index][slot];
	h = &owner->kernel.history[slot];
	switch (history_find(h, v->at, f, &c, &at, &what)) {
	case HISTORY_FOUND:
		break;
	case HISTORY_OLDER:
		if (is_excused(s, n, owner, h, at))
			break;
		sim_fail(s,
			"node %u shows of node %u, slot %d, version %u: "
			"older (state %d) than before (state %d of %d)",
			n->index, owner->index, slot, f->mark, at, v->at, h->count);
	case HISTORY_NEVER:
		sim_fail(s,
			"node %u shows of node %u, slot %d, version %u: never in that kernel: %s",
			n->index, owner->index, slot, f->mark, what);
	}
	v->at = at;
}

/* How long a peer gives a flow that it tells: of several, the one that gives it longest. */
static void note_word(const struct sim *s, struct sim_node *n, const struct flow *f)
{
	struct engine_flow_view own;
	mono ends = MONO_NEVER;
	struct sim_word *w;
	int slot = traffic_slot(f);

	if (slot < 0 || (unsigned)slot >= s->params.slots)
		return;
	if (flow_has(f, FLOW_TIMEOUT))
		ends = mono_add_sec(s->now, f->timeout);
	w = &n->words[slot];
	if (mono_before(w->at, s->now) || mono_before(w->ends, ends))
		*w = (struct sim_word){
			s->now, ends, f->mark, engine_find(n->engine, ENGINE_TABLE_LOCAL, f, &own)};
}

/* ---- around a datagram ---- */

static bool shows(struct sim *s, struct sim_node *n, unsigned owner, const struct flow *key,
	struct engine_flow_view *view)
{
	struct engine_status st;

	if (!engine_find(n->engine, ENGINE_TABLE_REMOTE, key, view))
		return false;
	engine_get_status(n->engine, s->now, &st);
	return view->peer < st.peers_count && sim_node_of_peer(s, &st, view->peer) == (int)owner;
}

/* The next data message of a datagram as a flow. */
static bool next_flow(struct rbuf *r, struct wire_v1_message *m, struct flow *f)
{
	enum wire_v1_result res;

	while ((res = wire_v1_next(r, m)) != WIRE_V1_END && r->left + 1 > 0) {
		if (res == WIRE_V1_TRUNCATED || res == WIRE_V1_BAD_SIZE)
			return false;
		if (res == WIRE_V1_OK && m->type <= WIRE_V1_CT_DEL &&
			wire_v1_get_flow(m, f) == WIRE_V1_OK)
			return true;
	}
	return false;
}

/* The former flow's end was read after the answer to a write of the same tuple. */
static bool end_is_excused(const struct sim *s, const struct history *h, int at)
{
	return s->params.dump_ahead ||
	       (at >= 0 && h->states[at].rewritten && is_recent(s, h->states[at].at));
}

void invariants_before_datagram(
	struct sim *s, struct sim_node *n, unsigned from, const uint8_t *bytes, size_t len)
{
	struct rbuf r = rbuf_of(bytes, len);
	struct wire_v1_message m;
	struct engine_flow_view view;
	struct flow f;
	int slot;

	if (s->relaxed)
		return;
	while (next_flow(&r, &m, &f)) {
		slot = traffic_slot(&f);
		if (slot < 0 || (unsigned)slot >= s->params.slots)
			sim_fail(s, "node %u sends a flow that nobody ever had", from);
		if (m.type == WIRE_V1_CT_DEL)
			n->views[from][slot].shown = shows(s, n, from, &f, &view);
	}
}

void invariants_after_datagram(
	struct sim *s, struct sim_node *n, unsigned from, const uint8_t *bytes, size_t len)
{
	struct rbuf r = rbuf_of(bytes, len);
	const struct sim_node *owner = &s->nodes[from];
	bool filtered = owner->config.filter.state_policy != FLOW_FILTER_OFF;
	struct wire_v1_message m;
	struct engine_flow_view view;
	struct sim_view *v;
	struct flow f;
	int end;

	if (s->relaxed)
		return;
	views_follow(s, n);
	while (next_flow(&r, &m, &f)) {
		v = &n->views[from][traffic_slot(&f)];
		if (shows(s, n, from, &f, &view)) {
			note_word(s, n, &view.flow);
			check_view(s, n, owner, &view.flow);
			continue;
		}
		if (m.type != WIRE_V1_CT_DEL || !v->shown || filtered)
			continue;
		/* A deletion was taken: what was there before it must not come back. */
		end = history_find_end(&owner->kernel.history[traffic_slot(&f)], v->at);
		if (end < 0 && end_is_excused(s, &owner->kernel.history[traffic_slot(&f)], v->at))
			continue;
		if (end < 0)
			sim_fail(s, "node %u deletes node %u's slot %d, which never ended",
				n->index, from, traffic_slot(&f));
		v->at = end;
	}
}

/* ---- everything ---- */

static void check_counters(struct sim *s, struct sim_node *n)
{
	const uint64_t *now = engine_counters(n->engine);

	for (int i = 0; i < COUNTERS; i++) {
		if (now[i] < n->counters[i])
			sim_fail(
				s, "node %u: counter %s went back", n->index, counter_info[i].name);
		n->counters[i] = now[i];
	}
}

static void check_status(struct sim *s, struct sim_node *n, const struct engine_status *st)
{
	uint64_t sum = 0;

	if (st->local_flows > n->config.flows_max || st->peers_count > LIMIT_PEERS)
		sim_fail(s, "node %u: %llu local flows, %u peers", n->index,
			(unsigned long long)st->local_flows, st->peers_count);
	for (unsigned i = 0; i < st->peers_count; i++) {
		sum += st->peers[i].flows;
		if (st->peers[i].flows > n->config.flows_max)
			sim_fail(s, "node %u: a remote table of %llu flows", n->index,
				(unsigned long long)st->peers[i].flows);
	}
	if (sum != st->remote_flows)
		sim_fail(s, "node %u: remote tables hold %llu flows, status says %llu", n->index,
			(unsigned long long)sum, (unsigned long long)st->remote_flows);
}

static void check_table(
	struct sim *s, struct sim_node *n, enum engine_table table, const struct engine_status *st)
{
	uint64_t cursor = 0, shown = 0;
	uint64_t want = table == ENGINE_TABLE_LOCAL ? st->local_flows : st->remote_flows;
	struct engine_flow_view view;
	int owner;

	while (engine_show_next(n->engine, s->now, table, &cursor, &view)) {
		if (++shown > want)
			sim_fail(s, "node %u: table %u shows more than its %llu flows", n->index,
				table, (unsigned long long)want);
		if (table == ENGINE_TABLE_LOCAL) {
			check_view(s, n, n, &view.flow);
			continue;
		}
		if (view.peer >= st->peers_count)
			sim_fail(s, "node %u: a flow of peer %u of %u", n->index, view.peer,
				st->peers_count);
		note_word(s, n, &view.flow);
		owner = sim_node_of_peer(s, st, view.peer);
		if (owner >= 0)
			check_view(s, n, &s->nodes[owner], &view.flow);
	}
	if (shown != want)
		sim_fail(s, "node %u: table %u shows %llu of %llu flows", n->index, table,
			(unsigned long long)shown, (unsigned long long)want);
}

void invariants_check(struct sim *s, struct sim_node *n)
{
	struct engine_status st;

	engine_check(n->engine);
	views_follow(s, n);
	check_counters(s, n);
	engine_get_status(n->engine, s->now, &st);
	check_status(s, n, &st);
	check_table(s, n, ENGINE_TABLE_LOCAL, &st);
	check_table(s, n, ENGINE_TABLE_REMOTE, &st);
	expect_check(s, n);
}

/*
 * With external_cache_off: what packets have changed here last, as far as the engine was told, does
 * not end because a peer says so. A purge is another matter.
 */
static void check_end(struct sim *s, const struct sim_node *n, const struct kernel_op *op)
{
	int slot = traffic_slot(&op->flow);
	const struct history *h;
	const struct history_state *last;

	if (!sim_injects(n) || n->purged || slot < 0 || (unsigned)slot >= s->params.slots)
		return;
	h = &n->kernel.history[slot];
	last = h->count > 0 ? &h->states[h->count - 1] : NULL;
	if (last && last->live && !last->rewritten && n->heard[slot] == last->flow.mark)
		sim_fail(s, "node %u deletes slot %d, version %u, which lives there", n->index,
			slot, last->flow.mark);
}

/*
 * What a node's former life on another link told (sim_node_of_peer()) is compared with nothing, and
 * nobody puts it right. So what of it was damaged on the way may be written as long as it is there.
 */
static bool may_be_damaged(struct sim *s, const struct sim_node *n, const struct flow *f)
{
	struct engine_flow_view v;
	struct engine_status st;

	if (s->params.corrupt_permille == 0 || s->params.corruption != SIM_CORRUPT_DELIVERED ||
		!engine_find(n->engine, ENGINE_TABLE_REMOTE, f, &v))
		return false;
	engine_get_status(n->engine, s->now, &st);
	return sim_node_of_peer(s, &st, v.peer) < 0;
}

void invariants_check_op(struct sim *s, struct sim_node *n, const struct kernel_op *op)
{
	const uint32_t never = FLOW_STATUS_EXPECTED | FLOW_STATUS_OFFLOAD | FLOW_STATUS_HW_OFFLOAD |
			       FLOW_STATUS_DYING | FLOW_STATUS_TEMPLATE | FLOW_STATUS_UNTRACKED |
			       FLOW_STATUS_HELPER;
	const struct flow *f = &op->flow;

	if (op->kind == KERNEL_OP_EXPECT_CREATE || op->kind == KERNEL_OP_EXPECT_DELETE) {
		expect_check_op(s, n, op);
		return;
	}
	if (op->kind == KERNEL_OP_EXPECT_FLUSH)
		return;
	if (!flow_has_addrs(f, FLOW_ORIG) || !flow_has(f, FLOW_ORIG_L4PROTO))
		sim_fail(s, "node %u: a write without a key", n->index);
	if (op->kind == KERNEL_OP_DELETE) {
		check_end(s, n, op);
		return;
	}
	/* An update repeats the bits that the entry has: the kernel wants some of them unchanged.
	 */
	if (op->kind == KERNEL_OP_CREATE && f->status & never)
		sim_fail(s, "node %u: a write with status %x", n->index, f->status);
	if (!flow_has(f, FLOW_TIMEOUT) || f->timeout == 0)
		sim_fail(s, "node %u: a write without a timeout", n->index);
	if (op->kind == KERNEL_OP_CREATE && !flow_has_addrs(f, FLOW_REPL))
		sim_fail(s, "node %u: a creation without a reply tuple", n->index);
	if (op->kind == KERNEL_OP_CREATE && flow_has(f, FLOW_TCP_STATE) &&
		flow_tcp_is_half_open(f->tcp.state) && !n->config.commit_half_open &&
		!n->config.external_cache_off)
		sim_fail(s, "node %u: a half-open connection is written", n->index);
	if (!s->relaxed && traffic_slot(f) < 0 && !may_be_damaged(s, n, f))
		sim_fail(s, "node %u: a write of a flow that nobody ever had", n->index);
}
