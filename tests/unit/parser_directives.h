/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_TESTS_UNIT_PARSER_DIRECTIVES_H
#define CTSYNC_TESTS_UNIT_PARSER_DIRECTIVES_H

#include <stdint.h>

/* A way to write a directive, and what is said to it. */
struct directive_form {
	const char *name; /* the directive's */
	uint32_t sections; /* bit n: holds in enum section n */
	const char *statement; /* starts with the name */
	const char *says; /* lines of "error: ..." or "warning: ..."; NULL: nothing */
};

/* Of sections, General, Stats and Filter; of Sync, Helper and all that is in them. Ended by a NULL.
 */
extern const struct directive_form directive_forms_general[], directive_forms_sync[];

#endif
