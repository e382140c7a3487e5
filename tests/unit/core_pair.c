/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core_pair.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/check.h"
#include "tests/lib/flowgen.h"

struct engine_config pair_config(void)
{
	return (struct engine_config){
		.links = 1,
		.flows_max = 100000,
		.datagram_bytes = 1472,
		.ack_window = 300,
		.resend_max = 1000,
		.purge_timeout_s = 60,
		.poll_s = 5,
		.memory_keep_bytes = 1 << 20,
		.first_seq = 1000,
		.hash_key = "0123456789abcdef",
	};
}

static void boot(struct pair *p, unsigned n, uint32_t first_seq)
{
	struct pair_node *node = &p->node[n];

	node->config.boot_id++;
	node->config.first_seq = first_seq;
	if (node->memory) {
		engine_fini(node->engine);
		munmap(node->memory, node->memory_bytes);
	}
	node->memory_bytes = engine_memory_bytes(&node->config);
	node->memory = mmap(NULL, node->memory_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(node->memory != MAP_FAILED);
	node->engine = engine_init(node->memory, node->memory_bytes, &node->config, p->now);
	CHECK(node->engine);
	node->ops_count = 0;
}

struct pair *pair_new(const struct engine_config *config)
{
	struct pair *p = (struct pair *)calloc(1, sizeof(*p));

	CHECK(p);
	p->now.ns = 5 * NS_PER_SEC;
	for (unsigned n = 0; n < PAIR_NODES; n++) {
		p->node[n].config = config ? *config : pair_config();
		p->node[n].config.boot_id = 100 * (n + 1);
		p->node[n].addr.bytes[15] = (uint8_t)(n + 1);
		boot(p, n, 1000 + 100000 * n);
	}
	return p;
}

void pair_free(struct pair *p)
{
	for (unsigned n = 0; n < PAIR_NODES; n++) {
		engine_check(p->node[n].engine);
		engine_fini(p->node[n].engine);
		munmap(p->node[n].memory, p->node[n].memory_bytes);
	}
	free(p);
}

void pair_restart(struct pair *p, unsigned n, uint32_t first_seq)
{
	boot(p, n, first_seq);
}

static void pull_events(struct pair *p, unsigned n)
{
	struct pair_node *node = &p->node[n];

	while (node->events_count < PAIR_EVENTS_MAX &&
		engine_next_event(node->engine, &node->events[node->events_count]))
		node->events_count++;
}

struct engine_addr pair_addr(const struct pair *p, unsigned n, unsigned link)
{
	struct engine_addr addr = p->node[n].addr;

	addr.bytes[14] = (uint8_t)link;
	return addr;
}

void pair_third_says(struct pair *p, enum wire_v1_type type, const struct flow *f, uint32_t seq)
{
	const struct wire_v1_options options = {0};
	struct engine_addr from = pair_addr(p, 0, 0);
	uint8_t buf[512];
	struct wbuf w = wbuf_of(buf, sizeof(buf));

	from.bytes[15] = 9;
	CHECK(wire_v1_put_flow(&w, type, 0, seq, f, &options) > 0);
	engine_datagram(p->node[1].engine, p->now, 0, &from, buf, w.used);
}

void pair_set_master(struct flow *f, const struct flow *master)
{
	f->master = master->tuple[FLOW_ORIG];
	flow_mark_set(f, FLOW_MASTER_IPV4_SRC);
	flow_mark_set(f, FLOW_MASTER_IPV4_DST);
	flow_mark_set(f, FLOW_MASTER_L3PROTO);
	flow_mark_set(f, FLOW_MASTER_L4PROTO);
}

static bool send_one(struct pair *p, unsigned n)
{
	struct pair_node *node = &p->node[n];
	unsigned link, to = !n;
	struct engine_addr from;
	uint8_t buf[2048];
	size_t len = engine_next_datagram(node->engine, p->now, buf, sizeof(buf), &link);

	if (len == 0)
		return false;
	CHECK(len <= node->config.datagram_bytes);
	memcpy(p->last[n], buf, len);
	p->last_len[n] = len;
	p->link[n] = link;
	from = pair_addr(p, n, link);
	if (!p->cut[n][link] && (!p->lose || !p->lose(n, p->sent[n])))
		engine_datagram(p->node[to].engine, p->now, link, &from, buf, len);
	p->sent[n]++;
	return true;
}

void pair_exchange(struct pair *p)
{
	bool more = true;

	while (more) {
		more = false;
		for (unsigned n = 0; n < PAIR_NODES; n++) {
			more |= send_one(p, n);
			pair_pull_ops(p, n);
			pull_events(p, n);
		}
	}
	for (unsigned n = 0; n < PAIR_NODES; n++)
		engine_check(p->node[n].engine);
}

static void give_back(struct pair_node *node)
{
	size_t bytes;
	void *at;

	while (engine_next_release(node->engine, &at, &bytes)) {
		CHECK((uintptr_t)at % 4096 == 0 && bytes % 4096 == 0 && bytes > 0);
		CHECK(madvise(at, bytes, MADV_DONTNEED) == 0);
		node->released_bytes += bytes;
	}
}

void pair_run(struct pair *p, int64_t ms)
{
	for (int64_t t = 0; t < ms; t += 100) {
		p->now = mono_add_ms(p->now, 100);
		for (unsigned n = 0; n < PAIR_NODES; n++) {
			engine_tick(p->node[n].engine, p->now);
			give_back(&p->node[n]);
		}
		pair_exchange(p);
	}
}

void pair_pull_ops(struct pair *p, unsigned n)
{
	struct pair_node *node = &p->node[n];

	while (node->ops_count < PAIR_OPS_MAX &&
		engine_next_kernel_op(node->engine, p->now, &node->ops[node->ops_count]))
		node->ops_count++;
}

void pair_dump_empty(struct pair *p, unsigned n)
{
	engine_kernel_event(p->node[n].engine, p->now, KERNEL_DUMP_BEGIN, NULL);
	engine_kernel_event(p->node[n].engine, p->now, KERNEL_DUMP_END, NULL);
}

void pair_event(struct pair *p, unsigned n, enum kernel_event kind, const struct flow *f)
{
	engine_kernel_event(p->node[n].engine, p->now, kind, f);
}

void pair_command(struct pair *p, unsigned n, enum engine_command_kind kind, uint64_t id)
{
	struct engine_command c = {.kind = kind, .id = id};

	engine_command(p->node[n].engine, p->now, &c);
	pair_pull_ops(p, n);
	pull_events(p, n);
}

const struct engine_event *pair_told(struct pair *p, unsigned n, enum engine_event_kind kind)
{
	pull_events(p, n);
	for (unsigned i = 0; i < p->node[n].events_count; i++)
		if (p->node[n].events[i].kind == kind)
			return &p->node[n].events[i];
	return NULL;
}

void pair_forget(struct pair *p)
{
	for (unsigned n = 0; n < PAIR_NODES; n++) {
		pull_events(p, n);
		p->node[n].events_count = 0;
	}
}

uint64_t pair_counter(const struct pair *p, unsigned n, enum counter c)
{
	return engine_counters(p->node[n].engine)[c];
}

bool pair_has(const struct pair *p, unsigned n, enum engine_table table, const struct flow *f)
{
	struct engine_flow_view v;

	return engine_find(p->node[n].engine, table, f, &v);
}

struct engine_status pair_status(const struct pair *p, unsigned n)
{
	struct engine_status s;

	engine_get_status(p->node[n].engine, p->now, &s);
	return s;
}

struct flow pair_flow(uint32_t n)
{
	struct flow f;

	flowgen_numbered(n, &f);
	f.id = n + 1;
	flow_mark_set(&f, FLOW_ID);
	return f;
}
