/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "base/check.h"
#include "tests/sim/invariants.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/oldpeer.h"

enum { PAGE_BYTES = 4096, PULLED_AT_ONCE_MAX = 32 };

static void tick_plan(struct sim *, struct sim_node *);

/* ---- outputs ---- */

static void on_engine_event(struct sim *s, struct sim_node *n, const struct engine_event *ev)
{
	trace_put(&s->trace, TRACE_ENGINE_EVENT, n->index, ev->kind,
		ev->kind == ENGINE_EVENT_DONE ? ev->command_id : ev->flows,
		ev->written << 32 | ev->refused << 16 | ev->outcome);
	if (ev->kind == ENGINE_EVENT_PURGED)
		invariants_purged(n);
	if (ev->kind != ENGINE_EVENT_DONE)
		return;
	for (unsigned i = 0; i < n->commands_count; i++) {
		if (n->commands[i].id != ev->command_id)
			continue;
		if (n->commands[i].kind != ev->command)
			sim_fail(s, "node %u: command %u ended as %u", n->index,
				n->commands[i].kind, ev->command);
		n->commands[i] = n->commands[--n->commands_count];
		if (ev->command == ENGINE_PROMOTE)
			n->promoted_at = s->now;
		n->done = *ev;
		n->dones++;
		return;
	}
	sim_fail(s, "node %u: command %llu (kind %u) ended, but it is not under way", n->index,
		(unsigned long long)ev->command_id, ev->command);
}

static void pull_events(struct sim *s, struct sim_node *n)
{
	struct engine_event ev;

	for (int i = 0; engine_next_event(n->engine, &ev); i++) {
		if (i > LIMIT_EVENTS_QUEUE)
			sim_fail(s, "node %u: events without end", n->index);
		on_engine_event(s, n, &ev);
	}
}

static void op_answer(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];

	if (n->boot != j->b >> 32 || !n->running)
		return;
	if (mono_before(s->now, n->frozen_until)) {
		struct job again = *j;

		again.at = n->frozen_until;
		agenda_add(&s->agenda, &again);
		return;
	}
	trace_put(&s->trace, TRACE_RESULT, n->index, j->a, (uint32_t)j->b, 0);
	n->ops_in_flight--;
	n->answered_at = s->now;
	engine_kernel_result(n->engine, s->now, j->a, (int)(uint32_t)j->b);
	node_wake(s, n);
}

static bool is_of_expect(const struct kernel_op *op)
{
	return op->kind == KERNEL_OP_EXPECT_CREATE || op->kind == KERNEL_OP_EXPECT_DELETE;
}

static void op_run(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	const struct kernel_op *op = j->data;
	struct job answer = {.run = op_answer, .node = j->node, .a = op->id};
	mono at = mono_add_ns(s->now, dice_range(&s->rng_kernel, 20, 400) * NS_PER_US);
	int err;

	/* the machine fell before the request was served; a daemon ends when its last one is */
	if (n->machine_boot != j->a || n->boot != j->b)
		return;
	err = kernel_write(&n->kernel, s->now, &s->rng_kernel, op);
	trace_put(&s->trace, TRACE_OP_DONE, n->index, op->kind,
		is_of_expect(op) ? (uint64_t)expect_model_index(&op->expect)
				 : (uint64_t)traffic_slot(&op->flow),
		(uint64_t)err);
	node_events_ready(s, n);
	s->coverage.count[err == 0 ? COVERAGE_WRITTEN : COVERAGE_REFUSED]++;
	if (mono_before(at, n->result_last))
		at = n->result_last;
	n->result_last = at;
	answer.b = (uint64_t)j->b << 32 | (uint32_t)err;
	sim_later(s, mono_diff_ns(at, s->now), &answer);
}

static void take_expect(
	struct sim *s, struct sim_node *n, enum kernel_event kind, const struct expect *x)
{
	trace_put(&s->trace, TRACE_EXPECT_EVENT, n->index, kind, (uint64_t)expect_model_index(x),
		x->class);
	if (n->config.expect_filter.on)
		engine_kernel_expect(n->engine, s->now, kind, x);
}

/* Whether together or one by one must make no difference. */
static void tell_events(struct sim *s, struct sim_node *n, struct kernel_told *told, size_t *count)
{
	if (*count == 1)
		engine_kernel_event(n->engine, s->now, told->kind, &told->flow);
	else
		engine_kernel_events(n->engine, s->now, told, *count);
	*count = 0;
}

static void drain_events(struct sim *s, struct sim_node *n)
{
	struct kernel_told told[ENGINE_TOLD_MAX];
	struct kernel_fact fact;
	size_t count = 0;

	while (kernel_next_event(&n->kernel, &fact)) {
		if (fact.is_expect) {
			tell_events(s, n, told, &count);
			take_expect(s, n, fact.kind, &fact.expect);
			continue;
		}
		trace_put(&s->trace, TRACE_EVENT, n->index, fact.kind,
			(uint64_t)traffic_slot(&fact.flow), fact.flow.mark);
		if (traffic_slot(&fact.flow) >= 0) {
			n->heard[traffic_slot(&fact.flow)] = fact.flow.mark;
			n->heard_at[traffic_slot(&fact.flow)] = s->now;
		}
		told[count++] = (struct kernel_told){fact.kind, fact.flow};
		if (count == ENGINE_TOLD_MAX)
			tell_events(s, n, told, &count);
	}
	tell_events(s, n, told, &count);
	if (n->kernel.events_lost) {
		n->kernel.events_lost = false;
		n->overrun_at = s->now;
		trace_put(&s->trace, TRACE_OVERRUN, n->index, 0, 0, 0);
		s->coverage.count[COVERAGE_OVERRUN]++;
		engine_overrun(n->engine, s->now);
	}
}

struct dump_piece {
	unsigned count;
	struct {
		struct flow flow;
		unsigned slot;
		int states; /* the slot's history had so many when it was read */
	} flows[];
};

static void dump_read(struct sim *, struct job *);

static void dump_job(struct sim *s, struct sim_node *n, int64_t us_max, job_run run, void *data)
{
	struct job j = {.run = run, .node = n->index, .b = n->boot, .data = data};

	sim_later(s, dice_range(&s->rng_kernel, 1, us_max) * NS_PER_US, &j);
}

/* True if the job is not for now: its daemon is gone, or stopped (then it is put off). */
static bool dump_not_now(struct sim *s, struct sim_node *n, struct job *j)
{
	struct job again = *j;

	if (n->boot != j->b || !n->running)
		return true;
	if (!mono_before(s->now, n->frozen_until))
		return false;
	again.at = n->frozen_until;
	j->data = NULL;
	agenda_add(&s->agenda, &again);
	return true;
}

static void dump_end(struct sim *s, struct sim_node *n, enum kernel_event kind)
{
	trace_put(&s->trace, TRACE_DUMP, n->index, kind, 0, 0);
	s->coverage.count[kind == KERNEL_DUMP_END ? COVERAGE_DUMP : COVERAGE_DUMP_ABORTED]++;
	n->dumping = false;
	if (kind == KERNEL_DUMP_END)
		n->dumped_from = n->dump_began;
	engine_kernel_event(n->engine, s->now, kind, NULL);
	node_wake(s, n);
}

struct dump_expects {
	unsigned count;
	struct expect x[];
};

static void dump_deliver_expects(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	const struct dump_expects *d = j->data;

	if (dump_not_now(s, n, j))
		return;
	if (!s->params.dump_ahead)
		drain_events(s, n);
	for (unsigned i = 0; i < d->count; i++)
		take_expect(s, n, KERNEL_DUMP_FLOW, &d->x[i]);
	dump_end(s, n, KERNEL_DUMP_END);
}

static void dump_read_expects(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	struct dump_expects *d;

	if (dump_not_now(s, n, j))
		return;
	d = malloc(sizeof(*d) + n->kernel.expects.count * sizeof(d->x[0]));
	CHECK(d);
	d->count = 0;
	for (unsigned i = 0; i < n->kernel.expects.count; i++)
		d->count += expect_model_read(&n->kernel, s->now, i, &d->x[d->count]);
	dump_job(s, n, 20000, dump_deliver_expects, d);
}

static void dump_deliver(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	const struct dump_piece *p = j->data;

	if (dump_not_now(s, n, j))
		return;
	if (!s->params.dump_ahead)
		drain_events(s, n);
	for (unsigned i = 0; i < p->count; i++) {
		trace_put(&s->trace, TRACE_DUMPED, n->index, p->flows[i].slot,
			p->flows[i].flow.mark, 0);
		if (p->flows[i].states != n->kernel.history[p->flows[i].slot].count)
			s->coverage.count[COVERAGE_DUMP_STALE]++;
		engine_kernel_event(n->engine, s->now, KERNEL_DUMP_FLOW, &p->flows[i].flow);
	}
	node_wake(s, n);
	if (!s->quiet && dice_permille(&s->rng_kernel, s->params.dump_abort_permille))
		dump_end(s, n, KERNEL_DUMP_ABORT);
	else if (n->dump_left == 0 && n->config.expect_filter.on)
		dump_job(s, n, 500, dump_read_expects, NULL);
	else if (n->dump_left == 0)
		dump_end(s, n, KERNEL_DUMP_END);
	else
		dump_job(s, n, 500, dump_read, NULL);
}

static void dump_read(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	unsigned piece = (unsigned)dice_range(&s->rng_kernel, 4, 32);
	struct dump_piece *p;

	if (dump_not_now(s, n, j))
		return;
	if (!engine_takes_dump(n->engine)) {
		dump_job(s, n, 500, dump_read, NULL);
		return;
	}
	p = malloc(sizeof(*p) + piece * sizeof(p->flows[0]));
	CHECK(p);
	p->count = 0;
	for (unsigned i = 0; i < piece && n->dump_left > 0; i++, n->dump_left--) {
		unsigned slot = n->dump_next++ % n->kernel.slots;

		if (!kernel_read(&n->kernel, s->now, slot, &p->flows[p->count].flow))
			continue;
		p->flows[p->count].slot = slot;
		p->flows[p->count++].states = n->kernel.history[slot].count;
	}
	dump_job(s, n, 20000, dump_deliver, p);
}

static void dump_begin(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];

	if (dump_not_now(s, n, j))
		return;
	/*
	 * What was queued before is told before, as a daemon has to do it too: an event counts as
	 * newer than the dump if it comes after the dump's begin.
	 */
	drain_events(s, n);
	trace_put(&s->trace, TRACE_DUMP, n->index, KERNEL_DUMP_BEGIN, 0, 0);
	n->dump_began = s->now;
	n->dump_next = (unsigned)rng_below(&s->rng_kernel, n->kernel.slots);
	n->dump_left = n->kernel.slots;
	engine_kernel_event(n->engine, s->now, KERNEL_DUMP_BEGIN, NULL);
	node_wake(s, n);
	dump_job(s, n, 500, dump_read, NULL);
}

static void pull_op(struct sim *s, struct sim_node *n, const struct kernel_op *op)
{
	struct job j = {.run = op_run, .node = n->index, .a = n->machine_boot, .b = n->boot};
	mono at = mono_add_ns(s->now, dice_range(&s->rng_kernel, 5, 300) * NS_PER_US);

	trace_put(&s->trace, TRACE_OP, n->index, op->kind, op->id,
		is_of_expect(op) ? op->expect.class : op->flow.mark);
	if (op->kind == KERNEL_OP_DUMP) {
		if (n->dumping)
			sim_fail(s, "node %u: a dump is asked for while one runs", n->index);
		n->dumping = true;
		dump_job(s, n, 5000, dump_begin, NULL);
		return;
	}
	if (++n->ops_in_flight > LIMIT_KERNEL_OPS_IN_FLIGHT)
		sim_fail(s, "node %u: %u writes are unanswered", n->index, n->ops_in_flight);
	invariants_check_op(s, n, op);
	if (mono_before(at, n->op_last))
		at = n->op_last;
	n->op_last = at;
	j.data = malloc(sizeof(*op));
	CHECK(j.data);
	memcpy(j.data, op, sizeof(*op));
	sim_later(s, mono_diff_ns(at, s->now), &j);
}

static void count_datagram(struct sim *s, struct sim_node *n)
{
	uint64_t now = (uint64_t)s->now.ns;

	if (now - n->second_start_ns >= (uint64_t)NS_PER_SEC) {
		n->second_start_ns = now;
		n->second_datagrams = 0;
	}
	if (++n->second_datagrams > SIM_DATAGRAMS_PER_S_MAX)
		sim_fail(s, "node %u: more than %u datagrams in a second", n->index,
			SIM_DATAGRAMS_PER_S_MAX);
}

/*
 * Pulls what is to be sent; false if there may be more. As the daemon does it: behind one that is
 * worth it, some of that length at the most (daemon/links.c).
 */
static bool pull_datagrams(struct sim *s, struct sim_node *n)
{
	const size_t full = n->config.datagram_bytes;
	size_t len, room = full;
	unsigned link = 0;

	if (mono_before(s->now, n->blocked_until))
		return true;
	for (int i = 0; i < PULLED_AT_ONCE_MAX; i++) {
		len = engine_next_datagram(n->engine, s->now, n->buf, room, &link);
		if (len == 0 && room == full)
			return true;
		if (len > room || link >= n->config.links)
			sim_fail(s, "node %u: a datagram of %zu bytes for link %u", n->index, len,
				link);
		room = len < full / 2 || len < room ? full : len;
		if (len == 0)
			continue;
		trace_put(&s->trace, TRACE_SEND, n->index, len, trace_hash(n->buf, len), 0);
		count_datagram(s, n);
		net_send(s, n->index, link, n->buf, len);
	}
	return false;
}

/* The event socket joins or leaves the group of NEW events, as the engine wants. */
static void hear_births(struct sim *s, struct sim_node *n)
{
	bool unheard = !engine_wants_births(n->engine);

	if (!n->config.births_unheard)
		s->coverage.count[COVERAGE_DEAFENED] += unheard && !n->kernel.births_unheard;
	n->kernel.births_unheard = unheard;
}

static void pump(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	struct kernel_op op;

	if (n->boot != j->b || !n->running)
		return;
	n->woken = false;
	if (mono_before(s->now, n->frozen_until)) {
		struct job again = {.run = pump, .node = n->index, .b = n->boot};

		n->woken = true;
		again.at = n->frozen_until;
		agenda_add(&s->agenda, &again);
		return;
	}
	pull_events(s, n);
	while (engine_next_kernel_op(n->engine, s->now, &op)) {
		n->ticks_at_once = 0; /* that is what the deadline was for */
		keeper_take(s, n);
		hear_births(s, n);
		pull_op(s, n, &op);
	}
	hear_births(s, n);
	keeper_run(s, n);
	if (!pull_datagrams(s, n))
		node_wake(s, n);
	pull_events(s, n);
	tick_plan(s, n);
}

void node_wake(struct sim *s, struct sim_node *n)
{
	struct job j = {.run = pump, .node = n->index, .b = n->boot};

	if (n->woken)
		return;
	n->woken = true;
	sim_later(s, dice_range(&s->rng_node, 1, 1000) * NS_PER_US, &j);
}

/* ---- time ---- */

/* What holds nothing, as the engine says, holds nothing from here on. */
static void release(struct sim *s, struct sim_node *n)
{
	uint8_t *first = n->memory + PAGE_BYTES;
	size_t bytes;
	void *at;

	while (engine_next_release(n->engine, &at, &bytes)) {
		size_t offset = (size_t)((uint8_t *)at - first);

		if (offset % PAGE_BYTES || bytes % PAGE_BYTES || bytes == 0 ||
			offset + bytes > n->memory_bytes)
			sim_fail(s, "node %u: %zu bytes at %zu are no pages of its own", n->index,
				bytes, offset);
		CHECK(madvise(at, bytes, MADV_DONTNEED) == 0);
		s->coverage.count[COVERAGE_RELEASED]++;
	}
}

static void tick(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];

	if (n->boot != j->b || !n->running || n->tick != j->a)
		return;
	n->tick_at = MONO_NEVER;
	if (!mono_before(s->now, n->frozen_until) &&
		mono_reached(s->now, engine_deadline(n->engine))) {
		trace_put(&s->trace, TRACE_TICK, n->index, 0, 0, 0);
		engine_tick(n->engine, s->now);
		release(s, n);
		if (mono_reached(s->now, engine_deadline(n->engine)))
			n->ticks_at_once++;
		else
			n->ticks_at_once = 0;
		if (n->ticks_at_once > SIM_TICKS_AT_ONCE_MAX)
			sim_fail(s, "node %u: the deadline stays in the past", n->index);
		node_wake(s, n);
	}
	tick_plan(s, n);
}

static void tick_plan(struct sim *s, struct sim_node *n)
{
	struct job j = {.run = tick, .node = n->index, .b = n->boot};
	mono at = engine_deadline(n->engine);
	int64_t late_us;

	if (mono_is_never(at) || !mono_before(at, n->tick_at))
		return;
	if (mono_before(at, s->now))
		at = s->now;
	if (mono_before(at, n->frozen_until))
		at = n->frozen_until;
	late_us = dice_range(&s->rng_node, 1, 200);
	if (!s->quiet && dice_permille(&s->rng_node, s->params.late_tick_permille)) {
		late_us = dice_range(&s->rng_node, 1000, 3000000);
		s->coverage.count[COVERAGE_LATE_TICK] += late_us > 1000000;
	}
	n->tick_at = at;
	j.a = ++n->tick;
	sim_later(s, mono_diff_ns(mono_add_ns(at, late_us * NS_PER_US), s->now), &j);
}

/* A busy daemon says that it reads on, whether there is anything or not. */
static void gather(struct sim *s, struct sim_node *n)
{
	bool more = s->params.gather_permille > 0 && !s->quiet &&
		    dice_permille(&s->rng_node, s->params.gather_permille);

	engine_gathering(n->engine, more);
	if (more)
		node_events_ready(s, n);
}

static void read_events(struct sim *s, struct job *j)
{
	struct sim_node *n = &s->nodes[j->node];
	struct job again = *j;

	if (n->boot != j->b || !n->running)
		return;
	if (mono_before(s->now, n->stalled_until) || mono_before(s->now, n->frozen_until)) {
		again.at = mono_before(n->stalled_until, n->frozen_until) ? n->frozen_until
									  : n->stalled_until;
		agenda_add(&s->agenda, &again);
		return;
	}
	n->drain_due = false;
	drain_events(s, n);
	gather(s, n);
	node_wake(s, n);
}

void node_events_ready(struct sim *s, struct sim_node *n)
{
	struct job j = {.run = read_events, .node = n->index, .b = n->boot};

	if (!n->running || n->drain_due)
		return;
	n->drain_due = true;
	sim_later(s, dice_range(&s->rng_node, 1, s->params.events_delay_us) * NS_PER_US, &j);
}

/* ---- life ---- */

void node_init(struct sim *s, unsigned index)
{
	struct sim_node *n = &s->nodes[index];

	*n = (struct sim_node){.index = index,
		.tick_at = MONO_NEVER,
		.machine_boot = 1,
		.overrun_at = {INT64_MIN / 2},
		.answered_at = {INT64_MIN / 2}};
	n->addr.bytes[10] = n->addr.bytes[11] = 0xff;
	n->addr.bytes[12] = 10;
	n->addr.bytes[13] = 99;
	n->addr.bytes[15] = (uint8_t)(index + 1);
	n->config = s->params.config;
	kernel_init(&n->kernel, s->params.slots, s->params.events_cap);
	n->kernel.tells_parts = n->config.births_unheard;
	/*
	 * Without a cache, that a silent flow has ended is noticed by the NEW of its successor,
	 * which a filter by state may keep from us.
	 */
	n->kernel.never_silent =
		n->config.internal_cache_off && n->config.filter.state_policy != FLOW_FILTER_OFF;
	for (unsigned o = 0; o < s->params.nodes; o++) {
		n->views[o] = calloc(s->params.slots, sizeof(*n->views[o]));
		CHECK(n->views[o]);
	}
	n->buf = malloc(n->config.datagram_bytes);
	CHECK(n->buf);
	invariants_forget(s, n);
}

static void memory_drop(struct sim_node *n)
{
	if (n->engine)
		engine_fini(n->engine);
	if (n->memory)
		munmap(n->memory, n->memory_bytes + 2 * PAGE_BYTES);
	n->memory = NULL;
	n->engine = NULL;
}

void node_fini(struct sim_node *n)
{
	oldpeer_stop(n);
	memory_drop(n);
	kernel_fini(&n->kernel);
	keeper_fini(n);
	invariants_leave(n);
	for (unsigned o = 0; o < SIM_NODES_MAX; o++)
		free(n->views[o]);
	free(n->buf);
}

static void memory_take(struct sim_node *n)
{
	size_t bytes = engine_memory_bytes(&n->config);

	bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	n->memory_bytes = bytes;
	n->memory = mmap(NULL, bytes + 2 * PAGE_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(n->memory != MAP_FAILED);
	CHECK(mprotect(n->memory + PAGE_BYTES, bytes, PROT_READ | PROT_WRITE) == 0);
}

void node_start(struct sim *s, struct sim_node *n, bool lower_seq)
{
	uint32_t step = (uint32_t)dice_range(&s->rng_node, 1, 5000);

	CHECK(!n->running);
	n->boot++;
	if (n->boot == 1)
		n->config.first_seq = s->params.config.first_seq + n->index * s->params.seq_apart;
	else
		n->config.first_seq += lower_seq ? -step : step;
	n->config.boot_id = (uint32_t)rng_u64(&s->rng_node) | 1;
	for (unsigned i = 0; i < sizeof(n->config.hash_key); i++)
		n->config.hash_key[i] = (uint8_t)rng_u64(&s->rng_node);
	keeper_start(s, n);
	memory_take(n);
	n->engine = engine_init(n->memory + PAGE_BYTES, n->memory_bytes, &n->config, s->now);
	if (!n->engine)
		sim_fail(s, "node %u: engine_init refuses", n->index);
	for (unsigned i = 0; i < n->config.links; i++)
		if (n->down[i])
			engine_link(n->engine, s->now, i, false);
	trace_put(&s->trace, TRACE_START, n->index, n->config.first_seq, n->config.boot_id, 0);
	n->running = true;
	n->started = s->now;
	n->woken = n->drain_due = n->dumping = n->took_over = n->flushed = n->committed = false;
	n->purged = n->promoted = false;
	memset(n->heard, 0, sizeof(n->heard));
	memset(n->left, 0, sizeof(n->left));
	n->tick_at = MONO_NEVER;
	n->ticks_at_once = n->ops_in_flight = n->commands_count = 0;
	n->frozen_until = n->blocked_until = n->stalled_until = s->now;
	memset(n->counters, 0, sizeof(n->counters));
	invariants_forget(s, n);
	kernel_listen(&n->kernel, !n->config.polling);
	node_wake(s, n);
}

void node_crash(struct sim *s, struct sim_node *n)
{
	CHECK(n->running);
	invariants_check(s, n);
	trace_put(&s->trace, TRACE_CRASH, n->index, 0, 0, 0);
	for (int i = 0; i < COUNTERS; i++)
		s->coverage.engine[i] += n->counters[i];
	memset(n->counters, 0, sizeof(n->counters));
	/* Whatever number it reached, the next start is somewhere near. */
	n->config.first_seq += (uint32_t)rng_below(&s->rng_node, 2000);
	n->running = false;
	memory_drop(n);
	kernel_listen(&n->kernel, false);
}

void node_reboot(struct sim *s, struct sim_node *n)
{
	if (n->running)
		node_crash(s, n);
	trace_put(&s->trace, TRACE_REBOOT, n->index, 0, 0, 0);
	n->machine_boot++;
	keeper_reboot(n);
	kernel_reboot(&n->kernel, s->now);
}

uint64_t node_command(struct sim *s, struct sim_node *n, enum engine_command_kind kind)
{
	struct engine_command c = {kind, ++n->command_next};

	CHECK(n->running);
	if (n->commands_count == SIM_COMMANDS_MAX)
		sim_fail(s, "node %u: %u commands did not end", n->index, n->commands_count);
	n->commands[n->commands_count].id = c.id;
	n->commands[n->commands_count++].kind = kind;
	s->coverage.count[COVERAGE_COMMAND]++;
	trace_put(&s->trace, TRACE_COMMAND, n->index, kind, c.id, 0);
	if (kind == ENGINE_PURGE || kind == ENGINE_PURGE_LATER || kind == ENGINE_DEMOTE ||
		kind == ENGINE_FAULT)
		n->purged = true;
	if (kind == ENGINE_FLUSH) {
		n->flushed = true;
		memset(n->heard, 0, sizeof(n->heard));
		invariants_forget(s, n);
	}
	if (kind == ENGINE_COMMIT)
		n->committed = true;
	if (kind == ENGINE_PROMOTE || kind == ENGINE_COMMIT)
		n->took_over = true;
	if (kind == ENGINE_PROMOTE) {
		n->promoted = true;
		n->promoted_at = s->now;
	}
	engine_command(n->engine, s->now, &c);
	node_wake(s, n);
	return c.id;
}
