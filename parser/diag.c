/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parser/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void diag_clean(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

void diag_init(struct diag *d, const char *name)
{
	d->count = 0;
	d->errors = 0;
	d->warnings = 0;
	snprintf(d->name, sizeof(d->name), "%s", name);
	diag_clean(d->name);
}

static void diag_add(
	struct diag *d, enum diag_severity severity, uint32_t line, const char *fmt, va_list args)
{
	struct diag_item *item = &d->items[d->count];

	if (severity == DIAG_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (d->count == DIAG_ITEMS_MAX)
		return;
	d->count++;
	item->severity = severity;
	item->line = line;
	vsnprintf(item->text, sizeof(item->text), fmt, args);
	diag_clean(item->text);
}

void diag_error(struct diag *d, uint32_t line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_add(d, DIAG_ERROR, line, fmt, args);
	va_end(args);
}

void diag_warning(struct diag *d, uint32_t line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_add(d, DIAG_WARNING, line, fmt, args);
	va_end(args);
}

void diag_print_item(const struct diag *d, const struct diag_item *item, struct text *t)
{
	text_puts(t, d->name);
	text_putc(t, ':');
	if (item->line > 0) {
		text_u64(t, item->line);
		text_putc(t, ':');
	}
	text_puts(t, item->severity == DIAG_ERROR ? " error: " : " warning: ");
	text_puts(t, item->text);
}

void diag_print(const struct diag *d, struct text *t)
{
	size_t found = d->errors + d->warnings;

	for (size_t i = 0; i < d->count; i++) {
		diag_print_item(d, &d->items[i], t);
		text_putc(t, '\n');
	}
	if (found > d->count) {
		text_puts(t, d->name);
		text_puts(t, ": error: ");
		text_u64(t, found - d->count);
		text_puts(t, " more problems are not shown\n");
	}
}
