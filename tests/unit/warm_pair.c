/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/status.h"
#include "warm_pair.h"
#include "unit.h"

struct warm_kernel warm_kernel;

unsigned warm_number(const struct flow *f)
{
	return ntohs(f->tuple[FLOW_ORIG].sport_be) - 1024U;
}

static int write_flow(const struct pair *p, const struct kernel_op *op)
{
	struct warm_kernel_flow *k = &warm_kernel.flow[warm_number(&op->flow)];

	if (op->kind == KERNEL_OP_DELETE) {
		int err = k->live ? 0 : ENOENT;

		if (warm_kernel.refuse_ends > 0) {
			warm_kernel.refuse_ends--;
			return ENOBUFS;
		}
		k->live = false;
		return err;
	}
	if (warm_kernel.refuse)
		return warm_kernel.refuse;
	if (k->live == (op->kind == KERNEL_OP_CREATE))
		return k->live ? EEXIST : ENOENT;
	k->live = true;
	k->mark = op->flow.mark;
	if (flow_has(&op->flow, FLOW_TCP_STATE))
		k->tcp_state = op->flow.tcp.state;
	for (unsigned dir = 0; dir < FLOW_DIRS && flow_has(&op->flow, FLOW_TCP_FLAGS_ORIG); dir++)
		k->tcp_flags[dir] |= op->flow.tcp.flags[dir] & op->flow.tcp.flags_mask[dir];
	k->expires = mono_add_sec(p->now, op->flow.timeout);
	k->written++;
	return 0;
}

static void set_flags(struct flow *f, const uint8_t flags[FLOW_DIRS])
{
	memcpy(f->tcp.flags, flags, sizeof(f->tcp.flags));
	flow_mark_set(f, FLOW_TCP_FLAGS_ORIG);
	flow_mark_set(f, FLOW_TCP_FLAGS_REPL);
}

/* Of node 1's kernel, as it is. */
static void dump(struct pair *p)
{
	pair_event(p, 1, KERNEL_DUMP_BEGIN, NULL);
	for (unsigned i = 0; i < WARM_MANY; i++) {
		struct flow f = pair_flow(i);

		if (warm_kernel.flow[i].mark)
			f = warm_marked(i, warm_kernel.flow[i].mark);
		if (warm_kernel.flow[i].tcp_state)
			f.tcp.state = warm_kernel.flow[i].tcp_state;
		f.timeout = (uint32_t)(mono_diff_ms(warm_kernel.flow[i].expires, p->now) / 1000);
		set_flags(&f, warm_kernel.flow[i].tcp_flags);
		if (warm_kernel.flow[i].live)
			pair_event(p, 1, KERNEL_DUMP_FLOW, &f);
	}
	pair_event(p, 1, KERNEL_DUMP_END, NULL);
}

static void hear_record(struct pair *p)
{
	struct engine_record r;

	while (engine_next_record(p->node[1].engine, &r))
		;
}

/* Carries out what node 1 wants of its kernel, and what follows from the answers. */
void warm_serve(struct pair *p)
{
	struct pair_node *n = &p->node[1];

	hear_record(p);
	pair_pull_ops(p, 1);
	while (warm_kernel.answered < n->ops_count) {
		const struct kernel_op *op = &n->ops[warm_kernel.answered++];
		int err = 0;

		warm_kernel.count[op->kind]++;
		if (op->kind == KERNEL_OP_DUMP) {
			dump(p);
			continue;
		}
		if (op->kind < KERNEL_OP_DUMP)
			err = write_flow(p, op);
		engine_kernel_result(n->engine, p->now, op->id, err);
		if (warm_kernel.answered == n->ops_count)
			warm_kernel.answered = n->ops_count = 0;
		hear_record(p);
		pair_pull_ops(p, 1);
	}
	engine_check(n->engine);
}

static void expire(struct pair *p)
{
	for (unsigned i = 0; i < WARM_MANY; i++) {
		struct flow f = pair_flow(i);

		if (!warm_kernel.flow[i].live || !mono_reached(p->now, warm_kernel.flow[i].expires))
			continue;
		warm_kernel.flow[i].live = false;
		pair_event(p, 1, KERNEL_EVENT_DESTROY, &f);
	}
}

void warm_run(struct pair *p, int64_t ms)
{
	for (int64_t t = 0; t < ms; t += 100) {
		pair_run(p, 100);
		expire(p);
		warm_serve(p);
	}
}

unsigned warm_alive(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < WARM_MANY; i++)
		count += warm_kernel.flow[i].live;
	return count;
}

void warm_forget_ops(void)
{
	memset(warm_kernel.count, 0, sizeof(warm_kernel.count));
}

unsigned warm_writes(void)
{
	return warm_kernel.count[KERNEL_OP_CREATE] + warm_kernel.count[KERNEL_OP_UPDATE];
}

struct pair *warm_begin_as(uint32_t rate)
{
	struct engine_config c = pair_config();
	struct pair *p;

	c.standby_warm = true;
	c.warm_age_ms = WARM_AGE_MS;
	c.warm_rate = rate;
	c.keeps_record = true;
	p = pair_new(&c);
	memset(&warm_kernel, 0, sizeof(warm_kernel));
	pair_dump_empty(p, 0);
	pair_dump_empty(p, 1);
	warm_run(p, 1000);
	return p;
}

struct pair *warm_begin(void)
{
	return warm_begin_as(50000);
}

void warm_tell(struct pair *p, enum kernel_event kind, const struct flow *f)
{
	pair_event(p, 0, kind, f);
	pair_exchange(p);
	warm_serve(p);
}

/* WARM_FLOWS settled flows at node 0, all in node 1's warm_kernel. */
struct pair *warm_started(void)
{
	struct pair *p = warm_begin();

	for (uint32_t i = 0; i < WARM_FLOWS; i++) {
		struct flow f = pair_flow(i);

		pair_event(p, 0, KERNEL_EVENT_NEW, &f);
	}
	warm_run(p, WARM_AGE_MS + 300);
	CU_ASSERT_EQUAL(warm_alive(), WARM_FLOWS);
	pair_forget(p);
	warm_forget_ops();
	return p;
}

struct flow warm_marked(uint32_t n, uint32_t mark)
{
	struct flow f = pair_flow(n);

	f.mark = mark;
	flow_mark_set(&f, FLOW_MARK);
	return f;
}

struct flow warm_in_state(uint32_t n, uint8_t state)
{
	struct flow f = pair_flow(n);

	f.tcp.state = state;
	if (state < FLOW_TCP_ESTABLISHED)
		f.status &= ~(uint32_t)FLOW_STATUS_ASSURED;
	return f;
}
