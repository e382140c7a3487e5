/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfct/export.h"
#include "nfct/labelmap.h"

static const char default_path[] = "/etc/xtables/connlabel.conf";
static const char blanks[] = " \t\r\f\v\n";
/* By its bytes: what isalnum() takes depends on the program's locale. */
static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -";

bool labelmap_parse_line(const char *line, unsigned int *bit, const char **name, size_t *name_len)
{
	unsigned long number;
	size_t len;
	char *end;

	if (*line == '#')
		return false;
	number = strtoul(line, &end, 0);
	if (end == line || number >= LABELMAP_BITS)
		return false;
	end += strspn(end, blanks);
	len = strlen(end);
	while (len > 0 && strchr(blanks, end[len - 1]))
		len--;
	if (len == 0 || strspn(end, name_chars) < len)
		return false;
	*bit = (unsigned int)number;
	*name = end;
	*name_len = len;
	return true;
}

/* The bit of a name, or -1. */
static int find_name(const struct nfct_labelmap *map, const char *name, size_t len)
{
	for (unsigned int bit = 0; bit < map->count; bit++) {
		const char *known = map->names[bit];

		if (known && strncmp(known, name, len) == 0 && known[len] == '\0')
			return (int)bit;
	}
	return -1;
}

static void labelmap_free(struct nfct_labelmap *map)
{
	for (unsigned int bit = 0; bit < map->count; bit++)
		free(map->names[bit]);
	free(map);
}

/* The first line that has a number or a name wins. False: no memory. */
static bool take_line(struct nfct_labelmap *map, const char *line)
{
	const char *name;
	unsigned int bit;
	size_t len;

	if (!labelmap_parse_line(line, &bit, &name, &len))
		return true;
	if (map->names[bit] || find_name(map, name, len) >= 0)
		return true;
	map->names[bit] = strndup(name, len);
	if (!map->names[bit])
		return false;
	if (bit >= map->count)
		map->count = bit + 1;
	return true;
}

struct nfct_labelmap *labelmap_read(FILE *file)
{
	char line[LABELMAP_LINE_BYTES];
	struct nfct_labelmap *map = calloc(1, sizeof(*map));
	int error = 0;

	if (!map)
		return NULL;
	while (error == 0 && fgets(line, sizeof(line), file))
		if (!take_line(map, line))
			error = ENOMEM;
	if (error == 0 && ferror(file))
		error = errno;
	if (error != 0 || map->count == 0) {
		labelmap_free(map);
		errno = error;
		return NULL;
	}
	return map;
}

const char *labelmap_name(const struct nfct_labelmap *map, unsigned int bit)
{
	if (bit >= map->count)
		return NULL;
	return map->names[bit] ? map->names[bit] : "";
}

/**
 * Tells where the names of labels are by default.
 *
 * @return the path of a file, which need not exist; a constant
 * @errors none
 * @source connlabel match of iptables-extensions(8)
 */
NFCT_EXPORT const char *nfct_labels_get_path(void)
{
	return default_path;
}

/**
 * Reads the names of labels from a file. Each line has a number from 0 to 1023 as strtoul() with
 * base 0 reads it, and a name of letters, digits, blanks and '-'; white space around the name
 * does not belong to it. Lines that begin with '#' are comments; those that look otherwise are
 * skipped, as are those whose number or name a line above has. What is longer than 1023 characters
 * is read as several lines.
 *
 * @param mapfile path of the file, or NULL for that of nfct_labels_get_path()
 * @return the names, which are the caller's to free with nfct_labelmap_destroy(); NULL on error
 * @errors 0: the file names no label; those of fopen(3) and read(2), as ENOENT, EACCES, EISDIR;
 *	ENOMEM
 * @source connlabel match of iptables-extensions(8)
 */
NFCT_EXPORT struct nfct_labelmap *nfct_labelmap_new(const char *mapfile)
{
	struct nfct_labelmap *map;
	FILE *file;
	int error;

	file = fopen(mapfile ? mapfile : default_path, "re");
	if (!file)
		return NULL;
	map = labelmap_read(file);
	error = errno;
	fclose(file);
	errno = error;
	return map;
}

/**
 * Frees names of labels.
 *
 * @param map what nfct_labelmap_new() returned, or NULL
 * @errors none
 * @source connlabel match of iptables-extensions(8)
 */
NFCT_EXPORT void nfct_labelmap_destroy(struct nfct_labelmap *map)
{
	if (map)
		labelmap_free(map);
}

/**
 * Tells the name of a label.
 *
 * @param m the names
 * @param bit number of the label
 * @return the name, which lives as long as the names do; "" if the label has none but one of a
 *	higher number does; NULL if none of a higher number has one, or on error
 * @errors EINVAL: m is NULL
 * @source connlabel match of iptables-extensions(8)
 */
NFCT_EXPORT const char *nfct_labelmap_get_name(struct nfct_labelmap *m, unsigned int bit)
{
	if (!m) {
		errno = EINVAL;
		return NULL;
	}
	return labelmap_name(m, bit);
}

/**
 * Tells the number of a label. Cost: the number of labels.
 *
 * @param m the names
 * @param name the label's name, to the letter
 * @return the number, from 0 to 1023; -1 if no label has this name, or on error
 * @errors EINVAL: m or name is NULL
 * @source connlabel match of iptables-extensions(8)
 */
NFCT_EXPORT int nfct_labelmap_get_bit(struct nfct_labelmap *m, const char *name)
{
	if (!m || !name) {
		errno = EINVAL;
		return -1;
	}
	return find_name(m, name, strlen(name));
}
