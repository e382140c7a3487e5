/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro: nanoseconds of processor time per operation of the pure functions that every flow passes,
 * and of two engines that replicate in memory, without kernel and network. For locating what
 * `make bench` notices; figures of different machines do not compare.
 *
 *	micro [FLOWS]		200000 by default
 *
 * Prints one JSON line of ns per flow. Each figure is the least of a few rounds: what disturbs
 * only adds.
 */
#include "config.h"

#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/check.h"
#include "core/engine.h"
#include "flow/flow.h"
#include "flow/pack.h"
#include "nlmsg/ct.h"
#include "tests/lib/flowgen.h"
#include "wire/v1.h"

enum { ROUNDS = 3, SAMPLES = 4096, MESSAGE_BYTES = 512 };

/* Different flows of each form, few enough to stay in the cache: the functions' own cost. */
static struct flow flows[SAMPLES];
static uint8_t packed[SAMPLES][FLOW_PACKED_BYTES_MAX];
static size_t packed_len[SAMPLES];
static uint8_t nl[SAMPLES][MESSAGE_BYTES] __attribute__((aligned(8)));
static size_t nl_len[SAMPLES];
static uint8_t wire[SAMPLES][MESSAGE_BYTES];
static size_t wire_len[SAMPLES];
static volatile uint64_t sink; /* what is computed must not be optimised away */

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static void op_key(unsigned i)
{
	uint8_t key[FLOW_KEY_BYTES_MAX];

	sink += flow_key_make(&flows[i], key);
}

static void op_pack(unsigned i)
{
	packed_len[i] = flow_pack(&flows[i], packed[i]);
}

static void op_unpack(unsigned i)
{
	struct flow f;

	flow_unpack(packed[i], packed_len[i], &f);
	sink += f.mark;
}

static void op_nl_build(unsigned i)
{
	nl_len[i] = nlmsg_ct_build(
		nl[i], sizeof(nl[i]), NLM_F_CREATE | NLM_F_EXCL, i, &flows[i], NLMSG_PART_ALL);
}

static void op_nl_parse(unsigned i)
{
	struct flow f;

	CHECK(nlmsg_ct_parse((void *)nl[i], nl_len[i], &f) == NLMSG_OK);
	sink += f.mark;
}

static void op_wire_put(unsigned i)
{
	static const struct wire_v1_options options;
	struct wbuf w = wbuf_of(wire[i], sizeof(wire[i]));

	wire_len[i] = wire_v1_put_flow(&w, WIRE_V1_CT_NEW, 0, i, &flows[i], &options);
}

static void op_wire_get(unsigned i)
{
	struct rbuf r = rbuf_of(wire[i], wire_len[i]);
	struct wire_v1_message m;
	struct flow f;

	CHECK(wire_v1_next(&r, &m) == WIRE_V1_OK);
	CHECK(wire_v1_get_flow(&m, &f) == WIRE_V1_OK);
	sink += f.mark;
}

/* In an order in which each finds made what it reads. */
static const struct {
	const char *name;
	void (*op)(unsigned i);
} ops[] = {
	{"flow_key_make", op_key},
	{"flow_pack", op_pack},
	{"flow_unpack", op_unpack},
	{"nlmsg_ct_build", op_nl_build},
	{"nlmsg_ct_parse", op_nl_parse},
	{"wire_v1_put_flow", op_wire_put},
	{"wire_v1_get_flow", op_wire_get},
};

static double time_op(void (*op)(unsigned), unsigned count)
{
	double best = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int64_t begin = cpu_ns();
		double ns;

		for (unsigned i = 0; i < count; i++)
			op(i % SAMPLES);
		ns = (double)(cpu_ns() - begin) / count;
		if (round == 0 || ns < best)
			best = ns;
	}
	return best;
}

/* ---- two engines ---- */

enum { NODES = 2, BATCH = 64, PHASES = 3 };

_Static_assert(BATCH % ENGINE_TOLD_MAX == 0, "a batch is told in whole parts");

static const char *const phase_names[PHASES] = {"create", "update", "delete"};
static const enum kernel_event phase_events[PHASES] = {
	KERNEL_EVENT_NEW, KERNEL_EVENT_UPDATE, KERNEL_EVENT_DESTROY};

struct cluster {
	struct engine *engine[NODES];
	struct engine_addr addr[NODES];
	void *memory[NODES];
	size_t memory_bytes;
	mono now;
	int64_t spent_ns[NODES]; /* in receiving datagrams and building them */
};

static void drop_events(struct engine *e)
{
	struct engine_event event;

	while (engine_next_event(e, &event))
		;
}

/* Takes what a node has to send to the other one; the time of each goes to its own account. */
static bool carry(struct cluster *c, unsigned from)
{
	unsigned to = !from, link;
	uint8_t datagram[2048];
	int64_t begin = cpu_ns(), built;
	size_t len =
		engine_next_datagram(c->engine[from], c->now, datagram, sizeof(datagram), &link);

	built = cpu_ns();
	c->spent_ns[from] += built - begin;
	if (!len)
		return false;
	engine_datagram(c->engine[to], c->now, link, &c->addr[from], datagram, len);
	c->spent_ns[to] += cpu_ns() - built;
	return true;
}

static void exchange(struct cluster *c)
{
	while (carry(c, 0) || carry(c, 1))
		;
}

/* Lets time pass, as much as an acknowledgement or a greeting may take. */
static void rest(struct cluster *c)
{
	for (unsigned step = 0; step < 30; step++) {
		c->now = mono_add_ms(c->now, 100);
		for (unsigned n = 0; n < NODES; n++) {
			engine_tick(c->engine[n], c->now);
			drop_events(c->engine[n]);
		}
		exchange(c);
	}
}

static void cluster_init(struct cluster *c, uint32_t flows_max)
{
	*c = (struct cluster){.now = {NS_PER_SEC}};
	for (unsigned n = 0; n < NODES; n++) {
		struct engine_config config = {
			.links = 1,
			.flows_max = flows_max,
			.datagram_bytes = 1472,
			.ack_window = 300,
			.resend_max = 131072,
			.poll_s = 10,
			.boot_id = n + 1,
			.first_seq = 1000,
			.hash_key = "0123456789abcdef",
		};
		struct kernel_op op;

		config.hash_key[0] = (uint8_t)n;
		c->memory_bytes = engine_memory_bytes(&config);
		c->memory[n] = mmap(NULL, c->memory_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(c->memory[n] != MAP_FAILED);
		c->engine[n] = engine_init(c->memory[n], c->memory_bytes, &config, c->now);
		CHECK(c->engine[n]);
		c->addr[n].bytes[15] = (uint8_t)(n + 1);
		while (engine_next_kernel_op(c->engine[n], c->now, &op))
			;
		engine_kernel_event(c->engine[n], c->now, KERNEL_DUMP_BEGIN, NULL);
		engine_kernel_event(c->engine[n], c->now, KERNEL_DUMP_END, NULL);
	}
	rest(c);
}

/* Events of all flows, a batch at a time as a busy socket gives them. */
static void replicate(struct cluster *c, unsigned phase, uint32_t count, double ns[NODES])
{
	static struct kernel_told batch[BATCH];

	memset(c->spent_ns, 0, sizeof(c->spent_ns));
	for (uint32_t done = 0; done < count;) {
		uint32_t n = count - done < BATCH ? count - done : BATCH;
		int64_t begin;

		for (uint32_t i = 0; i < n; i++) {
			batch[i].kind = phase_events[phase];
			flowgen_numbered(done + i, &batch[i].flow);
			if (phase > 0)
				batch[i].flow.mark++;
		}
		begin = cpu_ns();
		for (uint32_t i = 0; i < n; i += ENGINE_TOLD_MAX)
			engine_kernel_events(c->engine[0], c->now, &batch[i],
				n - i < ENGINE_TOLD_MAX ? n - i : ENGINE_TOLD_MAX);
		c->spent_ns[0] += cpu_ns() - begin;
		exchange(c);
		done += n;
		c->now.ns += (int64_t)n * 10000;
	}
	rest(c);
	for (unsigned n = 0; n < NODES; n++)
		ns[n] = (double)c->spent_ns[n] / count;
}

/* What a commit costs beside the kernel's work. */
static double commit(struct cluster *c, uint32_t count)
{
	struct engine_command command = {ENGINE_COMMIT, 1};
	struct engine *e = c->engine[1];
	struct kernel_op op[BATCH];
	uint32_t written = 0;
	int64_t begin = cpu_ns();
	unsigned n;

	engine_command(e, c->now, &command);
	do {
		for (n = 0; n < BATCH && engine_next_kernel_op(e, c->now, &op[n]); n++)
			;
		for (unsigned i = 0; i < n; i++)
			engine_kernel_result(e, c->now, op[i].id, 0);
		written += n;
	} while (n > 0 && written < 2 * count);
	CHECK(written >= count);
	return (double)(cpu_ns() - begin) / count;
}

static void run_engines(uint32_t count)
{
	static const char *const names[NODES] = {"active", "backup"};
	struct cluster c;
	double ns[NODES];

	cluster_init(&c, 2 * count + 4096);
	for (unsigned phase = 0; phase < PHASES; phase++) {
		struct engine_status status;

		if (phase == PHASES - 1)
			printf(", \"engine_commit\": %.1f", commit(&c, count));
		replicate(&c, phase, count, ns);
		for (unsigned n = 0; n < NODES; n++)
			printf(", \"engine_%s_%s\": %.1f", names[n], phase_names[phase], ns[n]);
		engine_get_status(c.engine[1], c.now, &status);
		CHECK(status.remote_flows == (phase == PHASES - 1 ? 0 : count));
	}
	for (unsigned n = 0; n < NODES; n++)
		munmap(c.memory[n], c.memory_bytes);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000;

	if (argc > 2 || count < 1) {
		fprintf(stderr, "usage: micro [FLOWS]\n");
		return 2;
	}
	for (uint32_t i = 0; i < SAMPLES; i++)
		flowgen_numbered(i, &flows[i]);
	printf("{\"flows\": %u", count);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		printf(", \"%s\": %.1f", ops[i].name, time_op(ops[i].op, count));
	run_engines(count);
	printf("}\n");
	return 0;
}
