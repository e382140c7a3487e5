/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/check.h"
#include "daemon/kernel_events.h"
#include "io/log.h"
#include "nlmsg/bpf.h"
#include "nlmsg/ct.h"
#include "nlmsg/exp.h"

enum {
	KERNEL_BPF_MAX = 4096,
	KERNEL_CATCH_UP_DATAGRAMS = 16384,
	KERNEL_RCVBUF_DEFAULT = 4 << 20,
};

/* What was sound of a message is used: dropping all of it would be worse. */
static bool is_usable(struct kernel *k, enum nlmsg_result result)
{
	switch (result) {
	case NLMSG_OK:
		return true;
	case NLMSG_BAD_ATTR:
		k->bad_attr++;
		return true;
	case NLMSG_NOT_CT:
	case NLMSG_TRUNCATED:
	case NLMSG_RESULTS:
		k->other++;
		break;
	}
	return false;
}

static const enum kernel_event kinds[] = {
	[NLMSG_EVENT_NEW] = KERNEL_EVENT_NEW,
	[NLMSG_EVENT_UPDATE] = KERNEL_EVENT_UPDATE,
	[NLMSG_EVENT_DESTROY] = KERNEL_EVENT_DESTROY,
};

/* Whatever is no connection's message. */
static void on_other(struct kernel *k, const struct nlmsghdr *nlh, size_t len, bool is_dump)
{
	enum nlmsg_event event = nlmsg_exp_event(nlh);
	struct expect expect;

	if (event == NLMSG_EVENT_NONE)
		k->other++;
	else if (is_usable(k, nlmsg_exp_parse(nlh, len, &expect)))
		engine_kernel_expect(
			k->engine, k->clock, is_dump ? KERNEL_DUMP_FLOW : kinds[event], &expect);
}

static void tell(struct kernel *k)
{
	engine_kernel_events(k->engine, k->clock, k->told, k->told_count);
	k->told_count = 0;
}

static void on_event(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct kernel *k = ctx;
	enum nlmsg_event event = nlmsg_ct_event(nlh);
	struct kernel_told *told = &k->told[k->told_count];

	if (event == NLMSG_EVENT_NONE) {
		tell(k);
		on_other(k, nlh, len, false);
		return;
	}
	if (!is_usable(k, nlmsg_ct_parse(nlh, len, &told->flow)))
		return;
	if (event == NLMSG_EVENT_DESTROY)
		stats_on_end(k->stats, &told->flow);
	/* the message may be gone when the engine is told; it has no use for what they point to */
	flow_mark_unset(&told->flow, FLOW_SECCTX);
	flow_mark_unset(&told->flow, FLOW_HELPER_INFO);
	told->kind = kinds[event];
	if (++k->told_count == ENGINE_TOLD_MAX)
		tell(k);
}

void kernel_events_on_dumped(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct kernel *k = ctx;
	struct flow flow;

	if (nlmsg_ct_event(nlh) == NLMSG_EVENT_NONE)
		on_other(k, nlh, len, true);
	else if (is_usable(k, nlmsg_ct_parse(nlh, len, &flow)))
		engine_kernel_event(k->engine, k->clock, KERNEL_DUMP_FLOW, &flow);
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

bool kernel_events_read(struct kernel *k, mono now)
{
	static struct log_limit limit;
	struct nlsock_reading reading;
	uint64_t missed;
	int err;

	if (k->polling)
		return false;
	k->clock = now;
	err = nlsock_read(&k->events, k->read_max, on_event, k, &reading);
	tell(k);
	if (reading.overrun)
		on_overrun(k);
	if (reading.overrun_over) /* only a dump begun from here on misses nothing */
		engine_overrun(k->engine, now);
	drain_done(&k->drain, now, reading.messages);
	engine_gathering(k->engine, !drain_wants_wake(&k->drain));
	if (err && log_limit_pass(&limit, now, 60 * NS_PER_SEC, 1, &missed))
		log_error("reading kernel events failed: %s (%" PRIu64 " more)", strerror(-err),
			missed);
	loop_want(k->loop, &k->events_watch, drain_wants_wake(&k->drain) ? LOOP_READ : 0);
	k->events_left = !err && reading.end == NLSOCK_MORE;
	return k->events_left;
}

void kernel_events_catch_up(struct kernel *k, mono now)
{
	for (uint32_t left = KERNEL_CATCH_UP_DATAGRAMS; left > 0;
		left -= left < k->read_max ? left : k->read_max)
		if (!kernel_events_read(k, now))
			return;
}

void kernel_events_on_readable(void *ctx, unsigned ready)
{
	struct kernel *k = ctx;

	(void)ready;
	kernel_events_read(k, loop_now(k->loop));
}

static int attach(struct kernel *k, const struct flow_filter *filter)
{
	static struct sock_filter prog[KERNEL_BPF_MAX];
	int count = nlmsg_bpf_build(
		prog, ARRAY_SIZE(prog), &k->batch.sock.port, k->wants_own_events ? 0 : 1, filter);

	return count < 0 ? count : nlsock_attach_filter(&k->events, prog, (size_t)count);
}

/*
 * One that is too long for the kernel (-E2BIG, or -ENOMEM: net.core.optmem_max) is no reason to
 * stop: user space applies it in any case.
 */
static int attach_filter(struct kernel *k, const struct flow_filter *filter)
{
	int err = attach(k, filter);

	if (!err || !filter)
		return err;
	log_warning("the kernel does not take the filter, which is applied in user space alone: %s",
		strerror(-err));
	return attach(k, NULL);
}

int kernel_events_hear_births(struct kernel *k)
{
	static struct log_limit limit;
	bool wants = engine_wants_births(k->engine);
	uint64_t missed;
	int err;

	if (k->polling || k->hears_births == wants)
		return 0;
	err = wants ? nlsock_join(&k->events, NFNLGRP_CONNTRACK_NEW)
		    : nlsock_leave(&k->events, NFNLGRP_CONNTRACK_NEW);
	if (!err)
		k->hears_births = wants;
	else if (log_limit_pass(&limit, k->clock, 60 * NS_PER_SEC, 1, &missed))
		log_error("cannot %s the kernel's NEW events: %s", wants ? "join" : "leave",
			strerror(-err));
	return wants ? err : 0;
}

static int join(struct kernel *k)
{
	static const unsigned flows[] = {NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY};
	static const unsigned expects[] = {NFNLGRP_CONNTRACK_EXP_NEW, NFNLGRP_CONNTRACK_EXP_UPDATE,
		NFNLGRP_CONNTRACK_EXP_DESTROY};
	int err = kernel_events_hear_births(k);

	for (size_t i = 0; !err && i < ARRAY_SIZE(flows); i++)
		err = nlsock_join(&k->events, flows[i]);
	for (size_t i = 0; !err && k->has_expectations && i < ARRAY_SIZE(expects); i++)
		err = nlsock_join(&k->events, expects[i]);
	return err;
}

int kernel_events_open(struct kernel *k, const struct config_general *config, const char **what)
{
	static const struct nlsock_room room = {
		NLSOCK_DATAGRAMS, NLSOCK_EVENT_USUAL_BYTES, NLSOCK_EVENT_BYTES};
	uint32_t bytes =
		config->netlink_buffer_bytes ? config->netlink_buffer_bytes : KERNEL_RCVBUF_DEFAULT;
	int err;

	*what = "event socket";
	err = nlsock_open(&k->events, NETLINK_NETFILTER, &room);
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
	err = join(k);
	if (err)
		return err;
	return loop_add(
		k->loop, &k->events_watch, k->events.fd, LOOP_READ, kernel_events_on_readable, k);
}
