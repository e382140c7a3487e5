/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "base/buf.h"
#include "base/check.h"
#include "core/engine.h"
#include "flow/pack.h"
#include "tests/lib/expectgen.h"
#include "tests/lib/flowgen.h"
#include "wire/v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * One engine between hostile peers and a kernel that keeps its contract. The input is a byte of
 * settings and then records, each an operation's byte with its arguments (tests/fuzz/seed_engine.py
 * writes them). After each the outputs are pulled and must be bounded; in the end the kernel
 * answers everything, and every command must have ended exactly once.
 */
enum op {
	OP_DATAGRAM, /* how (enum how), be16 length, bytes */
	OP_TIME_MS, /* be16 */
	OP_TIME_S, /* u8 */
	OP_KERNEL_EVENT, /* kind, number; with KIND_EXPECT of what that flow expects */
	OP_KERNEL_ECHO, /* kind: an event about what was written last */
	OP_KERNEL_ANSWER, /* how many, how (answer_errs) */
	OP_DUMP, /* how many steps: begin, a flow each, end (abort at 255) */
	OP_OVERRUN,
	OP_COMMAND, /* kind, and its scope in the upper half */
	OP_STALL, /* for how many records no datagram is pulled; with STALL_LINK: a link's state */
	OP_TIMEOUTS, /* CommitTimeout, PurgeTimeout */
	OPS,
};

enum { KIND_EXPECT = 0x40, KIND_ADVANCE = 0x80 };
enum { STALL_LINK = 0x80, STALL_LINK_NUMBER = 1, STALL_LINK_USABLE = 2 };

enum how { HOW_SENDER = 0x0f, HOW_IN_ORDER = 0x10, HOW_OUR_RANGE = 0x20, HOW_LINK = 0x80 };

enum {
	SENDERS = 16,
	FLOWS_MAX_MAX = 160,
	CHECK_EVERY = 8,
	DUMPED = 12,
	RECORDS_MAX = 400,
	END_STEPS = 40
};

enum {
	/* Each message is pulled once: what is queued, a bulk, a repair and our own control. */
	PULLED_MAX = LIMIT_CONTROL_QUEUE + LIMIT_CONTROL_RESEND + 8 * FLOWS_MAX_MAX,
	DATAGRAM_MAX = 8952,
};

struct world {
	struct engine *engine;
	struct engine_config config;
	mono now;
	uint32_t seq[SENDERS]; /* the next number in order, of each sender */
	uint32_t our_seq, our_count; /* the last number that the engine sent; how many there were */
	uint64_t ops[LIMIT_KERNEL_OPS_IN_FLIGHT];
	unsigned ops_count;
	bool dump_asked, dump_running, written_known;
	unsigned dump_next;
	struct kernel_op written;
	unsigned commands, done;
	unsigned stall;
};

static const int answer_errs[] = {0, 17, 2, 12, 16, 22, 95, 0};

static struct world *world_new(uint8_t settings)
{
	static struct world w;
	static void *memory;
	static size_t memory_bytes;
	static struct engine *before;
	struct engine_config c = {
		.links = 2,
		.flows_max = settings & 1 ? FLOWS_MAX_MAX : 4,
		.datagram_bytes = settings & 2 ? 1472 : DATAGRAM_MAX,
		.ack_window = settings & 4 ? 300 : 1,
		.resend_max = settings & 8 ? 1000 : 3,
		.commit_timeout_s = settings & 16 ? 0 : 180,
		.purge_timeout_s = settings & 32 ? 60 : 0,
		.poll_s = 5,
		.births_unheard = settings & 8,
		.startup_resync = settings & 4,
		.tcp_window_tracking = settings & 16,
		.commit_half_open = settings & 32,
		.external_cache_off = settings & 128,
		.boot_id = 7,
		.first_seq = settings & 64 ? UINT32_MAX - 20 : 1000,
		.hash_key = "0123456789abcde",
	};

	c.expect_filter.on = settings & 128;
	if ((settings & 192) == 192) {
		c.mode = settings & 1 ? ENGINE_MODE_ALARM : ENGINE_MODE_NOTRACK;
		c.internal_cache_off = settings & 2;
		c.polling = settings & 4;
		c.links = settings & 8 ? 2 : 0;
		c.tells_ended = settings & 16;
		c.refresh_s = settings & 16 ? 2 : 60;
		c.cache_timeout_s = 3 * c.refresh_s;
	}
	memset(&w, 0, sizeof(w));
	if (before)
		engine_fini(before);
	if (memory_bytes != engine_memory_bytes(&c)) {
		if (memory)
			munmap(memory, memory_bytes);
		memory_bytes = engine_memory_bytes(&c);
		memory = mmap(NULL, memory_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(memory != MAP_FAILED);
	} else {
		CHECK(madvise(memory, memory_bytes, MADV_DONTNEED) == 0);
	}
	w.config = c;
	w.now.ns = 5 * NS_PER_SEC;
	w.engine = engine_init(memory, memory_bytes, &c, w.now);
	CHECK(w.engine);
	before = w.engine;
	return &w;
}

/* ---- outputs ---- */

static void pull_events(struct world *w)
{
	struct engine_event ev;
	unsigned pulled = 0;

	while (engine_next_event(w->engine, &ev)) {
		CHECK(++pulled <= LIMIT_EVENTS_QUEUE);
		CHECK(ev.kind < ENGINE_EVENTS);
		if (ev.kind == ENGINE_EVENT_DONE) {
			CHECK(ev.command_id > 0 && ev.command_id <= w->commands);
			CHECK(++w->done <= w->commands);
		}
	}
}

static void pull_ops(struct world *w)
{
	struct kernel_op op;

	while (engine_next_kernel_op(w->engine, w->now, &op)) {
		if (op.kind == KERNEL_OP_DUMP) {
			CHECK(!w->dump_asked && !w->dump_running);
			w->dump_asked = true;
			continue;
		}
		CHECK(w->ops_count < LIMIT_KERNEL_OPS_IN_FLIGHT);
		w->ops[w->ops_count++] = op.id;
		w->written = op;
		w->written_known = true;
	}
}

/* Ours are sound: every message's size and version, and numbers without a gap. */
static void check_datagram(struct world *w, const uint8_t *buf, size_t len)
{
	struct rbuf r = rbuf_of(buf, len);
	struct wire_v1_message m;

	while (r.left > 0) {
		CHECK(wire_v1_next(&r, &m) == WIRE_V1_OK);
		CHECK(w->our_count == 0 || m.seq == w->our_seq + 1);
		w->our_seq = m.seq;
		w->our_count++;
	}
}

static void pull_datagrams(struct world *w)
{
	static uint8_t buf[DATAGRAM_MAX];
	unsigned link = 0, pulled = 0;
	size_t len;

	while ((len = engine_next_datagram(w->engine, w->now, buf, sizeof(buf), &link)) > 0) {
		CHECK(len <= w->config.datagram_bytes && link < 2);
		CHECK(++pulled <= PULLED_MAX);
		check_datagram(w, buf, len);
	}
}

static void check_views(struct world *w)
{
	struct engine_flow_view view;
	struct engine_expect_view expect_view;
	struct engine_status status;

	engine_check(w->engine);
	engine_get_status(w->engine, w->now, &status);
	CHECK(status.local_flows <= w->config.flows_max);
	CHECK(status.remote_flows <= (uint64_t)w->config.flows_max * status.peers_count);
	CHECK(status.peers_count <= LIMIT_PEERS);
	for (unsigned table = 0; table <= ENGINE_TABLE_REMOTE; table++) {
		uint64_t cursor = 0, shown = 0;

		while (engine_show_next(w->engine, w->now, table, &cursor, &view)) {
			CHECK(++shown <= (uint64_t)FLOWS_MAX_MAX * LIMIT_PEERS);
			CHECK(engine_find(w->engine, table, &view.flow, &view));
		}
		CHECK(shown ==
			(table == ENGINE_TABLE_LOCAL ? status.local_flows : status.remote_flows));
		cursor = shown = 0;
		while (engine_show_next_expect(w->engine, w->now, table, &cursor, &expect_view))
			CHECK(++shown <= (uint64_t)FLOWS_MAX_MAX * LIMIT_PEERS);
		CHECK(shown == (table == ENGINE_TABLE_LOCAL ? status.local_expectations
							    : status.remote_expectations));
	}
}

static void pull_ended(struct world *w)
{
	struct flow flow;

	for (uint32_t n = 0; engine_next_ended(w->engine, &flow); n++)
		CHECK(n < w->config.flows_max && flow_has_key(&flow));
}

static void pull(struct world *w)
{
	pull_ended(w);
	pull_events(w);
	pull_ops(w);
	if (w->stall > 0)
		w->stall--;
	else
		pull_datagrams(w);
	pull_ops(w);
	pull_events(w);
}

/* ---- inputs ---- */

static void advance(struct world *w, int64_t ms)
{
	w->now = mono_add_ms(w->now, ms);
	if (mono_reached(w->now, engine_deadline(w->engine)))
		engine_tick(w->engine, w->now);
}

static void put_u32_be(uint8_t *at, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

static uint32_t get_u32_be(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What a fuzzer hardly guesses: numbers in order, ranges of what was really sent. */
static void renumber(struct world *w, unsigned how, unsigned sender, uint8_t *msg, size_t len)
{
	uint8_t *from = msg + WIRE_V1_HEADER_BYTES;
	uint32_t back;

	if (how & HOW_IN_ORDER)
		put_u32_be(msg + 4, w->seq[sender]);
	w->seq[sender] = get_u32_be(msg + 4) + 1;
	if (!(how & HOW_OUR_RANGE) || len < WIRE_V1_RANGE_BYTES || (msg[0] & 0x0f) != WIRE_V1_CTL ||
		!(msg[1] & (WIRE_V1_ACK | WIRE_V1_NACK)))
		return;
	back = get_u32_be(from) % (w->our_count + 1);
	put_u32_be(from + 4, w->our_seq - back + get_u32_be(from + 4) % (back + 1));
	put_u32_be(from, w->our_seq - back);
}

static void datagram(struct world *w, struct rbuf *r)
{
	unsigned how = rbuf_u8(r), sender = how & HOW_SENDER;
	size_t len = rbuf_u16_be(r), at = 0;
	struct engine_addr addr = {.bytes = {0x20, 0x01, [15] = (uint8_t)(sender + 1)}};
	uint8_t *copy;

	if (len > r->left)
		len = r->left;
	copy = malloc(len ? len : 1); /* of its exact size, for the address sanitizer */
	CHECK(copy);
	rbuf_copy(r, copy, len);
	while (len - at >= WIRE_V1_HEADER_BYTES) {
		size_t size = (size_t)copy[at + 2] << 8 | copy[at + 3];

		if (size < WIRE_V1_HEADER_BYTES || size > len - at)
			break;
		renumber(w, how, sender, copy + at, size);
		at += size;
	}
	engine_datagram(w->engine, w->now, w->config.links && how & HOW_LINK, &addr, copy, len);
	free(copy);
}

static void numbered(unsigned n, struct flow *f)
{
	struct rng rng = rng_of(n);

	if (n < 128)
		flowgen_numbered(n % 48, f);
	else
		flowgen_random(&rng, f);
	f->id = n + 1;
	flow_mark_set(f, FLOW_ID);
}

/* What a helper expects of flow n; at every eighth number something odd. */
static void expected(unsigned n, struct expect *x)
{
	struct rng rng = rng_of(n);
	struct flow f;

	numbered(n, &f);
	if (n % 8 == 7)
		expectgen_random(&rng, x);
	else
		expectgen_of(&f, (uint16_t)(n % 3), x);
}

static void kernel_event(struct world *w, struct rbuf *r)
{
	unsigned kind = rbuf_u8(r), n = rbuf_u8(r);
	struct rng rng = rng_of(kind);
	struct expect x;
	struct flow f;

	if (w->config.expect_filter.on && kind & KIND_EXPECT) {
		expected(n, &x);
		x.class += kind & KIND_ADVANCE;
		engine_kernel_expect(w->engine, w->now, (enum kernel_event)(kind % 3), &x);
		return;
	}
	numbered(n, &f);
	if (kind & KIND_ADVANCE)
		flowgen_advance(&rng, &f);
	engine_kernel_event(w->engine, w->now, (enum kernel_event)(kind % 3), &f);
}

static void kernel_echo(struct world *w, struct rbuf *r)
{
	unsigned kind = rbuf_u8(r) % 3;

	if (!w->written_known)
		return;
	if (w->written.kind == KERNEL_OP_EXPECT_CREATE ||
		w->written.kind == KERNEL_OP_EXPECT_DELETE)
		engine_kernel_expect(
			w->engine, w->now, (enum kernel_event)kind, &w->written.expect);
	else
		engine_kernel_event(w->engine, w->now, (enum kernel_event)kind, &w->written.flow);
}

static void kernel_answer(struct world *w, unsigned count, unsigned how)
{
	for (; count > 0 && w->ops_count > 0; count--) {
		uint64_t id = w->ops[how & 8 ? --w->ops_count : 0];

		if (!(how & 8)) {
			w->ops_count--;
			memmove(w->ops, w->ops + 1, w->ops_count * sizeof(w->ops[0]));
		}
		engine_kernel_result(w->engine, w->now, id, answer_errs[how & 7]);
		pull_ops(w);
	}
}

static void dump_step(struct world *w, enum kernel_event ending)
{
	struct expect x;
	struct flow f;

	if (w->dump_asked) {
		w->dump_asked = false;
		w->dump_running = true;
		w->dump_next = 0;
		engine_kernel_event(w->engine, w->now, KERNEL_DUMP_BEGIN, NULL);
	} else if (w->dump_running && (w->dump_next == DUMPED || ending == KERNEL_DUMP_ABORT)) {
		w->dump_running = false;
		for (unsigned n = 0;
			ending == KERNEL_DUMP_END && w->config.expect_filter.on && n < 3; n++) {
			expected(n * 21, &x);
			engine_kernel_expect(w->engine, w->now, KERNEL_DUMP_FLOW, &x);
		}
		engine_kernel_event(w->engine, w->now, ending, NULL);
	} else if (w->dump_running) {
		numbered(w->dump_next++ * 21, &f);
		engine_kernel_event(w->engine, w->now, KERNEL_DUMP_FLOW, &f);
	}
}

static void dump(struct world *w, unsigned steps)
{
	if (steps == 255)
		dump_step(w, KERNEL_DUMP_ABORT);
	else
		for (unsigned i = 0; i < steps % 16; i++)
			dump_step(w, KERNEL_DUMP_END);
}

static void command(struct world *w, unsigned kind)
{
	struct engine_command c = {
		.kind = (enum engine_command_kind)(kind % (ENGINE_PURGE + 1)),
		.scope = (enum engine_scope)(kind / 16 % (ENGINE_SCOPE_EXPECTATIONS + 1)),
		.tables = (enum engine_tables)(kind / 48 % 3),
	};

	c.id = ++w->commands;
	engine_command(w->engine, w->now, &c);
}

static void stall(struct world *w, unsigned a)
{
	if (a & STALL_LINK && w->config.links)
		engine_link(w->engine, w->now, a & STALL_LINK_NUMBER, a & STALL_LINK_USABLE);
	else
		w->stall = a;
}

static void record(struct world *w, struct rbuf *r)
{
	unsigned a;

	switch ((enum op)(rbuf_u8(r) % OPS)) {
	case OP_DATAGRAM:
		datagram(w, r);
		break;
	case OP_TIME_MS:
		advance(w, rbuf_u16_be(r));
		break;
	case OP_TIME_S:
		advance(w, 1000 * (int64_t)rbuf_u8(r));
		break;
	case OP_KERNEL_EVENT:
		kernel_event(w, r);
		break;
	case OP_KERNEL_ECHO:
		kernel_echo(w, r);
		break;
	case OP_KERNEL_ANSWER:
		a = rbuf_u8(r);
		kernel_answer(w, a, rbuf_u8(r));
		break;
	case OP_DUMP:
		dump(w, rbuf_u8(r));
		break;
	case OP_OVERRUN:
		engine_overrun(w->engine, w->now);
		break;
	case OP_COMMAND:
		command(w, rbuf_u8(r));
		break;
	case OP_STALL:
		stall(w, rbuf_u8(r));
		break;
	case OP_TIMEOUTS:
		a = rbuf_u8(r);
		engine_set_timeouts(w->engine, a, rbuf_u8(r));
		engine_set_warm(w->engine, 100U * a, a);
		break;
	case OPS:
		break;
	}
}

/* Nothing comes from outside any more: the kernel answers, time goes on, all commands end. */
static void end(struct world *w)
{
	w->stall = 0;
	for (unsigned i = 0; i < w->config.links; i++)
		engine_link(w->engine, w->now, i, true);
	for (unsigned i = 0; i < END_STEPS && (i < 2 || w->done < w->commands); i++) {
		pull(w);
		kernel_answer(w, UINT32_MAX, 0);
		for (unsigned step = 0; step < 14; step++)
			dump_step(w, KERNEL_DUMP_END);
		advance(w, 100);
	}
	pull(w);
	check_views(w);
	CHECK(w->done == w->commands);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rbuf r = rbuf_of(data, size);
	struct world *w = world_new(rbuf_u8(&r));

	for (unsigned i = 1; r.left > 0 && i <= RECORDS_MAX; i++) {
		record(w, &r);
		pull(w);
		if (i % CHECK_EVERY == 0)
			check_views(w);
	}
	end(w);
	return 0;
}
