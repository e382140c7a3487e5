/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "nfct/bitmask.h"
#include "nfct/exp_object.h"
#include "nfct/labelmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What an input begins with; a value follows: of a flow, of an expectation or of a tuple. */
struct how {
	uint8_t object; /* 0: a connection, 1: an expectation, 2: a tuple of one */
	uint8_t event, out_type, flags;
	uint8_t with_names;
	uint8_t labels_len, secctx_len; /* taken from the input's end */
};

static int print(char *buf, unsigned size, const struct how *how, const void *object)
{
	static struct nfct_labelmap *names;

	if (!names) {
		static const char text[] = "0 zero\n1 one\n31 a b\n32 c-d\n100 hundred\n";
		FILE *file = fmemopen((void *)(uintptr_t)text, sizeof(text) - 1, "r");

		CHECK(file);
		names = labelmap_read(file);
		fclose(file);
		setenv("TZ", "ABC-1:30", 1);
	}
	if (how->object == 1)
		return nfexp_snprintf(buf, size, object, how->event, how->out_type, how->flags);
	return nfct_snprintf_labels(buf, size, object, how->event, how->out_type, how->flags,
		how->with_names % 2 ? names : NULL);
}

/*
 * Each size from 0 up, in a heap block of that size: the length is always the whole text's, and
 * what is there is its beginning. A text may change with the clock, then it proves nothing.
 */
static void check_every_size(const struct how *how, const void *object)
{
	static char whole[8192];
	time_t before = time(NULL);
	int len = print(whole, sizeof(whole), how, object);

	CHECK(len < (int)sizeof(whole));
	CHECK(print(NULL, 0, how, object) == len || time(NULL) != before);
	if (len < 0)
		return;
	CHECK(strlen(whole) <= (size_t)len); /* a security context may have a NUL */
	for (unsigned size = 1; size <= (unsigned)len + 1; size++) {
		char *block = malloc(size);
		bool same;

		CHECK(block);
		same = print(block, size, how, object) == len &&
		       memcmp(block, whole, size - 1) == 0 && block[size - 1] == '\0';
		CHECK(same || time(NULL) != before);
		free(block);
	}
}

/* Cuts up to len bytes off the input's end. */
static const uint8_t *cut(const uint8_t *data, size_t *size, size_t *len)
{
	if (*len > *size)
		*len = *size;
	*size -= *len;
	return data + *size;
}

/* *room is filled with the input as far as that goes. */
static void *fill(void *room, size_t room_size, const uint8_t *data, size_t size)
{
	memset(room, 0, room_size);
	memcpy(room, data, size < room_size ? size : room_size);
	return room;
}

static void tag(uint32_t set[FLOW_SET_WORDS], uint32_t what)
{
	set[OBJECT_TAG_WORD] = (set[OBJECT_TAG_WORD] & ~OBJECT_TAG_MASK) | what;
}

static void print_connection(const struct how *how, const uint8_t *data, size_t size)
{
	size_t labels_len = how->labels_len, secctx_len = how->secctx_len;
	const uint8_t *labels = cut(data, &size, &labels_len);
	const uint8_t *secctx = cut(data, &size, &secctx_len);
	struct nf_conntrack ct;

	memset(&ct, 0, sizeof(ct));
	fill(&ct.flow, sizeof(ct.flow), data, size);
	ct.flow.helper_info = ct.flow.secctx = (struct flow_span){NULL, 0};
	tag(ct.flow.set, OBJECT_TAG_MADE);
	if (labels_len > 0)
		ct.labels = bitmask_of_payload(labels, labels_len);
	if (secctx_len > 0)
		CHECK(object_set_secctx(&ct, secctx, secctx_len));
	check_every_size(how, &ct);
	object_release(&ct);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct how how;
	void *block;

	if (size < sizeof(how))
		return 0;
	memcpy(&how, data, sizeof(how));
	data += sizeof(how);
	size -= sizeof(how);
	how.object %= 3;
	how.out_type %= 3; /* one of them unknown */
	if (how.object == 0) {
		print_connection(&how, data, size);
		return 0;
	}
	/* In a block of its size: whoever takes it for a connection is found out. */
	block = malloc(how.object == 1 ? sizeof(struct nf_expect) : sizeof(struct flow_head));
	CHECK(block);
	if (how.object == 1) {
		fill(block, sizeof(struct nf_expect), data, size);
	} else {
		fill(block, sizeof(struct flow_head), data, size);
		tag(((struct flow_head *)block)->set, OBJECT_TAG_HEAD);
	}
	check_every_size(&how, block);
	free(block);
	return 0;
}
