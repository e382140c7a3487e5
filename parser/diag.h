/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_DIAG_H
#define CTSYNC_PARSER_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * The problems found in one configuration, collected so that all of them can be told at once.
 * Bounded: what does not fit is counted. About 25 KiB; on the caller's stack or static.
 */
enum {
	DIAG_ITEMS_MAX = 100,
	DIAG_TEXT_MAX = 240, /* of one problem, with its NUL; longer text is cut */
	DIAG_NAME_MAX = 256, /* of the file, with its NUL; longer names are cut */
};

enum diag_severity { DIAG_WARNING, DIAG_ERROR };

struct diag_item {
	enum diag_severity severity;
	uint32_t line; /* 0: the file as a whole */
	char text[DIAG_TEXT_MAX];
};

struct diag {
	char name[DIAG_NAME_MAX];
	size_t count; /* of items */
	size_t errors, warnings; /* found, including those without room in items */
	struct diag_item items[DIAG_ITEMS_MAX];
};

void diag_init(struct diag *, const char *name);

/* Bytes that are not printable ASCII are replaced by '?': the text goes to logs and terminals. */
void diag_error(struct diag *, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One item as "file:line: error: text", without a newline. */
void diag_print_item(const struct diag *, const struct diag_item *, struct text *);

/* All of them, a line each, and one line more if some had no room. */
void diag_print(const struct diag *, struct text *);

#endif
