/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_PRINT_H
#define CTSYNC_NFCT_PRINT_H

#include <stdbool.h>

#include "flow/print.h"

/* The time of now and dates in the time zone of the process; no labels. */
struct flow_print_context print_context(void);

/* Whether a text in such a buffer can be made; false: errno says why not. */
bool print_can(const void *object, const char *buf, unsigned int size, unsigned int out_type);

#endif
