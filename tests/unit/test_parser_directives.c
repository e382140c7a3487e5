/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/check.h"
#include "parser/config.h"
#include "parser/diag.h"
#include "parser/served.h"
#include "parser_directives.h"
#include "unit.h"

/*
 * Every directive of the table in every section that has it: the forms of parser_directives.c,
 * each accepted or refused with its exact words. A directive without forms fails, so a new one
 * needs some.
 */
static struct diag diag;
static char text[1 << 16], said[1 << 16];

#define HEAD	"General { UNIX { Path /x } } "
#define GROUP	"IPv4_address 225.0.0.50 Interface a Group 1 "
#define ENDS	"IPv4_address 192.0.2.1 IPv4_Destination_Address 192.0.2.2 Interface a Port 1 "
#define LINK	"Multicast { " GROUP "} "
#define SYNC(s) HEAD "Sync { Mode FTFW { } " LINK s " }"

/* A file that is good if the statement in place of the %s is, or is nothing. */
static const char *const around[SECTION_COUNT] = {
	[SECTION_FILE] = HEAD "%s",
	[SECTION_GENERAL] = SYNC("") "General { %s }",
	[SECTION_UNIX] = SYNC("") "General { UNIX { %s } }",
	[SECTION_SCHEDULER] = SYNC("") "General { Scheduler { Type RR %s } }",
	[SECTION_FILTER] = SYNC("") "General { Filter { %s } }",
	[SECTION_FILTER_ADDRESS] = SYNC("") "General { Filter { Address Ignore { %s } } }",
	[SECTION_SYNC] = SYNC("%s"),
	[SECTION_MODE_FTFW] = SYNC("Mode FTFW { %s }"),
	[SECTION_MODE_ALARM] = HEAD "Sync { Mode ALARM { %s } " LINK " }",
	[SECTION_MODE_NOTRACK] = HEAD "Sync { Mode NOTRACK { %s } " LINK " }",
	[SECTION_MULTICAST] = HEAD "Sync { Mode FTFW { } Multicast { " GROUP "%s } }",
	[SECTION_UDP] = HEAD "Sync { Mode FTFW { } UDP { " ENDS "%s } }",
	[SECTION_TCP] = HEAD "Sync { Mode FTFW { } TCP { " ENDS "%s } }",
	[SECTION_OPTIONS] = SYNC("Options { %s }"),
	[SECTION_STATS] = HEAD "Stats { %s }",
	[SECTION_HELPER] = SYNC("") "Helper { %s }",
	[SECTION_HELPER_TYPE] = SYNC("") "Helper { Type ftp inet tcp { %s } }",
	[SECTION_HELPER_POLICY] =
		SYNC("") "Helper { Type ftp inet tcp { Policy ftp { ExpectMax 1 %s } } }",
};

/* Links of one kind only: those to be tried stand without the one that the others need. */
static const char *around_statement(enum section s, const char *statement)
{
	if (s == SECTION_SYNC &&
		(strncmp(statement, "Multicast", 9) == 0 || strncmp(statement, "UDP", 3) == 0 ||
			strncmp(statement, "TCP ", 4) == 0))
		return HEAD "Sync { Mode FTFW { } %s }";
	return around[s];
}

/* The statement in its section: reads it, and leaves in said what was said. */
static int read_in(enum section s, const char *statement, struct config *c)
{
	const char *frame = around_statement(s, statement);
	const char *hole = strstr(frame, "%s");
	struct text t = text_of(text, sizeof(text));
	int err;

	text_put(&t, frame, (size_t)(hole - frame));
	text_puts(&t, statement);
	text_puts(&t, hole + 2);
	err = config_parse(c, "f", text, t.len, &diag);
	t = text_of(said, sizeof(said));
	for (size_t i = 0; i < diag.count; i++) {
		text_puts(&t, i > 0 ? "\n" : "");
		text_puts(&t, diag.items[i].severity == DIAG_ERROR ? "error: " : "warning: ");
		text_puts(&t, diag.items[i].text);
	}
	return err;
}

static void what_is_around_is_good(void)
{
	struct config c;

	for (enum section s = 0; s < SECTION_COUNT; s++) {
		if (!around[s])
			continue;
		if (s >= SECTION_HELPER || s == SECTION_FILE)
			continue; /* not served, or nothing without the statement */
		CU_ASSERT_EQUAL(read_in(s, "", &c), 0);
		CU_ASSERT_STRING_EQUAL(said, "");
	}
}

/* What was accepted can be printed, and means the same then. */
static bool prints_back(const struct config *c)
{
	struct text t = text_of(text, sizeof(text));
	struct config again;

	config_print(c, &t);
	return config_parse(&again, "p", text, t.len, &diag) == 0 && config_equal(c, &again);
}

static bool form_holds(const struct directive_form *f, enum section s)
{
	const char *wanted = f->says ? f->says : "";
	const bool refused = strstr(wanted, "error: ") != NULL;
	struct config c;
	int err = read_in(s, f->statement, &c);

	if ((err != 0) == refused && strcmp(said, wanted) == 0 && (refused || prints_back(&c)))
		return true;
	printf("\n  %s { %s }\n    expected: %s\n    found:    %s\n", section_name(s), f->statement,
		wanted, said);
	return false;
}

/* The form behind f, or the first; NULL behind the last. */
static const struct directive_form *next_form(const struct directive_form *f)
{
	if (!f)
		return directive_forms_general;
	if (f[1].name)
		return f + 1;
	for (size_t i = 0; directive_forms_sync[i].name; i++)
		if (f == &directive_forms_sync[i])
			return NULL; /* it is of the second table, whose end is reached */
	return directive_forms_sync;
}

static void every_form_is_taken_as_told(void)
{
	for (const struct directive_form *f = next_form(NULL); f; f = next_form(f)) {
		unsigned tried = 0;

		for (enum section s = 0; s < SECTION_COUNT; s++) {
			if (!(f->sections >> s & 1))
				continue;
			CU_ASSERT_PTR_NOT_NULL_FATAL(around[s]);
			CU_ASSERT_TRUE(form_holds(f, s));
			tried++;
		}
		CU_ASSERT_TRUE(tried > 0);
	}
}

/* How many accepted forms (or refused ones) the table has of a directive in a section. */
static unsigned forms_of(const struct directive *d, enum section s, bool refused)
{
	unsigned count = 0;

	for (const struct directive_form *f = next_form(NULL); f; f = next_form(f))
		if (strcmp(f->name, d->name) == 0 && (f->sections >> s & 1) &&
			(f->says && strstr(f->says, "error: ")) == refused)
			count++;
	return count;
}

static void every_directive_has_forms(void)
{
	for (const struct directive *d = directives; d->name; d++) {
		for (enum section s = 0; s < SECTION_COUNT; s++) {
			const bool accepts = d->status != NOT_SERVED;

			if (!(d->sections >> s & 1))
				continue;
			if (forms_of(d, s, true) > 0 && (!accepts || forms_of(d, s, false) > 0))
				continue;
			printf("\n  no accepted or no refused form of %s in %s\n", d->name,
				section_name(s));
			CU_FAIL("a directive without forms");
		}
	}
}

static void every_form_is_of_a_directive(void)
{
	for (const struct directive_form *f = next_form(NULL); f; f = next_form(f)) {
		const uint32_t homes = directive_sections(f->name, strlen(f->name));

		CU_ASSERT_EQUAL(f->sections & ~homes, 0);
		CU_ASSERT_EQUAL(strncmp(f->statement, f->name, strlen(f->name)), 0);
	}
}

/* A directive where it does not belong is told where it does. */
static void every_other_section_refuses(void)
{
	char wanted[64];
	struct config c;

	for (const struct directive *d = directives; d->name; d++) {
		const uint32_t homes = directive_sections(d->name, strlen(d->name));

		for (enum section s = 0; s < SECTION_COUNT; s++) {
			if (!around[s] || (homes >> s & 1))
				continue;
			snprintf(wanted, sizeof(wanted), "error: %s: expected ", d->name);
			CU_ASSERT_EQUAL(read_in(s, d->name, &c), -EINVAL);
			if (!strstr(said, wanted) || !strstr(said, ", found ")) {
				printf("\n  %s in %s: %s\n", d->name, section_name(s), said);
				CU_FAIL("a directive in the wrong section");
			}
		}
	}
}

static void deprecated_ones_name_what_to_use(void)
{
	for (const struct directive *d = directives; d->name; d++) {
		const bool deprecated = d->status == SERVED_ALIAS || d->status == SERVED_IGNORED;

		CU_ASSERT_EQUAL(deprecated, d->instead != NULL);
		CU_ASSERT_EQUAL(d->status == NOT_SERVED,
			(d->sections & ~(1u << SECTION_HELPER | 1u << SECTION_HELPER_TYPE |
					       1u << SECTION_HELPER_POLICY)) == 0 ||
				strcmp(d->name, "Helper") == 0);
	}
}

static const struct unit_test tests[] = {
	{"what is around is good", what_is_around_is_good},
	{"every form is taken as told", every_form_is_taken_as_told},
	{"every directive has forms", every_directive_has_forms},
	{"every form is of a directive", every_form_is_of_a_directive},
	{"every other section refuses", every_other_section_refuses},
	{"deprecated ones name what to use", deprecated_ones_name_what_to_use},
};

UNIT_MAIN("parser_directives", tests)
