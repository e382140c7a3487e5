/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <string.h>

#include "base/check.h"
#include "daemon/kernel.h"
#include "io/log.h"
#include "nlmsg/bpf.h"
#include "nlmsg/ct.h"

enum {
	KERNEL_BPF_MAX = 4096,
	KERNEL_READ_DATAGRAMS = 1024, /* events read in one turn at the most */
	KERNEL_CATCH_UP_READINGS = 16,
	KERNEL_BATCHES_PER_TURN = 16, /* so that writing never starves reading */
	KERNEL_RCVBUF_DEFAULT = 4 << 20,
	KERNEL_RCVBUF_MAX_DEFAULT = 32 << 20,
};

static void on_message(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	static const enum kernel_event events[] = {
		[NLMSG_EVENT_NEW] = KERNEL_EVENT_NEW,
		[NLMSG_EVENT_UPDATE] = KERNEL_EVENT_UPDATE,
		[NLMSG_EVENT_DESTROY] = KERNEL_EVENT_DESTROY,
	};
	struct kernel *k = ctx;
	enum nlmsg_event event = nlmsg_ct_event(nlh);
	struct flow flow;

	if (event == NLMSG_EVENT_NONE) {
		k->other++;
		return;
	}
	switch (nlmsg_ct_parse(nlh, len, &flow)) {
	case NLMSG_OK:
		break;
	case NLMSG_BAD_ATTR: /* what was sound is used: dropping an event would be worse */
		k->bad_attr++;
		break;
	case NLMSG_NOT_CT:
	case NLMSG_TRUNCATED:
	case NLMSG_RESULTS:
		k->other++;
		return;
	}
	engine_kernel_event(
		k->engine, k->clock, k->reading_dump ? KERNEL_DUMP_FLOW : events[event], &flow);
}

/* Nothing is lost with a larger buffer but memory, so it grows before anything else is tried. */
static void on_overrun(struct kernel *k)
{
	static struct log_limit limit;
	uint64_t missed;
	int err = nlsock_grow_rcvbuf(&k->events, k->rcvbuf_max_bytes);

	engine_overrun(k->engine, k->clock);
	if (!log_limit_pass(&limit, k->clock, 10 * NS_PER_SEC, 2, &missed))
		return;
	if (err)
		log_warning("the kernel dropped events: the event socket's buffer of %zu bytes was "
			    "full and may not grow (NetlinkBufferSizeMaxGrowth)",
			k->events.rcvbuf_bytes);
	else
		log_warning("the kernel dropped events: the event socket's buffer is now %zu bytes",
			k->events.rcvbuf_bytes);
}

/* One bounded reading; true if it has not emptied the socket. */
static bool read_events(struct kernel *k, mono now)
{
	static struct log_limit limit;
	struct nlsock_reading reading;
	uint64_t missed;
	int err;

	k->clock = now;
	k->reading_dump = false;
	err = nlsock_read(&k->events, KERNEL_READ_DATAGRAMS, on_message, k, &reading);
	if (reading.overrun)
		on_overrun(k);
	if (reading.overrun_over) /* only a dump begun from here on misses nothing */
		engine_overrun(k->engine, now);
	drain_done(&k->drain, now, reading.messages);
	if (err && log_limit_pass(&limit, now, 60 * NS_PER_SEC, 1, &missed))
		log_error("reading kernel events failed: %s (%" PRIu64 " more)", strerror(-err),
			missed);
	loop_want(k->loop, &k->events_watch, drain_wants_wake(&k->drain) ? LOOP_READ : 0);
	return !err && reading.end == NLSOCK_MORE;
}

/*
 * The engine takes every event after a dump's begin for newer than the dump, so what is older has
 * to be handed over before. Bounded: under overload the socket is never empty, and what that lets
 * through the next dump puts right.
 */
static void catch_up(struct kernel *k, mono now)
{
	for (unsigned i = 0; i < KERNEL_CATCH_UP_READINGS; i++)
		if (!read_events(k, now))
			return;
}

static void on_events_readable(void *ctx, unsigned ready)
{
	struct kernel *k = ctx;

	(void)ready;
	read_events(k, loop_now(k->loop));
}

static void on_result(void *ctx, uint64_t op_id, int err)
{
	struct kernel *k = ctx;

	engine_kernel_result(k->engine, k->clock, op_id, err);
}

static void start_dump(struct kernel *k, mono now)
{
	uint8_t request[128];
	size_t len = nlmsg_ct_build_dump(request, sizeof(request), 0, 0);
	int err;

	CHECK(len > 0);
	catch_up(k, now);
	/* The engine asks for one dump at a time, but gives up none: an old one is ours to end. */
	if (nldump_is_running(&k->dump))
		nldump_cancel(&k->dump);
	engine_kernel_event(k->engine, now, KERNEL_DUMP_BEGIN, NULL);
	err = nldump_start(&k->dump, request, len);
	if (err) {
		log_error("cannot read the kernel's table: %s", strerror(-err));
		engine_kernel_event(k->engine, now, KERNEL_DUMP_ABORT, NULL);
	}
}

static void step_dump(struct kernel *k, mono now)
{
	static struct log_limit limit;
	uint64_t missed;
	enum nldump_result result;

	read_events(k, now); /* what is dumped now should not be older than what was heard */
	k->clock = now;
	k->reading_dump = true;
	result = nldump_step(&k->dump, NLDUMP_STEP_DATAGRAMS, on_message, k);
	k->reading_dump = false;
	switch (result) {
	case NLDUMP_RUNNING:
	case NLDUMP_IDLE:
		break;
	case NLDUMP_DONE:
		engine_kernel_event(k->engine, now, KERNEL_DUMP_END, NULL);
		break;
	case NLDUMP_FAILED:
		if (log_limit_pass(&limit, now, 60 * NS_PER_SEC, 1, &missed))
			log_error("reading the kernel's table failed: %s (%" PRIu64 " more)",
				strerror(k->dump.err), missed);
		engine_kernel_event(k->engine, now, KERNEL_DUMP_ABORT, NULL);
		break;
	case NLDUMP_INTERRUPTED:
		engine_kernel_event(k->engine, now, KERNEL_DUMP_ABORT, NULL);
		break;
	}
}

static size_t build_op(const struct kernel_op *op, void *buf, size_t cap)
{
	switch (op->kind) {
	case KERNEL_OP_CREATE:
		return nlmsg_ct_build(
			buf, cap, NLM_F_CREATE | NLM_F_EXCL, 0, &op->flow, NLMSG_PART_ALL);
	case KERNEL_OP_UPDATE:
		return nlmsg_ct_build(
			buf, cap, 0, 0, &op->flow, NLMSG_PART_TUPLES | NLMSG_PART_STATE);
	case KERNEL_OP_DELETE:
		return nlmsg_ct_build_delete(
			buf, cap, 0, 0, &op->flow, NLMSG_PART_TUPLES | NLMSG_PART_ID);
	case KERNEL_OP_DUMP:
	case KERNEL_OP_EXPECT_CREATE:
	case KERNEL_OP_EXPECT_DELETE:
	case KERNEL_OP_EXPECT_FLUSH:
		break;
	}
	CHECK(!"no request for this operation");
	return 0;
}

/* Fills and sends one batch. False when the engine has no more operations. */
static bool run_batch(struct kernel *k, mono now)
{
	struct kernel_op op;
	bool more = true;

	while (!nlbatch_is_full(&k->batch)) {
		size_t cap, len;
		void *room;

		more = engine_next_kernel_op(k->engine, now, &op);
		if (!more)
			break;
		if (op.kind == KERNEL_OP_DUMP) {
			start_dump(k, now);
			continue;
		}
		room = nlbatch_room(&k->batch, &cap);
		CHECK(room);
		len = build_op(&op, room, cap);
		if (len == 0 || nlbatch_add(&k->batch, len, op.id)) {
			k->too_large++;
			engine_kernel_result(k->engine, now, op.id, EMSGSIZE);
		}
	}
	k->clock = now;
	if (!nlbatch_is_empty(&k->batch)) {
		int err = nlbatch_flush(&k->batch, on_result, k);

		if (err < 0)
			log_error("writing to the kernel failed: %s", strerror(-err));
	}
	return more;
}

void kernel_run(struct kernel *k, mono now)
{
	if (mono_reached(now, drain_deadline(&k->drain)))
		read_events(k, now);
	if (nldump_is_running(&k->dump))
		step_dump(k, now);
	k->ops_left = true;
	for (unsigned i = 0; k->ops_left && i < KERNEL_BATCHES_PER_TURN; i++)
		k->ops_left = run_batch(k, now);
}

mono kernel_deadline(const struct kernel *k, mono now)
{
	if (k->ops_left || nldump_is_running(&k->dump))
		return now;
	return drain_deadline(&k->drain);
}

static int attach_filter(struct kernel *k, const struct flow_filter *filter)
{
	static struct sock_filter prog[KERNEL_BPF_MAX];
	int count = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), &k->batch.sock.port, 1, filter);

	if (count < 0 && filter) {
		log_warning("the filter does not fit the kernel's; applied in user space alone");
		count = nlmsg_bpf_build(prog, ARRAY_SIZE(prog), &k->batch.sock.port, 1, NULL);
	}
	return count < 0 ? count : nlsock_attach_filter(&k->events, prog, (size_t)count);
}

static int open_events(struct kernel *k, const struct config_general *config, const char **what)
{
	uint32_t bytes =
		config->netlink_buffer_bytes ? config->netlink_buffer_bytes : KERNEL_RCVBUF_DEFAULT;
	int err;

	*what = "event socket";
	err = nlsock_open(&k->events, NETLINK_NETFILTER, NLSOCK_DATAGRAMS, NLSOCK_EVENT_BYTES);
	if (err)
		return err;
	*what = "event socket's buffer";
	err = nlsock_set_rcvbuf(&k->events, bytes / 2);
	if (err)
		return err;
	if (config->netlink_events_reliable) {
		*what = "reliable events";
		err = nlsock_set_reliable(&k->events);
		if (err)
			return err;
	}
	/* Before joining: what we cause ourselves must never be queued. */
	*what = "event socket's filter";
	err = attach_filter(k, config->filter_kernelspace ? &config->filter : NULL);
	if (err)
		return err;
	*what = "kernel events (CAP_NET_ADMIN?)";
	return nlsock_join_ct_events(&k->events);
}

int kernel_open(struct kernel *k, struct loop *loop, struct engine *engine,
	const struct config_general *config, const char **what)
{
	int err;

	*k = (struct kernel){.engine = engine, .loop = loop};
	k->rcvbuf_max_bytes = config->netlink_buffer_max_bytes / 2;
	if (!k->rcvbuf_max_bytes)
		k->rcvbuf_max_bytes = KERNEL_RCVBUF_MAX_DEFAULT / 2;
	drain_init(&k->drain, DRAIN_MESSAGES_BUSY, DRAIN_GATHER_NS);
	*what = "socket for writing";
	err = nlbatch_init(&k->batch, NLBATCH_MESSAGES);
	if (err)
		return err;
	*what = "socket for dumps";
	err = nldump_init(&k->dump);
	if (err)
		return err;
	err = open_events(k, config, what);
	if (err)
		return err;
	return loop_add(loop, &k->events_watch, k->events.fd, LOOP_READ, on_events_readable, k);
}

void kernel_close(struct kernel *k)
{
	if (!k->loop)
		return;
	if (k->events_watch.in_loop)
		loop_remove(k->loop, &k->events_watch);
	nlsock_close(&k->events);
	nldump_fini(&k->dump);
	nlbatch_fini(&k->batch);
}
