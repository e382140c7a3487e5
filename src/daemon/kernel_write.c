/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "daemon/kernel_dump.h"
#include "daemon/kernel_write.h"
#include "io/log.h"
#include "nlmsg/exp.h"

static size_t build_op(const struct kernel_op *op, void *buf, size_t cap)
{
	switch (op->kind) {
	case KERNEL_OP_CREATE:
		return nlmsg_ct_build(
			buf, cap, NLM_F_CREATE | NLM_F_EXCL, 0, &op->flow, NLMSG_PART_ALL);
	case KERNEL_OP_UPDATE:
		return nlmsg_ct_build(
			buf, cap, 0, 0, &op->flow, NLMSG_PART_TUPLES | NLMSG_PART_STATE);
	case KERNEL_OP_DELETE:
		return nlmsg_ct_build_delete(
			buf, cap, 0, 0, &op->flow, NLMSG_PART_TUPLES | NLMSG_PART_ID);
	case KERNEL_OP_EXPECT_CREATE:
		return nlmsg_exp_build(buf, cap, NLM_F_CREATE | NLM_F_EXCL, 0, &op->expect);
	case KERNEL_OP_EXPECT_DELETE:
		return nlmsg_exp_build_delete(buf, cap, 0, 0, &op->expect);
	case KERNEL_OP_EXPECT_FLUSH:
		return nlmsg_exp_build_flush(buf, cap, 0, 0);
	case KERNEL_OP_DUMP:
		break;
	}
	CHECK(!"no request for this operation");
	return 0;
}

static void on_result(void *ctx, uint64_t op_id, int err)
{
	struct kernel *k = ctx;

	engine_kernel_result(k->engine, k->clock, op_id, err);
}

bool kernel_write_batch(struct kernel *k, mono now)
{
	struct kernel_op op;
	bool more = true, sent;

	while (!nlbatch_is_full(&k->batch)) {
		size_t cap, len;
		void *room;

		more = engine_next_kernel_op(k->engine, now, &op);
		if (!more)
			break;
		record_keep(k->record);
		if (op.kind == KERNEL_OP_DUMP) {
			kernel_dump_start(k, now);
			continue;
		}
		room = nlbatch_room(&k->batch, &cap);
		CHECK(room);
		len = build_op(&op, room, cap);
		if (len == 0 || nlbatch_add(&k->batch, len, op.id)) {
			k->too_large++;
			engine_kernel_result(k->engine, now, op.id, EMSGSIZE);
		}
	}
	k->clock = now;
	sent = !nlbatch_is_empty(&k->batch);
	if (sent) {
		int err;

		record_flush(k->record, now); /* before it is true */
		err = nlbatch_flush(&k->batch, on_result, k);

		if (err < 0)
			log_error("writing to the kernel failed: %s", strerror(-err));
	}
	return more || sent; /* answers may be what the next one waits for */
}
