/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "daemon/kernel_dump.h"
#include "daemon/kernel_events.h"
#include "io/log.h"
#include "io/sysctl.h"
#include "nlmsg/exp.h"

/* Asks for one of the two tables. False if the dump is over by that. */
static bool ask(struct kernel *k, mono now, enum kernel_table table)
{
	uint8_t request[128];
	size_t len = table == KERNEL_TABLE_FLOWS
			     ? nlmsg_ct_build_dump(request, sizeof(request), 0, 0)
			     : nlmsg_exp_build_dump(request, sizeof(request), 0, 0);
	int err;

	CHECK(len > 0);
	k->dumping = table;
	err = nldump_start(&k->dump, request, len);
	if (!err)
		return true;
	log_error("cannot read the kernel's table: %s", strerror(-err));
	engine_kernel_event(k->engine, now, KERNEL_DUMP_ABORT, NULL);
	return false;
}

static int64_t buckets(void)
{
	int64_t n;

	return sysctl_read("nf_conntrack_buckets", &n) ? 0 : n;
}

/*
 * The kernel goes through its hash table by the bucket's number, which means another place once
 * nf_conntrack_buckets has changed: it says nothing, but a part of the table is left out.
 */
static bool was_resized(struct kernel *k, mono now)
{
	static struct log_limit limit;
	int64_t now_there = buckets();
	uint64_t missed;

	if (now_there == k->dump_buckets || !now_there || !k->dump_buckets)
		return false;
	k->dump_resized++;
	if (log_limit_pass(&limit, now, 60 * NS_PER_SEC, 1, &missed))
		log_notice("the kernel's hash table was resized meanwhile: reading it anew");
	return true;
}

void kernel_dump_start(struct kernel *k, mono now)
{
	kernel_events_catch_up(k, now);
	/* The engine asks for one dump at a time, but gives up none: an old one is ours to end. */
	if (nldump_is_running(&k->dump))
		nldump_cancel(&k->dump);
	engine_kernel_event(k->engine, now, KERNEL_DUMP_BEGIN, NULL);
	if (kernel_events_hear_births(k)) { /* what is born after its part has been read is lost */
		engine_kernel_event(k->engine, now, KERNEL_DUMP_ABORT, NULL);
		return;
	}
	k->dump_buckets = buckets();
	ask(k, now, KERNEL_TABLE_FLOWS);
}

/* The expectations follow the flows, so that the engine knows their masters. */
static void on_done(struct kernel *k, mono now)
{
	if (k->dumping == KERNEL_TABLE_FLOWS && was_resized(k, now)) {
		engine_kernel_event(k->engine, now, KERNEL_DUMP_ABORT, NULL);
		return;
	}
	if (k->dumping == KERNEL_TABLE_FLOWS && k->has_expectations) {
		ask(k, now, KERNEL_TABLE_EXPECTATIONS);
		return;
	}
	/* what ended meanwhile has sent its event before it left the table, and is no flow unheard
	 */
	kernel_events_catch_up(k, now);
	engine_kernel_event(k->engine, now, KERNEL_DUMP_END, NULL);
}

void kernel_dump_step(struct kernel *k, mono now)
{
	static struct log_limit limit;
	uint64_t missed;
	enum nldump_result result;

	kernel_events_read(k, now); /* what is dumped now should not be older than what was heard */
	k->clock = now;
	result = nldump_step(&k->dump, NLDUMP_STEP_DATAGRAMS, kernel_events_on_dumped, k);
	switch (result) {
	case NLDUMP_RUNNING:
	case NLDUMP_IDLE:
		break;
	case NLDUMP_DONE:
		on_done(k, now);
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
