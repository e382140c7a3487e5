/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_NAMES_H
#define CTSYNC_DAEMON_NAMES_H

#include "core/engine.h"

/* The words in which the daemon speaks of the engine's enumerations, to logs and to ctsyncctl. */
const char *name_role(enum engine_role);
const char *name_sync(enum engine_sync);
const char *name_command(enum engine_command_kind);
const char *name_outcome(enum engine_outcome);

/* A sentence for an operator: why a peer is, or is not, in sync. */
const char *explain_sync(enum engine_sync);

enum { NAME_ADDR_BYTES = 48 };

/* A peer's address as text; a v4-mapped one as IPv4. Returns buf. */
const char *name_addr(const struct engine_addr *, char buf[NAME_ADDR_BYTES]);

/* The name of an errno as the kernel's headers spell it ("EEXIST"), or "errno". */
const char *name_errno(int err);

#endif
