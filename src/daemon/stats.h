/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_STATS_H
#define CTSYNC_DAEMON_STATS_H

#include "core/engine.h"
#include "io/linelog.h"
#include "parser/config.h"

/*
 * The Stats section: each flow that ends gets a line in a file, in syslog or in both, as
 * conntrackd writes it.
 */
struct stats {
	struct engine *engine;
	const struct flow_filter *filter;
	bool wants_lines; /* a file or syslog */
	int syslog_facility; /* -1: none */
	struct linelog log;
	uint64_t packets,
		bytes; /* of both directions of ended flows, where the kernel counts them */
	uint64_t lines; /* of ended flows that were told */
	int64_t date_s; /* date is that of this second */
	char date[32];
	uint64_t told_lost; /* of the log: lost lines that the log was told of */
	bool failing; /* the file; told once */
};

/*
 * Opens what the configuration's Stats section says; nothing if it is for something else. 0 or the
 * negative errno of opening the file. The configuration and the engine must outlive it.
 */
int stats_open(struct stats *, const struct config *, struct engine *);
void stats_close(struct stats *);

/* The file by its name again, for a rotation. 0 or a negative errno. */
int stats_reopen(struct stats *);

/*
 * Goes on with another file and facility. 0, or the negative errno of opening the file: then all
 * stays as it was.
 */
int stats_change(struct stats *, const struct config_stats *from, const struct config_stats *to);

/* The kernel tells the end of a flow; to be called before the engine hears of it. */
void stats_on_end(struct stats *, const struct flow *);

/* One turn: asks the engine for flows that ended unheard, and writes what was gathered. */
void stats_run(struct stats *, mono now);
mono stats_deadline(const struct stats *, mono now);

#endif
