/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_COMPAT_SAY_H
#define CTSYNC_COMPAT_SAY_H

#include "io/log.h"

/* A line of the log's form on stderr: all that this program says of itself. */
void say(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
