/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "nlmsg/ct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * One ctnetlink message, unaligned as it may come. What is parsed is built and parsed again: the
 * key must survive.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t request[NLMSG_CT_BYTES_MAX / sizeof(uint32_t)];
	struct flow f, back;
	size_t len;

	nlmsg_ct_parse((const void *)data, size, &f);
	len = nlmsg_ct_build(request, sizeof(request), 0, 0, &f, NLMSG_PART_ALL | NLMSG_PART_ID);
	if (len > 0) {
		CHECK(nlmsg_ct_parse((const void *)request, len, &back) == NLMSG_OK);
		CHECK(back.tuple[FLOW_ORIG].l4 == f.tuple[FLOW_ORIG].l4);
		CHECK(back.tuple[FLOW_ORIG].src.v4_be == f.tuple[FLOW_ORIG].src.v4_be);
		CHECK(back.id == f.id && back.status == f.status);
	}
	return 0;
}
