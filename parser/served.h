/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_SERVED_H
#define CTSYNC_PARSER_SERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/config.h"

/*
 * The table of directives: every word of the configuration's language that can start a statement,
 * in which sections, what may follow it, and whether this release does what it says. Reading,
 * checking and the test of the man page's completeness all go by it.
 */
enum section {
	SECTION_FILE, /* outside of all sections */
	SECTION_GENERAL,
	SECTION_UNIX,
	SECTION_SCHEDULER,
	SECTION_FILTER,
	SECTION_FILTER_PROTOCOL,
	SECTION_FILTER_ADDRESS,
	SECTION_FILTER_MARK,
	SECTION_FILTER_STATE,
	SECTION_SYNC,
	SECTION_MODE_FTFW,
	SECTION_MODE_ALARM,
	SECTION_MODE_NOTRACK,
	SECTION_MULTICAST,
	SECTION_UDP,
	SECTION_TCP,
	SECTION_OPTIONS,
	SECTION_EXPECTATION_SYNC,
	SECTION_STATS,
	SECTION_HELPER,
	SECTION_HELPER_TYPE,
	SECTION_HELPER_POLICY,
	SECTION_SKIPPED, /* something was wrong with its head: what is inside is passed over */
	SECTION_COUNT,
};

enum value_type {
	VALUE_NUMBER,
	VALUE_COUNT, /* a number whose 0 means the default */
	VALUE_SIGNED,
	VALUE_PORT,
	VALUE_BOOL,
	VALUE_PATH,
	VALUE_INTERFACE,
	VALUE_USER,
	VALUE_IPV6,
	VALUE_OTHER, /* judged by the directive's own function */
	VALUE_NOTHING, /* a section without words before its brace */
};

enum served {
	SERVED,
	SERVED_ALIAS, /* another spelling of a served one, which is told */
	SERVED_IGNORED, /* read for compatibility, does nothing: deprecated, and told why */
	NOT_SERVED, /* ignoring it would change what the daemon does */
};

struct reader;
struct statement;

struct directive {
	const char *name;
	uint32_t sections; /* bit n: allowed in enum section n */
	enum value_type type;
	uint8_t words_max; /* values that may follow on, before a brace */
	enum section opens; /* the section behind its brace; SECTION_FILE: takes no brace */
	enum served status;
	const char *since; /* the release that serves it first; NULL: none yet */
	enum config_setting setting; /* CONFIG_SET_COUNT: has none of its own */
	size_t offset; /* in struct config, or in struct config_link inside of a link's section */
	const char *expects; /* for messages: "a number" */
	const char *instead; /* SERVED_ALIAS: what to use; SERVED_IGNORED: why nothing is missing */

	/* Takes what the type does not say. For a section: false passes over what is inside. */
	bool (*apply)(struct reader *, const struct directive *, const struct statement *);
};

#define DIRECTIVE_NO_OFFSET SIZE_MAX

/* All of them, ended by a NULL name. */
extern const struct directive directives[];

/* The directive of that name in the section, or NULL. */
const struct directive *directive_find(enum section, const char *name, size_t len);

/* Any directive of that name, or NULL. */
const struct directive *directive_find_any(const char *name, size_t len);

/* Where directives of that name may stand: bit n: enum section n. */
uint32_t directive_sections(const char *name, size_t len);

/*
 * The directive whose name is nearest by edit distance, those of the section first; NULL if none
 * is near enough to be what was meant.
 */
const struct directive *directive_nearest(enum section, const char *name, size_t len);

const char *section_name(enum section);

/* In a list every word up to the brace is a value: no directives in there. */
bool section_is_list(enum section);

#endif
