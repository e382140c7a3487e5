/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kernel.h"
#include "daemon/kernel_dump.h"
#include "daemon/kernel_events.h"
#include "daemon/kernel_write.h"

enum {
	KERNEL_BATCHES_PER_TURN = 16, /* so that writing never starves reading */
	KERNEL_RCVBUF_MAX_DEFAULT = 32 << 20,
};

static bool steps_dump(const struct kernel *k)
{
	return nldump_is_running(&k->dump) && engine_takes_dump(k->engine);
}

void kernel_run(struct kernel *k, mono now)
{
	if (k->events_left || mono_reached(now, drain_deadline(&k->drain)))
		kernel_events_read(k, now);
	if (steps_dump(k))
		kernel_dump_step(k, now);
	kernel_events_hear_births(k);
	k->ops_left = true;
	for (unsigned i = 0; k->ops_left && i < KERNEL_BATCHES_PER_TURN; i++)
		k->ops_left = kernel_write_batch(k, now);
}

mono kernel_deadline(const struct kernel *k, mono now)
{
	if (k->ops_left || k->events_left || steps_dump(k))
		return now;
	return drain_deadline(&k->drain);
}

int kernel_open(struct kernel *k, struct loop *loop, struct engine *engine, struct stats *stats,
	struct record *record, const struct config *config, const char **what)
{
	const struct config_general *general = &config->general;
	bool is_sync = config->purpose == CONFIG_SYNC;
	int err;

	*k = (struct kernel){
		.engine = engine,
		.loop = loop,
		.stats = stats,
		.record = record,
		.events.fd = -1,
		.polling = general->poll_s > 0,
		.has_expectations = is_sync && config->sync.expectation_sync.on,
		.wants_own_events = !is_sync,
		.read_max = general->event_iteration_limit,
		.rcvbuf_max_bytes = general->netlink_buffer_max_bytes / 2,
	};
	if (!k->rcvbuf_max_bytes)
		k->rcvbuf_max_bytes = KERNEL_RCVBUF_MAX_DEFAULT / 2;
	drain_init(&k->drain, DRAIN_MESSAGES_BUSY, DRAIN_GATHER_NS);
	drain_stretch(&k->drain, DRAIN_MESSAGES_MANY);
	*what = "socket for writing";
	err = nlbatch_init(&k->batch, NLBATCH_MESSAGES);
	if (err)
		return err;
	*what = "socket for dumps";
	err = nldump_init(&k->dump);
	if (err || k->polling)
		return err;
	return kernel_events_open(k, general, what);
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
