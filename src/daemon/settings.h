/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_SETTINGS_H
#define CTSYNC_DAEMON_SETTINGS_H

#include "core/engine.h"
#include "io/channel.h"
#include "io/log.h"
#include "parser/config.h"

/*
 * From what the configuration says to what the modules want. Random numbers and the time of day
 * are drawn here, so that the engine needs neither.
 */

/* datagram_bytes: what one datagram of the link takes. 0 or the negative errno of getrandom(). */
int settings_engine(const struct config *, uint32_t datagram_bytes, struct engine_config *);
void settings_channel(const struct config_link *, struct channel_config *);

/* The strings belong to the configuration. */
void settings_log(const struct config *, bool to_stderr, struct log_config *);

#endif
