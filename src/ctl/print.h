/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_CTL_PRINT_H
#define CTSYNC_CTL_PRINT_H

#include <jansson.h>

#include "ctl/verbs.h"

/*
 * Prints an answer of the daemon to stdout in one of the three forms. Nothing for NULL. Text has
 * a line a figure, groups indented; XML is a document whose root is named after what was asked.
 */
void print_object(enum ctl_format, const char *root, json_t *);

/* What stands before and behind the elements of a table that is shown as XML. */
void print_xml_begin(const char *root);
void print_xml_end(const char *root);

#endif
