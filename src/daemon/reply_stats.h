/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REPLY_STATS_H
#define CTSYNC_DAEMON_REPLY_STATS_H

#include <jansson.h>
#include <net/if.h>

#include "core/engine.h"
#include "daemon/counters.h"
#include "daemon/request.h"
#include "io/channel.h"
#include "io/process.h"
#include "parser/config.h"

/* A dedicated link as the daemon sees it. */
struct figures_link {
	enum config_transport transport;
	char interface[IF_NAMESIZE];
	bool exists, up, running; /* the interface */
	bool current; /* the one in use */
	bool connected_in, connected_out; /* TCP */
	unsigned mtu;
	struct channel_stats stats;
};

/* All that the groups of `stats` are made of, gathered at one moment. */
struct figures {
	const struct config *config; /* what the daemon runs with */
	struct engine_status status;
	const uint64_t *engine; /* [COUNTERS] */
	uint64_t daemon[DAEMON_COUNTER_COUNT];
	struct process_usage usage;
	int pid;
	int64_t uptime_s;
	uint64_t reserved_bytes; /* address space of the tables */
	uint64_t reloads, clients;
	unsigned links_count;
	struct figures_link links[CONFIG_LINKS_MAX];
};

/*
 * One group as an object; of REQUEST_GROUP_ALL an object of them, of the counters every counter
 * by its name. A new reference, NULL when memory is short.
 */
json_t *reply_stats(const struct figures *, enum request_group);

#endif
