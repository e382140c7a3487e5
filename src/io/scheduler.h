/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_IO_SCHEDULER_H
#define CTSYNC_IO_SCHEDULER_H

#include <stdbool.h>

/*
 * Puts the process under SCHED_FIFO or SCHED_RR with a priority of 0 to 99 (the kernel's range is
 * 1 to 99: 0 counts as 1). 0 or the negative errno of sched_setscheduler(): -EPERM without
 * CAP_SYS_NICE.
 */
int scheduler_set(bool fifo, int priority);

#endif
