/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "flow/status.h"
#include "tests/sim/expect_check.h"
#include "tests/sim/invariants.h"

enum {
	RECORD_SLACK_S = 5, /* of when a written entry was to end */
	WORD_SLACK_S = 2, /* of how much was left when a peer's word was last seen */
};

static const char *const sync_names[] = {
	"SYNCED", "SYNC_SILENT", "SYNC_HANDSHAKE", "SYNC_BULK", "SYNC_GAP", "SYNC_LAGGING"};

/*
 * A former daemon has written it for a peer, and packets have changed it, or begun it anew, while
 * no daemon ran. If they have left it no more time than it was written for, nothing says that they
 * came: it is no one's until a peer tells it, or it sends an event.
 */
static bool is_a_formers(struct sim *s, const struct sim_node *n, const struct kernel_entry *e,
	const struct history *h)
{
	const struct history_state *x = &h->states[h->count - 1];
	struct engine_status st;

	engine_get_status(n->engine, s->now, &st);
	if (st.former_flows == 0 || !mono_before(x->at, n->started))
		return false;
	while (x > h->states && !x->rewritten)
		x--;
	return x->rewritten &&
	       mono_before(e->ends, mono_add_sec(x->at, x->flow.timeout + RECORD_SLACK_S));
}

void invariants_purged(struct sim_node *n)
{
	const struct kernel_model *k = &n->kernel;
	struct engine_flow_view v;

	for (unsigned slot = 0; slot < k->slots && n->config.external_cache_off; slot++) {
		const struct history *h = &k->history[slot];
		const struct flow *f = &k->entries[slot].flow;

		if (k->entries[slot].live && !h->states[h->count - 1].rewritten &&
			engine_find(n->engine, ENGINE_TABLE_REMOTE, f, &v) &&
			!engine_find(n->engine, ENGINE_TABLE_LOCAL, f, &v))
			n->left[slot] = f->mark;
	}
}

/*
 * With external_cache_off, a purge has left it to a peer that had told it, and whose memory of it
 * has run out since: its own kernel had lost it before. It is left to the timer here as well.
 */
static bool was_left(const struct sim_node *n, unsigned slot)
{
	return n->left[slot] > 0 && n->left[slot] == n->kernel.entries[slot].flow.mark;
}

/*
 * With external_cache_off, or a warm standby, a flow that a peer has told is in the local table
 * only if it is ours, too. One that no peer tells any more, and that we wrote, was left to the
 * kernel's timer, which stands still by now; how many those may be is a matter of the unit tests.
 */
static bool is_a_peers(struct sim *s, const struct sim_node *n, unsigned slot)
{
	const struct history *h = &n->kernel.history[slot];
	const struct flow *f = &n->kernel.entries[slot].flow;
	struct engine_flow_view v;

	return sim_injects(n) && !engine_find(n->engine, ENGINE_TABLE_LOCAL, f, &v) &&
	       (engine_find(n->engine, ENGINE_TABLE_REMOTE, f, &v) ||
		       h->states[h->count - 1].rewritten || was_left(n, slot) ||
		       is_a_formers(s, n, &n->kernel.entries[slot], h));
}

/* Some peer tells a slot's flow in this version. */
static bool is_told(struct sim *s, const struct sim_node *n, int slot, uint32_t version)
{
	struct engine_flow_view v;
	uint64_t cursor = 0;

	while (engine_show_next(n->engine, s->now, ENGINE_TABLE_REMOTE, &cursor, &v))
		if (traffic_slot(&v.flow) == slot && v.flow.mark == version)
			return true;
	return false;
}

/* A slot's flow in n's kernel may be another than this one, which a peer has told. */
static bool may_differ(struct sim *s, struct sim_node *n, unsigned slot, const struct flow *told)
{
	const struct kernel_entry *e = &n->kernel.entries[slot];
	const struct history *h = &n->kernel.history[slot];
	struct engine_flow_view own;

	if (told->mark == 0) /* a partial update */
		return true;
	/* packets have changed it, and no event tells: it was born while nobody listened */
	if (e->silent && !h->states[h->count - 1].rewritten && n->config.standby_warm)
		return true;
	/* ours as well; without an internal cache, by what happened here last, or on a third node
	 */
	if (n->config.internal_cache_off &&
		(!h->states[h->count - 1].rewritten || s->params.nodes > 2))
		return true;
	if (is_told(s, n, (int)slot, e->flow.mark))
		return true;
	/* ours as well: what packets have changed here may be newer; what was written last is not
	 */
	return engine_find(n->engine, ENGINE_TABLE_LOCAL, &e->flow, &own) &&
	       !h->states[h->count - 1].rewritten;
}

/* A warm standby's kernel need not have it: it has not settled. */
static bool is_cold(const struct sim_node *n, const struct flow *f)
{
	uint32_t settled = FLOW_STATUS_ASSURED;

	if (!n->config.standby_warm)
		return false;
	if (flow_has(f, FLOW_TCP_STATE) && flow_tcp_is_half_open(f->tcp.state))
		return true;
	if (f->tuple[FLOW_ORIG].l4 == IPPROTO_TCP)
		return f->tcp.state != FLOW_TCP_ESTABLISHED && !(f->status & settled);
	if (!flow_l4_has_key(f->tuple[FLOW_ORIG].l4) || flow_l4_is_icmp(f->tuple[FLOW_ORIG].l4))
		settled |= FLOW_STATUS_SEEN_REPLY;
	return !(f->status & settled);
}

/* The former life of a node that came back on another link: nobody tells of its flows any more. */
static bool is_former(const struct sim *s, const struct sim_node *n, unsigned peer)
{
	struct engine_status st;

	engine_get_status(n->engine, s->now, &st);
	return sim_node_of_peer(s, &st, peer) < 0;
}

/*
 * The node that told v has it as other is told, by a write of its own, of which it tells nobody. A
 * former life tells nothing any more.
 */
static bool is_no_word_now(const struct sim *s, const struct sim_node *n,
	const struct engine_flow_view *v, const struct flow *other)
{
	const struct kernel_model *k;
	const struct history *h;
	struct engine_status st;
	int slot = traffic_slot(&v->flow), owner;

	engine_get_status(n->engine, s->now, &st);
	owner = sim_node_of_peer(s, &st, v->peer);
	if (owner < 0)
		return true;
	k = &s->nodes[owner].kernel;
	h = &k->history[slot];
	return k->entries[slot].live && h->states[h->count - 1].rewritten &&
	       k->entries[slot].flow.mark == other->mark;
}

/*
 * What tells v is no word of today, and somebody else has told the flow since, which has not
 * settled. A warm standby goes by the later word, and need not have either.
 */
static bool is_cold_by_now(
	struct sim *s, const struct sim_node *n, const struct engine_flow_view *v)
{
	struct engine_flow_view other;
	uint64_t cursor = 0;

	if (!n->config.standby_warm)
		return false;
	while (engine_show_next(n->engine, s->now, ENGINE_TABLE_REMOTE, &cursor, &other))
		if (traffic_slot(&other.flow) == traffic_slot(&v->flow) &&
			other.flow.mark > v->flow.mark && is_cold(n, &other.flow) &&
			is_no_word_now(s, n, v, &other.flow))
			return true;
	return false;
}

/*
 * A former life has told v, and packets have changed the flow in n's kernel since. Its table stays,
 * since it might be the only copy of a node that has died. With external_cache_off, what has ended
 * is written when it is told again, and here it will not be; what came to the tuple after the end,
 * in an event that was lost, a dump alone does not make ours. A warm standby looks for what its
 * kernel has ended.
 */
static bool is_bygone(
	const struct sim *s, const struct sim_node *n, const struct engine_flow_view *v)
{
	int slot = traffic_slot(&v->flow);
	const struct history *h = &n->kernel.history[slot];
	const struct history_state *last, *flow;

	if (n->config.standby_warm || h->count < 2)
		return false;
	last = &h->states[h->count - 1];
	if (last->rewritten || mono_before(last->at, n->started))
		return false;
	flow = last->live ? last : last - 1;
	if (flow->flow.mark < v->flow.mark || (last->live && n->heard[slot] == flow->flow.mark))
		return false;
	return is_former(s, n, v->peer);
}

/*
 * With external_cache_off, what its peer has lost with its kernel's table is kept until its time
 * runs out, and not written again: another peer may have told more since, and ended it, which the
 * kernel keeps for this one's sake; or the kernel has refused it, and nothing was asked for since.
 */
static bool is_kept(const struct sim *s, const struct sim_node *n, const struct engine_flow_view *v)
{
	int slot = traffic_slot(&v->flow), owner;
	const struct kernel_entry *e = &n->kernel.entries[slot];
	struct engine_status st;

	if (n->config.standby_warm || (!(e->refused && e->refused_version == v->flow.mark) &&
					      (!e->live || e->flow.mark < v->flow.mark)))
		return false;
	engine_get_status(n->engine, s->now, &st);
	owner = sim_node_of_peer(s, &st, v->peer);
	return owner < 0 || !s->nodes[owner].kernel.entries[slot].live;
}

/* Packets have made it here, and the filter keeps it from being ours: nobody looks at it. */
static bool is_filtered(const struct sim_node *n, unsigned slot)
{
	const struct kernel_entry *e = &n->kernel.entries[slot];
	const struct history *h = &n->kernel.history[slot];

	return e->live && !h->states[h->count - 1].rewritten &&
	       !flow_filter_match(&n->config.filter, &e->flow);
}

/* What peers have told is in the kernel, and the newest of it. */
static bool kernel_has_remote(struct sim *s, struct sim_node *n, char *why, size_t cap)
{
	struct engine_flow_view v;
	uint64_t cursor = 0;

	if (!sim_injects(n))
		return true;
	while (engine_show_next(n->engine, s->now, ENGINE_TABLE_REMOTE, &cursor, &v)) {
		int slot = traffic_slot(&v.flow);
		const struct kernel_entry *e;

		if (slot < 0 || slot >= TRAFFIC_WHOLE_SLOTS || (unsigned)slot >= n->kernel.slots)
			continue;
		e = &n->kernel.entries[slot];
		/* a flow before it may be left there, if its end was refused, or is a timer's */
		if (is_cold(n, &v.flow) && (!e->live || e->end_refused || e->given_time ||
						   is_filtered(n, (unsigned)slot)))
			continue;
		if (e->live &&
			(e->flow.mark == v.flow.mark || may_differ(s, n, (unsigned)slot, &v.flow)))
			continue;
		if (is_bygone(s, n, &v) || is_kept(s, n, &v) ||
			(!e->live && is_cold_by_now(s, n, &v)))
			continue;
		snprintf(why, cap, "node %u: slot %d: a peer told version %u, the kernel has %u",
			n->index, slot, v.flow.mark, e->live ? e->flow.mark : 0);
		return false;
	}
	return true;
}

/* The first state of what is in the slot now. */
static int first_of_life(const struct history *h)
{
	int first = h->count - 1;

	while (first > 0 && h->states[first - 1].live)
		first--;
	return first;
}

/* What is in the slot was there before anybody wrote it. */
static bool was_born_by_packets(const struct history *h)
{
	return !h->states[first_of_life(h)].rewritten;
}

static bool was_changed_by_packets(const struct history *h)
{
	for (int i = first_of_life(h); i < h->count; i++)
		if (!h->states[i].rewritten)
			return true;
	return false;
}

/*
 * The last peer to tell the slot's flow gave it no time any more, and the kernel not much more than
 * that: see inject_ended().
 */
static bool has_run_out(const struct sim_node *n, unsigned slot)
{
	const struct sim_word *w = &n->words[slot];

	return w->at.ns > 0 && !mono_is_never(w->ends) &&
	       mono_diff_sec(w->ends, w->at) <= LIMIT_RUN_OUT_S + WORD_SLACK_S &&
	       mono_diff_sec(n->kernel.entries[slot].ends, w->at) <= LIMIT_DEAD_TIMEOUT_S;
}

/*
 * Packets have changed it here, and a peer that had taken it over has lost it: it was given a
 * minute, in which packets would show that it lives here, and a dump takes it for ours again. The
 * write names a timeout alone, so that the version stays, and by now no timer ends it. Nor does one
 * end what was born here by packets, had been written as the peer had it, and was forgotten when
 * its time had run out there. What we have made ourselves, and could not end, counts as what was
 * there before.
 */
static bool is_given_back(const struct sim_node *n, unsigned slot)
{
	const struct kernel_entry *e = &n->kernel.entries[slot];
	const struct history *h = &n->kernel.history[slot];

	return (e->given_time && (e->end_refused || was_changed_by_packets(h))) ||
	       (has_run_out(n, slot) && (e->end_refused || was_born_by_packets(h)));
}

/*
 * Packets have made it what it was before the last write, and their event was read behind that: to
 * the engine they came later, so that no peer's word ends it. Since the filter refused what the
 * event told, it need not be in the local table for that.
 */
static bool was_heard_later(const struct sim_node *n, unsigned slot)
{
	const struct history *h = &n->kernel.history[slot];
	const struct history_state *first = &h->states[first_of_life(h)],
				   *last = &h->states[h->count - 1], *x = last;

	while (x > first && x->rewritten)
		x--;
	return !x->rewritten && n->heard[slot] == x->flow.mark &&
	       mono_before(last->at, n->heard_at[slot]) &&
	       !flow_filter_match(&n->config.filter, &x->flow);
}

/*
 * What was written for a peer into a warm standby's kernel, and no packet has changed since, is
 * there because a peer has it. That holds for who has done nothing else since its machine's start.
 */
static bool kernel_has_no_more(struct sim *s, struct sim_node *n, char *why, size_t cap)
{
	struct engine_flow_view v;

	if (!n->config.standby_warm || n->boot > 1 || n->took_over || n->committed || n->flushed ||
		s->params.corrupt_permille > 0)
		return true;
	for (unsigned slot = 0; slot < n->kernel.slots; slot++) {
		const struct kernel_entry *e = &n->kernel.entries[slot];
		const struct history *h = &n->kernel.history[slot];

		if (!e->live || !h->states[h->count - 1].rewritten || is_given_back(n, slot) ||
			(e->end_refused && e->refused) || was_heard_later(n, slot) ||
			engine_find(n->engine, ENGINE_TABLE_REMOTE, &e->flow, &v))
			continue;
		/* ours, since before a peer told more of it */
		if (engine_find(n->engine, ENGINE_TABLE_LOCAL, &e->flow, &v) &&
			(!v.silent || (n->words[slot].ours && was_changed_by_packets(h))))
			continue;
		snprintf(why, cap, "node %u: slot %u: version %u was written, and no peer has it",
			n->index, slot, e->flow.mark);
		return false;
	}
	return true;
}

/* What owner has in a slot, and its peers should know. False if nothing. */
static bool owner_has(const struct sim_node *owner, unsigned slot, struct engine_flow_view *out)
{
	const struct kernel_entry *e = &owner->kernel.entries[slot];

	if (!owner->config.internal_cache_off)
		return engine_find(owner->engine, ENGINE_TABLE_LOCAL, &e->flow, out);
	out->flow = e->flow;
	return e->live && flow_filter_match(&owner->config.filter, &e->flow);
}

static uint64_t owner_flows(struct sim *s, const struct sim_node *owner)
{
	struct engine_flow_view v;
	struct engine_status st;
	uint64_t count = 0;

	engine_get_status(owner->engine, s->now, &st);
	if (!owner->config.internal_cache_off)
		return st.local_flows;
	for (unsigned slot = 0; slot < owner->kernel.slots; slot++)
		count += owner_has(owner, slot, &v);
	return count;
}

/* Of what a node has, what it need not have told: SyncDelay spares what closed meanwhile. */
static uint64_t owner_spares(struct sim *s, const struct sim_node *owner)
{
	struct engine_flow_view v;
	uint64_t cursor = 0, count = 0;

	if (owner->config.sync_delay_ms == 0)
		return 0;
	while (engine_show_next(owner->engine, s->now, ENGINE_TABLE_LOCAL, &cursor, &v))
		count += flow_has(&v.flow, FLOW_TCP_STATE) &&
			 (v.flow.tcp.state == FLOW_TCP_TIME_WAIT ||
				 v.flow.tcp.state == FLOW_TCP_CLOSE);
	return count;
}

/* The local table names exactly what the kernel has and the filter lets pass. */
static bool local_is_kernel(struct sim *s, struct sim_node *n, char *why, size_t cap)
{
	const struct traffic_compare c = {.window_scale = true};
	struct engine_status st;
	struct engine_flow_view v;
	uint64_t wanted = 0;

	for (unsigned slot = 0; slot < n->kernel.slots && !n->config.internal_cache_off; slot++) {
		const struct kernel_entry *e = &n->kernel.entries[slot];
		const struct history *h = &n->kernel.history[slot];
		struct traffic_compare mine = c;
		const char *what = "missing";

		if (!e->live || !flow_filter_match(&n->config.filter, &e->flow) ||
			is_a_peers(s, n, slot))
			continue;
		/* While the filter kept it out nobody looked at it, and it sends no event. */
		if (e->silent && n->config.filter.state_policy != FLOW_FILTER_OFF &&
			!engine_find(n->engine, ENGINE_TABLE_LOCAL, &e->flow, &v))
			continue;
		wanted++;
		mine.rewritten = h->states[h->count - 1].rewritten;
		if (!engine_find(n->engine, ENGINE_TABLE_LOCAL, &e->flow, &v) ||
			!traffic_same(&e->flow, &v.flow, &mine, &what)) {
			snprintf(why, cap, "node %u: slot %u, version %u: local table differs: %s",
				n->index, slot, e->flow.mark, what);
			return false;
		}
	}
	engine_get_status(n->engine, s->now, &st);
	if (st.local_flows != wanted) {
		snprintf(why, cap, "node %u: %llu local flows, the kernel has %llu", n->index,
			(unsigned long long)st.local_flows, (unsigned long long)wanted);
		return false;
	}
	return true;
}

static const struct engine_peer_status *peer_find(
	const struct sim *s, const struct engine_status *st, unsigned node, unsigned *index)
{
	for (unsigned i = 0; i < st->peers_count; i++) {
		if (sim_node_of_peer(s, st, i) == (int)node) {
			*index = i;
			return &st->peers[i];
		}
	}
	return NULL;
}

/*
 * Owner has purged it from its kernel since; that is not told to peers, who may hold the last copy.
 * What came to the tuple after that may be nothing that passes the filter.
 */
static bool was_purged(const struct sim_node *n, const struct sim_node *owner, int slot)
{
	const struct history *h;
	int from;

	if (slot < 0 || (unsigned)slot >= owner->kernel.slots)
		return false;
	h = &owner->kernel.history[slot];
	from = n->views[owner->index][slot].at;
	for (int i = from < 0 ? 0 : from; i < h->count; i++)
		if (!h->states[i].live && h->states[i].rewritten)
			return true;
	return false;
}

/*
 * A bare commit writes flows that peers are not told of; they may hold an older state. So does what
 * is written for one peer into a flow that is ours.
 */
static bool was_committed(const struct sim_node *owner, int slot)
{
	const struct history *h = &owner->kernel.history[slot];

	return (owner->committed || sim_injects(owner)) && h->count > 0 &&
	       h->states[h->count - 1].live && h->states[h->count - 1].rewritten;
}

/* n's table of owner's flows is owner's local table. Flows that n took over may be missing. */
static bool remote_is_local(
	struct sim *s, struct sim_node *n, struct sim_node *owner, char *why, size_t cap)
{
	const struct traffic_compare c = {
		.over_wire = true, .window_scale = owner->config.tcp_window_tracking};
	bool seen[TRAFFIC_SLOTS_MAX] = {false};
	struct engine_status st;
	const struct engine_peer_status *peer;
	uint64_t have = owner_flows(s, owner);
	bool mute = s->params.config.mode == ENGINE_MODE_ALARM && have == 0;
	struct engine_flow_view v, own;
	uint64_t cursor = 0, shown = 0;
	const char *what;
	unsigned index;
	int slot;

	engine_get_status(n->engine, s->now, &st);
	peer = peer_find(s, &st, owner->index, &index);
	if (!mute && (!peer || peer->sync != ENGINE_SYNCED)) {
		snprintf(why, cap, "node %u: peer %u is %s", n->index, owner->index,
			peer ? sync_names[peer->sync] : "unknown");
		return false;
	}
	while (engine_show_next(n->engine, s->now, ENGINE_TABLE_REMOTE, &cursor, &v)) {
		if (!peer || v.peer != index)
			continue;
		slot = traffic_slot(&v.flow);
		if (was_purged(n, owner, slot) && !owner_has(owner, (unsigned)slot, &own))
			continue;
		if (slot >= 0 && was_committed(owner, slot)) {
			shown++;
			continue;
		}
		what = "not there any more";
		v.flow.timeout = 0; /* each clock runs by itself */
		if (slot < 0 || slot >= TRAFFIC_SLOTS_MAX || seen[slot] ||
			!owner_has(owner, (unsigned)slot, &own) ||
			!traffic_same(&own.flow, &v.flow, &c, &what)) {
			snprintf(why, cap, "node %u: of node %u, slot %d, version %u: %s", n->index,
				owner->index, slot, v.flow.mark, what);
			return false;
		}
		seen[slot] = true;
		shown++;
	}
	/* without any cache nobody can tell what the owner wrote from what it owns */
	if (owner->config.internal_cache_off && owner->config.external_cache_off)
		have = shown;
	if (shown != have && !(shown < have && (n->took_over || owner->committed ||
						       shown + owner_spares(s, owner) >= have))) {
		snprintf(why, cap, "node %u: of node %u: %llu flows of %llu", n->index,
			owner->index, (unsigned long long)shown, (unsigned long long)have);
		return false;
	}
	return true;
}

static bool node_is_settled(struct sim *s, struct sim_node *n, char *why, size_t cap)
{
	struct engine_status st;
	const char *what = NULL;

	engine_get_status(n->engine, s->now, &st);
	if (!st.kernel_synced)
		what = "kernel not synced";
	else if (st.tombstones > 0)
		what = "tombstones";
	else if (st.send_queue > 0)
		what = "send queue";
	else if (st.committing)
		what = "committing";
	else if (st.purge_scheduled)
		what = "purge scheduled";
	else if (n->commands_count > 0)
		what = "commands under way";
	else if (st.inject_queue > 0 && !n->config.standby_warm) /* kernel_has_remote() */
		what = "flows to be written";
	else if (n->ops_in_flight > 0)
		what = "writes in flight";
	if (what)
		snprintf(why, cap, "node %u: %s", n->index, what);
	return !what;
}

bool invariants_converged(struct sim *s, char *why, size_t cap)
{
	for (unsigned i = 0; i < s->params.nodes; i++) {
		struct sim_node *n = &s->nodes[i];

		if (!n->running)
			continue;
		if (!node_is_settled(s, n, why, cap) || !local_is_kernel(s, n, why, cap) ||
			!kernel_has_remote(s, n, why, cap) || !kernel_has_no_more(s, n, why, cap) ||
			!expect_local_is_kernel(s, n, why, cap))
			return false;
		for (unsigned o = 0; o < s->params.nodes; o++)
			if (o != i && s->nodes[o].running &&
				(!remote_is_local(s, n, &s->nodes[o], why, cap) ||
					!expect_remote_is_local(s, n, &s->nodes[o], why, cap)))
				return false;
	}
	return true;
}
