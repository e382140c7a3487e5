/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/buf.h"
#include "core_pair.h"
#include "unit.h"
#include "wire/v1.h"

#define LOCAL  ENGINE_TABLE_LOCAL
#define REMOTE ENGINE_TABLE_REMOTE

/* Two nodes in NOTRACK mode without an internal cache. */
static struct pair *pair_without_cache(void)
{
	struct engine_config c = pair_config();

	c.mode = ENGINE_MODE_NOTRACK;
	c.internal_cache_off = true;
	return pair_new(&c);
}

static struct pair *started(void)
{
	struct pair *p = pair_without_cache();

	pair_exchange(p);
	for (unsigned n = 0; n < 2; n++)
		pair_dump_empty(p, n);
	pair_run(p, 2000);
	for (unsigned n = 0; n < 2; n++) {
		pair_dump_empty(p, n);
		p->node[n].ops_count = 0;
	}
	pair_run(p, 2000);
	pair_forget(p);
	return p;
}

static void tell(struct pair *p, unsigned n, enum kernel_event kind, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, n, kind, &f);
	}
}

static void dump(struct pair *p, unsigned n, uint32_t first, uint32_t count)
{
	pair_event(p, n, KERNEL_DUMP_BEGIN, NULL);
	tell(p, n, KERNEL_DUMP_FLOW, first, count);
	pair_event(p, n, KERNEL_DUMP_END, NULL);
}

static bool knows(struct pair *p, unsigned n, uint32_t number)
{
	struct flow f = pair_flow(number);

	return pair_has(p, n, REMOTE, &f);
}

static unsigned pulled(struct pair *p, unsigned n, enum kernel_op_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->node[n].ops_count; i++)
		count += p->node[n].ops[i].kind == kind;
	return count;
}

static void what_is_sent_is_forgotten(void)
{
	struct pair *p = started();

	tell(p, 0, KERNEL_EVENT_NEW, 0, 100);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 100);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 0).send_queue, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	tell(p, 0, KERNEL_EVENT_DESTROY, 0, 50);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_status(p, 0).tombstones, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 50);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void what_waits_is_said_once(void)
{
	struct pair *p = started();
	uint64_t sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);

	tell(p, 0, KERNEL_EVENT_NEW, 0, 10);
	tell(p, 0, KERNEL_EVENT_UPDATE, 0, 10);
	tell(p, 0, KERNEL_EVENT_DESTROY, 0, 5);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent + 5);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 5);
	/* of an update nobody here knows what the peers have: its end has to be told */
	tell(p, 0, KERNEL_EVENT_UPDATE, 5, 1);
	tell(p, 0, KERNEL_EVENT_DESTROY, 5, 1);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 4);
	pair_free(p);
}

static enum wire_v1_type type_of_last(const struct pair *p, unsigned n)
{
	struct rbuf r = rbuf_of(p->last[n], p->last_len[n]);
	struct wire_v1_message m;

	CU_ASSERT_FATAL(wire_v1_next(&r, &m) == WIRE_V1_OK);
	return (enum wire_v1_type)m.type;
}

static void messages_have_the_type_of_their_event(void)
{
	struct pair *p = started();

	tell(p, 0, KERNEL_EVENT_NEW, 1, 1);
	pair_exchange(p);
	CU_ASSERT_EQUAL(type_of_last(p, 0), WIRE_V1_CT_NEW);
	tell(p, 0, KERNEL_EVENT_UPDATE, 1, 1);
	pair_exchange(p);
	CU_ASSERT_EQUAL(type_of_last(p, 0), WIRE_V1_CT_UPD);
	tell(p, 0, KERNEL_EVENT_DESTROY, 1, 1);
	pair_exchange(p);
	CU_ASSERT_EQUAL(type_of_last(p, 0), WIRE_V1_CT_DEL);
	pair_free(p);
}

/* The end of a flow carries no mark, as a rule; what passed a filter by mark ends for peers too. */
static void an_end_is_told_whatever_the_mark(void)
{
	struct engine_config c = pair_config();
	struct flow f = pair_flow(1);
	struct pair *p;

	c.mode = ENGINE_MODE_NOTRACK;
	c.internal_cache_off = true;
	c.filter.mark_policy = FLOW_FILTER_ACCEPT;
	CU_ASSERT_EQUAL(flow_filter_add_mark(&c.filter, 7, 0xff), 0);
	p = pair_new(&c);
	pair_exchange(p);
	f.mark = 7;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	pair_exchange(p);
	CU_ASSERT_TRUE(knows(p, 1, 1));
	flow_mark_unset(&f, FLOW_MARK);
	f.mark = 0;
	pair_event(p, 0, KERNEL_EVENT_DESTROY, &f);
	pair_exchange(p);
	CU_ASSERT_FALSE(knows(p, 1, 1));
	pair_free(p);
}

/* A peer's request is answered by a dump, whose end sweeps what it did not name. */
static void a_bulk_is_a_dump(void)
{
	struct pair *p = started();

	tell(p, 0, KERNEL_EVENT_NEW, 0, 100);
	pair_exchange(p);
	pair_command(p, 1, ENGINE_RESYNC_PEERS, 1);
	p->node[0].ops_count = 0;
	pair_run(p, 2500);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DUMP), 1);
	dump(p, 0, 50, 3000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 100);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 3000);
	CU_ASSERT_FALSE(knows(p, 1, 49));
	CU_ASSERT_TRUE(knows(p, 1, 3049));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	pair_free(p);
}

static void a_bulk_command_ends_when_all_has_been_sent(void)
{
	struct pair *p = started();

	pair_command(p, 0, ENGINE_BULK, 7);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DUMP), 1);
	dump(p, 0, 0, 200);
	CU_ASSERT_PTR_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	pair_exchange(p);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 200);
	pair_free(p);
}

/* The END has to come after the dump's last flow, however events come between. */
static void the_end_comes_after_the_last_flow(void)
{
	struct pair *p = started();
	uint8_t buf[2048];
	unsigned link, ends = 0, flows = 0;
	size_t len;

	pair_command(p, 0, ENGINE_BULK, 7);
	dump(p, 0, 0, 100);
	for (uint32_t i = 1000; ends == 0; i++) {
		struct rbuf r;
		struct wire_v1_message m;
		struct wire_v1_mark mark;

		tell(p, 0, KERNEL_EVENT_NEW, 100 * i, 30); /* more than goes into a datagram */
		len = engine_next_datagram(p->node[0].engine, p->now, buf, sizeof(buf), &link);
		CU_ASSERT_FATAL(len > 0 && i < 1100);
		r = rbuf_of(buf, len);
		while (wire_v1_next(&r, &m) == WIRE_V1_OK) {
			flows += m.type != WIRE_V1_CTL;
			if (m.type == WIRE_V1_CTL && wire_v1_get_mark(&m, &mark) &&
				mark.kind == WIRE_V1_MARK_BULK_END)
				ends++;
		}
	}
	CU_ASSERT(flows >= 100);
	CU_ASSERT(pair_status(p, 0).send_queue > 0);
	pair_free(p);
}

/* Neither an end nor a change that was told is followed by what the dump had read before. */
static void a_dump_brings_nothing_old_back(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1);
	struct engine_flow_view v;

	f.timeout = 100;
	flow_mark_set(&f, FLOW_TIMEOUT);
	f.mark = 1;
	flow_mark_set(&f, FLOW_MARK);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	tell(p, 0, KERNEL_EVENT_DESTROY, 2, 1);
	f.mark = 2;
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &f);
	pair_exchange(p);
	f.mark = 1;
	pair_event(p, 0, KERNEL_DUMP_FLOW, &f);
	tell(p, 0, KERNEL_DUMP_FLOW, 2, 1);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_run(p, 1000);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 2);
	CU_ASSERT_FALSE(knows(p, 1, 2));
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	pair_free(p);
}

/* What an event left out is taken from the dump. */
static void a_dump_completes_what_an_event_left_out(void)
{
	struct pair *p = started();
	struct flow f = pair_flow(1), part = f;
	struct engine_flow_view v;

	f.mark = 5;
	flow_mark_set(&f, FLOW_MARK);
	f.timeout = part.timeout = 100;
	flow_mark_set(&f, FLOW_TIMEOUT);
	flow_mark_set(&part, FLOW_TIMEOUT);
	flow_mark_unset(&part, FLOW_MARK);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &part);
	pair_exchange(p);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &f);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_run(p, 1000);
	CU_ASSERT_TRUE_FATAL(engine_find(p->node[1].engine, REMOTE, &f, &v));
	CU_ASSERT_EQUAL(v.flow.mark, 5);
	pair_free(p);
}

static void a_dump_waits_for_the_link(void)
{
	struct pair *p = started();
	uint32_t read = 0;

	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	while (engine_takes_dump(p->node[0].engine))
		tell(p, 0, KERNEL_DUMP_FLOW, read++, 1);
	CU_ASSERT_EQUAL(read, LIMIT_RELAY_QUEUE);
	pair_exchange(p);
	CU_ASSERT_TRUE(engine_takes_dump(p->node[0].engine));
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, LIMIT_RELAY_QUEUE);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	pair_free(p);
}

/* Else a node whose peers are down would never be ready, nor read its kernel for anything else. */
static void without_a_link_a_dump_waits_for_nobody(void)
{
	struct engine_config c = pair_config();
	uint64_t dumps;
	struct pair *p;

	c.mode = ENGINE_MODE_NOTRACK;
	c.internal_cache_off = true;
	c.flows_max = LIMIT_RELAY_QUEUE + 200;
	p = pair_new(&c);
	engine_link(p->node[0].engine, p->now, 0, false);
	dumps = pair_counter(p, 0, COUNTER_KERNEL_DUMPS);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	for (uint32_t n = 0; n < LIMIT_RELAY_QUEUE + 100; n++) {
		CU_ASSERT_TRUE_FATAL(engine_takes_dump(p->node[0].engine));
		tell(p, 0, KERNEL_DUMP_FLOW, n, 1);
	}
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_KERNEL_DUMPS), dumps + 1);
	engine_link(p->node[0].engine, p->now, 0, true);
	pair_run(p, 1000);
	CU_ASSERT_TRUE(knows(p, 1, LIMIT_RELAY_QUEUE + 99));
	pair_free(p);
}

static void a_dump_that_is_interrupted_begins_anew(void)
{
	struct pair *p = started();

	tell(p, 0, KERNEL_EVENT_NEW, 0, 10);
	pair_run(p, 100);
	pair_command(p, 0, ENGINE_BULK, 3);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	tell(p, 0, KERNEL_DUMP_FLOW, 0, 4);
	pair_event(p, 0, KERNEL_DUMP_ABORT, NULL);
	pair_run(p, 1500);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 10);
	CU_ASSERT_NOT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	dump(p, 0, 0, 9);
	pair_run(p, 200);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 9);
	CU_ASSERT_EQUAL(pair_status(p, 1).peers[0].sync, ENGINE_SYNCED);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	pair_free(p);
}

/* What an event left in the table for the time of a dump is named by the next one all the same. */
static void a_dump_names_what_is_known(void)
{
	struct pair *p = started();

	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	tell(p, 0, KERNEL_EVENT_NEW, 0, 3);
	pair_run(p, 100);
	pair_event(p, 0, KERNEL_DUMP_ABORT, NULL);
	pair_run(p, 2000);
	dump(p, 0, 0, 3);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 3);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	pair_free(p);
}

static void an_overrun_is_repaired_by_a_bulk(void)
{
	struct pair *p = started();

	tell(p, 0, KERNEL_EVENT_NEW, 0, 10);
	pair_run(p, 100);
	engine_overrun(p->node[0].engine, p->now);
	CU_ASSERT_FALSE(pair_status(p, 0).kernel_synced);
	pair_pull_ops(p, 0);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DUMP), 1);
	dump(p, 0, 5, 10);
	pair_run(p, 1000);
	CU_ASSERT_TRUE(pair_status(p, 0).kernel_synced);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 10);
	CU_ASSERT_FALSE(knows(p, 1, 4));
	pair_free(p);
}

/* There is no list of what to delete: the kernel is asked for it. */
static void a_purge_reads_the_kernel_first(void)
{
	struct pair *p = started();
	uint64_t sent;

	tell(p, 0, KERNEL_EVENT_NEW, 0, 20);
	pair_exchange(p);
	sent = pair_counter(p, 0, COUNTER_SENT_FLOWS);
	pair_command(p, 0, ENGINE_PURGE, 5);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DUMP), 1);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DELETE), 0);
	dump(p, 0, 0, 20);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DELETE), 20);
	for (unsigned i = 0; i < p->node[0].ops_count; i++)
		if (p->node[0].ops[i].kind == KERNEL_OP_DELETE)
			engine_kernel_result(p->node[0].engine, p->now, p->node[0].ops[i].id,
				i % 2 ? ENOENT : 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_SENT_FLOWS), sent);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 20);
	p->node[0].ops_count = 0;
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DUMP), 1);
	dump(p, 0, 100, 1);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 1);
	CU_ASSERT_EQUAL(pair_status(p, 0).local_flows, 0);
	pair_free(p);
}

static enum wire_v1_type type_of_an_update(struct pair *p, const struct flow *f)
{
	pair_exchange(p);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, f);
	pair_exchange(p);
	return type_of_last(p, 0);
}

static struct flow labelled(void)
{
	struct flow f = pair_flow(0);

	f.labels[0] = 1;
	f.labels_len = 4;
	flow_mark_set(&f, FLOW_LABELS);
	return f;
}

/* A purge says nothing: until a bulk has, what a peer has may belong to a flow that is gone. */
static void an_update_behind_a_purge_says_all(void)
{
	struct pair *p = started();
	struct flow was = labelled(), is = pair_flow(0);
	struct engine_flow_view v;

	pair_event(p, 0, KERNEL_EVENT_NEW, &was);
	pair_exchange(p);
	pair_command(p, 0, ENGINE_PURGE, 5);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &was);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_exchange(p);
	engine_kernel_result(
		p->node[0].engine, p->now, p->node[0].ops[p->node[0].ops_count - 1].id, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 0, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(type_of_an_update(p, &is), WIRE_V1_CT_NEW);
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &is, &v));
	CU_ASSERT_FALSE(flow_has(&v.flow, FLOW_LABELS));
	pair_run(p, 1000);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	is.mark = 1;
	CU_ASSERT_EQUAL(type_of_an_update(p, &is), WIRE_V1_CT_NEW);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	pair_run(p, 200);
	is.mark = 2;
	CU_ASSERT_EQUAL(type_of_an_update(p, &is), WIRE_V1_CT_UPD);
	pair_free(p);
}

/* What a dump tells peers may know from before, though it ends before the dump is sent. */
static void the_end_of_what_a_dump_tells_is_told(void)
{
	struct pair *p = started();
	struct flow was = labelled(), is = pair_flow(0);
	struct engine_flow_view v;

	pair_event(p, 0, KERNEL_EVENT_NEW, &was);
	tell(p, 0, KERNEL_EVENT_NEW, 1, 1);
	pair_exchange(p);
	pair_event(p, 0, KERNEL_DUMP_BEGIN, NULL);
	pair_event(p, 0, KERNEL_DUMP_FLOW, &was);
	tell(p, 0, KERNEL_DUMP_FLOW, 1, 1);
	pair_event(p, 0, KERNEL_DUMP_END, NULL);
	tell(p, 0, KERNEL_EVENT_DESTROY, 0, 2);
	pair_event(p, 0, KERNEL_EVENT_UPDATE, &is);
	pair_run(p, 200);
	CU_ASSERT_EQUAL(pair_status(p, 1).remote_flows, 1);
	CU_ASSERT_TRUE(engine_find(p->node[1].engine, REMOTE, &is, &v));
	CU_ASSERT_FALSE(flow_has(&v.flow, FLOW_LABELS));
	pair_free(p);
}

static bool has_ended(struct pair *p, unsigned n, enum engine_command_kind kind)
{
	for (unsigned i = 0; i < p->node[n].events_count; i++)
		if (p->node[n].events[i].kind == ENGINE_EVENT_DONE &&
			p->node[n].events[i].command == kind)
			return true;
	return false;
}

/* The list of a purge that a flush has emptied is not waited for. */
static void a_flush_ends_a_purge(void)
{
	struct pair *p = started();

	pair_command(p, 0, ENGINE_PURGE, 5);
	dump(p, 0, 0, 20);
	CU_ASSERT_FALSE(has_ended(p, 0, ENGINE_PURGE));
	pair_command(p, 0, ENGINE_FLUSH, 6);
	pair_exchange(p);
	CU_ASSERT_TRUE(has_ended(p, 0, ENGINE_PURGE));
	pair_free(p);
}

static void a_promotion_leaves_nothing_in_the_local_table(void)
{
	struct pair *p = started();

	tell(p, 0, KERNEL_EVENT_NEW, 0, 30);
	pair_exchange(p);
	p->node[1].ops_count = 0;
	pair_command(p, 1, ENGINE_PROMOTE, 5);
	CU_ASSERT_EQUAL(pulled(p, 1, KERNEL_OP_CREATE), 30);
	for (unsigned i = 0; i < p->node[1].ops_count; i++)
		engine_kernel_result(p->node[1].engine, p->now, p->node[1].ops[i].id, 0);
	CU_ASSERT_PTR_NOT_NULL(pair_told(p, 1, ENGINE_EVENT_DONE));
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	p->node[1].ops_count = 0;
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pulled(p, 1, KERNEL_OP_DUMP), 1);
	dump(p, 1, 0, 30);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pair_status(p, 0).remote_flows, 30);
	pair_free(p);
}

/* What is asked of the kernel is done. */
static void answer_all(struct pair *p, unsigned n)
{
	struct pair_node *node = &p->node[n];

	for (unsigned i = 0; i < node->ops_count; i++)
		if (node->ops[i].kind != KERNEL_OP_DUMP)
			engine_kernel_result(node->engine, p->now, node->ops[i].id, 0);
	node->ops_count = 0;
	pair_pull_ops(p, n);
}

/* With an internal cache the local table says whose it is; here nothing but the event does. */
static void packets_save_what_waits_to_be_ended(void)
{
	const struct engine_command flush = {
		.kind = ENGINE_FLUSH, .id = 4, .tables = ENGINE_TABLES_LOCAL};
	struct engine_config c = pair_config();
	struct pair *p;

	c.mode = ENGINE_MODE_NOTRACK;
	c.internal_cache_off = c.external_cache_off = true;
	p = pair_new(&c);
	pair_exchange(p);
	for (unsigned n = 0; n < 2; n++)
		pair_dump_empty(p, n);
	pair_run(p, 2000);
	pair_command(p, 1, ENGINE_PROMOTE, 3);
	pair_dump_empty(p, 1);
	pair_run(p, 2000);
	p->node[1].ops_count = 0;
	tell(p, 0, KERNEL_EVENT_NEW, 0, 2);
	pair_exchange(p);
	CU_ASSERT_EQUAL(pulled(p, 1, KERNEL_OP_CREATE), 2);
	answer_all(p, 1);
	/* all is ours again: until the kernel has been read, nothing is written */
	engine_command(p->node[1].engine, p->now, &flush);
	tell(p, 0, KERNEL_EVENT_DESTROY, 0, 2);
	pair_exchange(p);
	tell(p, 1, KERNEL_EVENT_UPDATE, 0, 1);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pair_status(p, 1).local_flows, 0);
	CU_ASSERT_EQUAL(pulled(p, 1, KERNEL_OP_DELETE), 0);
	dump(p, 1, 0, 2);
	pair_run(p, 2000);
	CU_ASSERT_EQUAL(pulled(p, 1, KERNEL_OP_DELETE), 1); /* of the other one */
	CU_ASSERT_EQUAL(pair_counter(p, 1, COUNTER_INJECT_KEPT), 1);
	pair_free(p);
}

/* A change that found no room cannot be told any more. */
static void a_full_queue_ends_in_a_bulk(void)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.mode = ENGINE_MODE_NOTRACK;
	c.internal_cache_off = true;
	c.flows_max = 50;
	p = pair_new(&c);
	pair_exchange(p);
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	pair_run(p, 3000);
	pair_dump_empty(p, 0);
	pair_run(p, 3000);
	p->node[0].ops_count = 0;
	tell(p, 0, KERNEL_EVENT_NEW, 0, 60);
	CU_ASSERT_EQUAL(pair_counter(p, 0, COUNTER_LOCAL_FULL), 10);
	pair_run(p, 1000);
	CU_ASSERT_EQUAL(pulled(p, 0, KERNEL_OP_DUMP), 1);
	pair_free(p);
}

static const struct unit_test tests[] = {
	{"what is sent is forgotten", what_is_sent_is_forgotten},
	{"what waits is said once", what_waits_is_said_once},
	{"messages have the type of their event", messages_have_the_type_of_their_event},
	{"an end is told whatever the mark", an_end_is_told_whatever_the_mark},
	{"a bulk is a dump", a_bulk_is_a_dump},
	{"a bulk command ends when all has been sent", a_bulk_command_ends_when_all_has_been_sent},
	{"the end comes after the last flow", the_end_comes_after_the_last_flow},
	{"a dump brings nothing old back", a_dump_brings_nothing_old_back},
	{"a dump completes what an event left out", a_dump_completes_what_an_event_left_out},
	{"a dump waits for the link", a_dump_waits_for_the_link},
	{"without a link a dump waits for nobody", without_a_link_a_dump_waits_for_nobody},
	{"a dump that is interrupted begins anew", a_dump_that_is_interrupted_begins_anew},
	{"a dump names what is known", a_dump_names_what_is_known},
	{"an overrun is repaired by a bulk", an_overrun_is_repaired_by_a_bulk},
	{"a purge reads the kernel first", a_purge_reads_the_kernel_first},
	{"an update behind a purge says all", an_update_behind_a_purge_says_all},
	{"the end of what a dump tells is told", the_end_of_what_a_dump_tells_is_told},
	{"a flush ends a purge", a_flush_ends_a_purge},
	{"a promotion leaves nothing in the local table",
		a_promotion_leaves_nothing_in_the_local_table},
	{"packets save what waits to be ended", packets_save_what_waits_to_be_ended},
	{"a full queue ends in a bulk", a_full_queue_ends_in_a_bulk},
};

UNIT_MAIN("core_relay", tests)
