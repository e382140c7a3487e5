/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_KERNEL_DUMP_H
#define CTSYNC_DAEMON_KERNEL_DUMP_H

#include "daemon/kernel.h"

/*
 * A KERNEL_OP_DUMP: the table of connections and then, if they are replicated, that of
 * expectations, between one KERNEL_DUMP_BEGIN and one END or ABORT.
 */
void kernel_dump_start(struct kernel *, mono now);

/* While it runs, once per turn. */
void kernel_dump_step(struct kernel *, mono now);

#endif
