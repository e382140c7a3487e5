/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_IO_LAB_H
#define CTSYNC_TESTS_IO_LAB_H

#include <stdbool.h>

#include "io/channel.h"

/* Two network namespaces of this process, a cable between them, and stated facts. */
extern unsigned passed, failed;

/* A line, PASS or FAIL; a remark. */
void judge(bool ok, const char *what);
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A command of the shell, in the namespace that we are in. */
bool run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Until something can be read; false after 5 s. */
bool wait_for(int fd);

/*
 * io0 in near, where the process stays, with 192.0.2.1 and fe80::1; io1 in far with 192.0.2.2 and
 * fe80::2. A socket stays in the namespace in which it was made.
 */
extern int near_ns, far_ns;
bool make_links(void);
bool enter(int ns);

struct channel_addr addr_of(const char *text);

#endif
