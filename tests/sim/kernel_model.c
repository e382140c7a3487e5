/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "base/check.h"
#include "flow/status.h"
#include "tests/sim/kernel_model.h"

void kernel_init(struct kernel_model *k, unsigned slots, size_t events_cap)
{
	*k = (struct kernel_model){.slots = slots, .events_cap = events_cap, .next_id = 1};
	k->entries = calloc(slots, sizeof(*k->entries));
	k->history = calloc(slots, sizeof(*k->history));
	k->events = calloc(events_cap, sizeof(*k->events));
	CHECK(k->entries && k->history && k->events);
	expect_model_init(&k->expects, slots);
}

void kernel_fini(struct kernel_model *k)
{
	for (unsigned i = 0; k->history && i < k->slots; i++)
		history_fini(&k->history[i]);
	expect_model_fini(&k->expects);
	free(k->entries);
	free(k->history);
	free(k->events);
	*k = (struct kernel_model){0};
}

void kernel_listen(struct kernel_model *k, bool on)
{
	k->listened = on;
	k->births_unheard = false;
	k->events_first = k->events_count = 0;
	k->events_lost = false;
	for (unsigned i = 0; i < k->slots; i++)
		k->entries[i].refused = false;
}

void kernel_reboot(struct kernel_model *k, mono now)
{
	for (unsigned i = 0; i < k->slots; i++) {
		if (k->entries[i].live)
			history_add(&k->history[i], now, NULL, false);
		k->entries[i].live = false;
	}
	expect_model_reboot(k);
	kernel_listen(k, false);
}

void kernel_tell(struct kernel_model *k, const struct kernel_fact *fact, bool silent)
{
	if (!k->listened || silent ||
		(k->births_unheard && fact->kind == KERNEL_EVENT_NEW && !fact->is_expect))
		return;
	if (k->events_count == k->events_cap) {
		k->events_lost = true;
		return;
	}
	k->events[(k->events_first + k->events_count++) % k->events_cap] = *fact;
}

static void event_put(struct kernel_model *k, enum kernel_event kind, const struct kernel_entry *e)
{
	struct kernel_fact fact = {.kind = kind, .flow = e->flow};

	for (int a = FLOW_MASTER_IPV4_SRC; a <= FLOW_MASTER_L4PROTO; a++)
		if (k->tells_parts && kind == KERNEL_EVENT_UPDATE)
			flow_mark_unset(&fact.flow, (enum flow_attr)a);
	kernel_tell(k, &fact, e->silent);
}

bool kernel_next_event(struct kernel_model *k, struct kernel_fact *out)
{
	if (k->events_count == 0)
		return false;
	*out = k->events[k->events_first];
	k->events_first = (k->events_first + 1) % k->events_cap;
	k->events_count--;
	return true;
}

static void entry_set(
	struct kernel_model *k, mono now, unsigned slot, const struct flow *f, bool rewritten)
{
	struct kernel_entry *e = &k->entries[slot];
	uint32_t id = e->live ? e->flow.id : k->next_id++;

	e->live = true;
	e->given_time = false;
	e->flow = *f;
	e->flow.id = id;
	flow_mark_set(&e->flow, FLOW_ID);
	e->ends = mono_add_sec(now, f->timeout);
	e->expires = k->frozen ? MONO_NEVER : e->ends;
	history_add(&k->history[slot], now, &e->flow, rewritten);
}

void kernel_put(struct kernel_model *k, mono now, unsigned slot, const struct flow *f)
{
	struct kernel_entry *e = &k->entries[slot];
	enum kernel_event kind = e->live ? KERNEL_EVENT_UPDATE : KERNEL_EVENT_NEW;

	if (!e->live) {
		e->silent = !k->listened && !k->never_silent;
		e->end_refused = false;
	}
	entry_set(k, now, slot, f, false);
	event_put(k, kind, e);
}

void kernel_end(struct kernel_model *k, mono now, unsigned slot)
{
	struct kernel_entry *e = &k->entries[slot];

	if (!e->live)
		return;
	e->live = false;
	history_add(&k->history[slot], now, NULL, false);
	e->flow.status |= FLOW_STATUS_DYING;
	flow_mark_unset(&e->flow, FLOW_TIMEOUT); /* a destroy event tells none */
	event_put(k, KERNEL_EVENT_DESTROY, e);
	expect_model_master_gone(k, slot);
}

void kernel_touch(struct kernel_model *k, mono now, unsigned slot)
{
	struct kernel_entry *e = &k->entries[slot];

	if (e->live && !k->frozen)
		e->ends = e->expires = mono_add_sec(now, e->flow.timeout);
}

void kernel_expire(struct kernel_model *k, mono now)
{
	for (unsigned i = 0; i < k->slots; i++)
		if (k->entries[i].live && mono_reached(now, k->entries[i].expires))
			kernel_end(k, now, i);
	expect_model_expire(k, now);
}

void kernel_freeze(struct kernel_model *k)
{
	for (unsigned i = 0; i < k->slots; i++)
		k->entries[i].expires = MONO_NEVER;
	expect_model_freeze(k);
	k->frozen = true;
}

bool kernel_read(const struct kernel_model *k, mono now, unsigned slot, struct flow *out)
{
	const struct kernel_entry *e = &k->entries[slot];

	if (!e->live)
		return false;
	*out = e->flow;
	if (mono_before(e->expires, now))
		out->timeout = 0;
	else if (!mono_is_never(e->expires))
		out->timeout = (uint32_t)mono_diff_sec(e->expires, now);
	return true;
}

static void update_protocol(struct flow *to, const struct flow *f)
{
	if (flow_has(f, FLOW_TCP_STATE))
		to->tcp.state = f->tcp.state;
	if (flow_has(f, FLOW_TCP_STATE) && flow_has(f, FLOW_TCP_WSCALE_ORIG) &&
		flow_has(f, FLOW_TCP_WSCALE_REPL)) {
		to->tcp.wscale[0] = f->tcp.wscale[0];
		to->tcp.wscale[1] = f->tcp.wscale[1];
		flow_mark_set(to, FLOW_TCP_WSCALE_ORIG);
		flow_mark_set(to, FLOW_TCP_WSCALE_REPL);
	}
	if (flow_has(f, FLOW_SCTP_STATE))
		to->sctp = f->sctp;
	if (flow_has(f, FLOW_DCCP_STATE)) {
		to->dccp.state = f->dccp.state;
		to->dccp.role = f->dccp.role;
	}
}

static void take_attrs(struct flow *to, const struct flow *f, enum flow_attr first, int last)
{
	for (int a = first; a <= last; a++)
		if (flow_has(f, (enum flow_attr)a))
			flow_mark_set(to, (enum flow_attr)a);
}

static bool is_timeout(const struct flow *f)
{
	return !flow_has(f, FLOW_STATUS) && !flow_has(f, FLOW_MARK) &&
	       !flow_has(f, FLOW_TCP_STATE) && !flow_has(f, FLOW_LABELS);
}

/* What ctnetlink changes on an entry that is there: no tuple, NAT, master or helper. */
static int entry_update(struct kernel_model *k, mono now, unsigned slot, const struct flow *f)
{
	const uint32_t fixed = FLOW_STATUS_EXPECTED | FLOW_STATUS_CONFIRMED | FLOW_STATUS_DYING;
	const uint32_t growing = FLOW_STATUS_SEEN_REPLY | FLOW_STATUS_ASSURED;
	struct flow merged = k->entries[slot].flow;

	if (flow_has(f, FLOW_STATUS)) {
		if ((merged.status ^ f->status) & fixed || merged.status & ~f->status & growing)
			return EBUSY;
		merged.status |= f->status & growing;
	}
	if (flow_has(f, FLOW_HELPER_NAME) || flow_has(f, FLOW_MASTER_L4PROTO) ||
		flow_has(f, FLOW_SNAT_IPV4) || flow_has(f, FLOW_DNAT_IPV4) ||
		flow_has(f, FLOW_SNAT_IPV6) || flow_has(f, FLOW_DNAT_IPV6))
		return EOPNOTSUPP;
	if (flow_has(f, FLOW_MARK))
		merged.mark = f->mark;
	merged.timeout = f->timeout;
	update_protocol(&merged, f);
	if (flow_has(f, FLOW_LABELS)) {
		merged.labels_len = f->labels_len;
		memcpy(merged.labels, f->labels, sizeof(merged.labels));
		flow_mark_set(&merged, FLOW_LABELS);
	}
	if (flow_has(f, FLOW_ORIG_SEQADJ_CORRECTION_POS)) {
		memcpy(merged.seqadj, f->seqadj, sizeof(merged.seqadj));
		merged.status |= FLOW_STATUS_SEQ_ADJUST;
		take_attrs(
			&merged, f, FLOW_ORIG_SEQADJ_CORRECTION_POS, FLOW_REPL_SEQADJ_OFFSET_AFTER);
	}
	if (flow_has(f, FLOW_SYNPROXY_ISN)) {
		merged.synproxy_isn = f->synproxy_isn;
		merged.synproxy_its = f->synproxy_its;
		merged.synproxy_tsoff = f->synproxy_tsoff;
		take_attrs(&merged, f, FLOW_SYNPROXY_ISN, FLOW_SYNPROXY_TSOFF);
	}
	entry_set(k, now, slot, &merged, true);
	k->entries[slot].given_time = is_timeout(f);
	return 0;
}

/* The kernel applies the NAT that is asked for, and reports it in the reply tuple alone. */
static void nat_apply(struct flow *f)
{
	static const enum flow_attr asked[] = {FLOW_SNAT_IPV4, FLOW_DNAT_IPV4, FLOW_SNAT_IPV6,
		FLOW_DNAT_IPV6, FLOW_SNAT_PORT, FLOW_DNAT_PORT};
	struct flow_tuple *reply = &f->tuple[FLOW_REPL];

	if (flow_has(f, FLOW_SNAT_IPV4) || flow_has(f, FLOW_SNAT_IPV6)) {
		reply->dst = f->snat;
		f->status |= FLOW_STATUS_SRC_NAT | FLOW_STATUS_SRC_NAT_DONE;
		if (flow_has(f, FLOW_SNAT_PORT))
			reply->dport_be = f->snat_port_be;
	}
	if (flow_has(f, FLOW_DNAT_IPV4) || flow_has(f, FLOW_DNAT_IPV6)) {
		reply->src = f->dnat;
		f->status |= FLOW_STATUS_DST_NAT | FLOW_STATUS_DST_NAT_DONE;
		if (flow_has(f, FLOW_DNAT_PORT))
			reply->sport_be = f->dnat_port_be;
	}
	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		flow_mark_unset(f, asked[i]);
}

/*
 * The model has one entry for a slot. A flow whose key was damaged on the way would be another flow
 * to a kernel; here it is refused.
 */
static bool has_own_key(const struct flow *f, int slot)
{
	struct flow key;

	if (slot < 0)
		return false;
	traffic_key((unsigned)slot, &key);
	return f->tuple[FLOW_ORIG].sport_be == key.tuple[FLOW_ORIG].sport_be &&
	       f->tuple[FLOW_ORIG].dport_be == key.tuple[FLOW_ORIG].dport_be &&
	       (flow_has(f, FLOW_ZONE) ? f->zone : 0) == key.zone;
}

/* Ports or GRE keys are wanted of the protocols that have them. */
static bool has_whole_key(const struct flow *f)
{
	uint8_t l4 = f->tuple[FLOW_ORIG].l4;

	return !(flow_l4_has_ports(l4) || l4 == IPPROTO_GRE) ||
	       (flow_has(f, FLOW_ORIG_PORT_SRC) && flow_has(f, FLOW_ORIG_PORT_DST));
}

static int flow_write(
	struct kernel_model *k, mono now, unsigned slot, struct rng *r, const struct kernel_op *op)
{
	static const int refusals[] = {ENOMEM, EBUSY, EINVAL, EOPNOTSUPP};
	struct kernel_entry *e = &k->entries[slot];
	struct flow f = op->flow;

	if (op->kind != KERNEL_OP_CREATE && !e->live)
		return ENOENT;
	if (op->kind == KERNEL_OP_CREATE && e->live)
		return EEXIST;
	if (dice_permille(r, k->refuse_permille))
		return refusals[rng_below(r, sizeof(refusals) / sizeof(refusals[0]))];
	if (op->kind == KERNEL_OP_DELETE) {
		e->live = false;
		history_add(&k->history[slot], now, NULL, true);
		expect_model_master_gone(k, slot); /* these are told of: not our own */
		return 0;
	}
	if (op->kind == KERNEL_OP_UPDATE)
		return entry_update(k, now, slot, &f);
	e->silent = false;
	nat_apply(&f);
	f.status |= FLOW_STATUS_CONFIRMED;
	if (flow_has(&f, FLOW_ORIG_SEQADJ_CORRECTION_POS))
		f.status |= FLOW_STATUS_SEQ_ADJUST;
	if (flow_has(&f, FLOW_HELPER_NAME))
		f.status |= FLOW_STATUS_HELPER;
	entry_set(k, now, slot, &f, true);
	return 0;
}

/* Of what had been there before it was written, an end leaves nothing but a timeout. */
static bool is_end(const struct kernel_op *op)
{
	return op->kind == KERNEL_OP_DELETE ||
	       (op->kind == KERNEL_OP_UPDATE && is_timeout(&op->flow));
}

int kernel_write(struct kernel_model *k, mono now, struct rng *r, const struct kernel_op *op)
{
	const struct flow *f = &op->flow;
	struct kernel_entry *e;
	int slot, err;

	if (op->kind == KERNEL_OP_EXPECT_CREATE || op->kind == KERNEL_OP_EXPECT_DELETE)
		return expect_model_write(k, now, r, op);
	if (op->kind == KERNEL_OP_EXPECT_FLUSH)
		return expect_model_flush(k);
	slot = traffic_slot(f);
	if (!has_whole_key(f))
		return EINVAL;
	if (!has_own_key(f, slot) || (unsigned)slot >= k->slots)
		return op->kind == KERNEL_OP_CREATE ? EINVAL : ENOENT;
	err = flow_write(k, now, (unsigned)slot, r, op);
	e = &k->entries[slot];
	e->refused = err && err != EEXIST && err != ENOENT;
	e->refused_version = f->mark;
	e->end_refused = e->live && (e->end_refused || (e->refused && is_end(op)));
	return err;
}

unsigned kernel_count(const struct kernel_model *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->slots; i++)
		n += k->entries[i].live;
	return n;
}
