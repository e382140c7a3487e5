/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_DAEMON_KERNEL_WRITE_H
#define CTSYNC_DAEMON_KERNEL_WRITE_H

#include "daemon/kernel.h"

/*
 * Fills one batch with the engine's operations and sends it; each result goes back to the engine.
 * A dump among them is begun. False when the engine has no more.
 */
bool kernel_write_batch(struct kernel *, mono now);

#endif
