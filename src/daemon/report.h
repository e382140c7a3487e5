/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_REPORT_H
#define CTSYNC_DAEMON_REPORT_H

#include "base/text.h"
#include "core/engine.h"

/* Tells the log what an operator needs of an engine's event, at the level it needs. */
void report_event(const struct engine_event *);

/* One line about role and peers, if there can be any, for the service manager's STATUS=. */
void report_status(struct text *, const struct engine_status *, bool has_peers);

/* "12 written, 3 refused (EEXIST 2, ENOMEM 1), 1 skipped in 4.2 ms" */
void report_outcome(struct text *, const struct engine_event *);

#endif
