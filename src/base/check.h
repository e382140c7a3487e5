/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_BASE_CHECK_H
#define CTSYNC_BASE_CHECK_H

/*
 * Assertions that stay on in every build. They state what our own code guarantees; nothing that
 * comes from outside (network, kernel, operator) may ever reach one.
 */
_Noreturn void check_failed(const char *file, int line, const char *what);

#define CHECK(cond) ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
