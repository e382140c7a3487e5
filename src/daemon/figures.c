/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/figures.h"

#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/reply_stats.h"

#define X(name, text, help) [DAEMON_COUNTER_##name] = text,
const char *const daemon_counter_names[DAEMON_COUNTER_COUNT] = {DAEMON_COUNTERS(X)};
#undef X

static void gather_counters(const struct daemon *d, uint64_t values[DAEMON_COUNTER_COUNT])
{
	const struct channel_stats sums = links_stats(&d->links), *link = &sums;
	const struct nlsock *events = &d->kernel.events;
	const struct control *control = &d->service.control;

	values[DAEMON_COUNTER_EVENT_MESSAGES] = events->messages;
	values[DAEMON_COUNTER_EVENT_DATAGRAMS] = events->datagrams;
	values[DAEMON_COUNTER_EVENT_TRUNCATED] = events->truncated;
	values[DAEMON_COUNTER_EVENT_OTHER] = d->kernel.other;
	values[DAEMON_COUNTER_EVENT_BAD_ATTR] = d->kernel.bad_attr;
	values[DAEMON_COUNTER_EVENT_BUFFER] = events->rcvbuf_bytes;
	values[DAEMON_COUNTER_EVENT_GATHERINGS] = d->kernel.drain.switches;
	values[DAEMON_COUNTER_STATS_LINES] = d->stats.lines;
	values[DAEMON_COUNTER_STATS_LOST] = d->stats.log.lost;
	values[DAEMON_COUNTER_WRITE_BATCHES] = d->kernel.batch.batches;
	values[DAEMON_COUNTER_WRITE_LOST] = d->kernel.batch.unanswered;
	values[DAEMON_COUNTER_DUMP_RESIZED] = d->kernel.dump_resized;
	values[DAEMON_COUNTER_WRITE_TOO_LARGE] = d->kernel.too_large;
	values[DAEMON_COUNTER_RECORD_BYTES] = journal_bytes(&d->record.journal);
	values[DAEMON_COUNTER_RECORD_REWRITES] = d->record.rewrites;
	values[DAEMON_COUNTER_RECORD_CLEARED] = d->record.cleared;
	values[DAEMON_COUNTER_RECORD_DROPPED] = d->record.journal.lost;
	values[DAEMON_COUNTER_LINK_SENT] = link->sent;
	values[DAEMON_COUNTER_LINK_SENT_BYTES] = link->sent_bytes;
	values[DAEMON_COUNTER_LINK_RECEIVED] = link->received;
	values[DAEMON_COUNTER_LINK_RECEIVED_BYTES] = link->received_bytes;
	values[DAEMON_COUNTER_LINK_SEND_ERRORS] = link->send_errors;
	values[DAEMON_COUNTER_LINK_SEND_FULL] = link->send_full;
	values[DAEMON_COUNTER_LINK_RECEIVE_ERRORS] = link->receive_errors;
	values[DAEMON_COUNTER_LINK_TRUNCATED] = link->truncated;
	values[DAEMON_COUNTER_LINK_WRONG_INTERFACE] = link->wrong_interface;
	values[DAEMON_COUNTER_LINK_OWN] = link->own;
	values[DAEMON_COUNTER_LINK_WRONG_SOURCE] = link->wrong_source;
	values[DAEMON_COUNTER_LINK_CONNECTS] = link->connects;
	values[DAEMON_COUNTER_LINK_ACCEPTS] = link->accepts;
	values[DAEMON_COUNTER_LINK_BREAKS] = link->breaks;
	values[DAEMON_COUNTER_LINK_OUT_OF_STEP] = link->out_of_step;
	values[DAEMON_COUNTER_CONTROL_ACCEPTED] = control->accepted;
	values[DAEMON_COUNTER_CONTROL_REFUSED] = control->refused;
	values[DAEMON_COUNTER_CONTROL_DROPPED] = control->dropped;
	values[DAEMON_COUNTER_CONTROL_PAUSED] = control->paused;
	values[DAEMON_COUNTER_CONTROL_TOO_LONG] = control->too_long;
	values[DAEMON_COUNTER_CONTROL_MALFORMED] = d->service.malformed;
	values[DAEMON_COUNTER_MEMORY_RELEASED] = d->released_bytes;
	values[DAEMON_COUNTER_PURGES] = d->service.purges;
	values[DAEMON_COUNTER_RESYNCS] = d->service.resyncs;
}

static void gather_link(const struct daemon *d, struct figures *f, unsigned i)
{
	const struct link *link = &d->links.link[i];
	const struct iface *iface = &d->links.ifaces.ifaces[i];
	struct figures_link *l = &f->links[i];

	*l = (struct figures_link){
		.transport = link->config->transport,
		.exists = iface->index,
		.up = iface->up,
		.running = iface->running,
		.current = i == f->status.link,
		.connected_in = channel_is_accepted(&link->channel),
		.connected_out = channel_is_connected(&link->channel),
		.mtu = iface->mtu,
		.stats = link->channel.stats,
	};
	memcpy(l->interface, iface->name, sizeof(l->interface));
}

void figures_gather(void *daemon, struct figures *f)
{
	const struct daemon *d = daemon;
	mono now = loop_now(&d->loop);

	*f = (struct figures){
		.config = &d->config,
		.engine = engine_counters(d->engine),
		.pid = getpid(),
		.uptime_s = mono_diff_ms(now, d->started) / 1000,
		.reserved_bytes = d->memory_bytes,
		.reloads = d->reloads,
		.clients = d->service.control.count,
		.links_count = d->links.count,
	};
	engine_get_status(d->engine, now, &f->status);
	gather_counters(d, f->daemon);
	process_usage(&f->usage);
	for (unsigned i = 0; i < f->links_count; i++)
		gather_link(d, f, i);
}
