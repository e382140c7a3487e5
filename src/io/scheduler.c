/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>

#include "io/scheduler.h"

int scheduler_set(bool fifo, int priority)
{
	int policy = fifo ? SCHED_FIFO : SCHED_RR;
	int lowest = sched_get_priority_min(policy);
	struct sched_param param = {.sched_priority = priority < lowest ? lowest : priority};

	return sched_setscheduler(0, policy, &param) ? -errno : 0;
}
