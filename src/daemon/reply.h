/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REPLY_H
#define CTSYNC_DAEMON_REPLY_H

#include <jansson.h>
#include <stdint.h>

#include "core/engine.h"
#include "parser/config.h"

/*
 * What the daemon answers on its control socket, as JSON; ctsyncctl prints it as it is or as text.
 * Every function returns a new reference, or NULL when memory is short.
 */
json_t *reply_status(const struct engine_status *, const struct config *);

/* One object "name": value of every counter of the engine. */
json_t *reply_counters(const uint64_t counters[COUNTERS]);

/* What an ENGINE_EVENT_DONE says. */
json_t *reply_done(const struct engine_event *);

#endif
