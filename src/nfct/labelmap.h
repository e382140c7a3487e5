/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_LABELMAP_H
#define CTSYNC_NFCT_LABELMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

enum {
	LABELMAP_BITS = 1024, /* labels have numbers below this */
	LABELMAP_LINE_BYTES = 1024, /* with its NUL; what is longer is read as several lines */
};

/* Names of labels by number. */
struct nfct_labelmap {
	unsigned int count; /* highest bit that has a name, + 1 */
	char *names[LABELMAP_BITS]; /* heap blocks, or NULL */
};

/*
 * What a line of the file says: the number of a label, and name_len bytes at *name in the line.
 * False: the line defines no label.
 */
bool labelmap_parse_line(const char *line, unsigned int *bit, const char **name, size_t *name_len);

/* nfct_labelmap_new() of a file that is open already. */
struct nfct_labelmap *labelmap_read(FILE *);

/* nfct_labelmap_get_name() of a map, without its errors. */
const char *labelmap_name(const struct nfct_labelmap *, unsigned int bit);

#endif
