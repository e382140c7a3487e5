/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "nfct/labelmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct nfct_labelmap *map, unsigned bit, const char *name)
{
	size_t len = strlen(name);

	CHECK(len < LABELMAP_LINE_BYTES - 1);
	CHECK(name[0] != ' ' && name[len - 1] != ' ');
	for (size_t i = 0; i < len; i++)
		CHECK(strchr(" -0123456789", name[i]) || (name[i] >= 'A' && name[i] <= 'Z') ||
			(name[i] >= 'a' && name[i] <= 'z'));
	CHECK(nfct_labelmap_get_bit(map, name) == (int)bit); /* so it has one bit alone */
}

/* A file of label names: what it defines is within bounds, and names and bits agree. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
	const char *name = NULL, *last;
	struct nfct_labelmap *map;
	unsigned bit;

	if (!file)
		return 0;
	errno = EDOM;
	map = labelmap_read(file);
	CHECK(map || errno == 0);
	fclose(file);
	if (!map)
		return 0;
	for (bit = 0; (last = name, name = nfct_labelmap_get_name(map, bit)); bit++)
		if (*name)
			check_name(map, bit, name);
	CHECK(bit > 0 && bit <= LABELMAP_BITS && *last);
	nfct_labelmap_destroy(map);
	return 0;
}
