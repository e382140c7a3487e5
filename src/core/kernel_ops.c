/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/kernel_ops.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "core/commit.h"
#include "core/dumper.h"
#include "core/inject.h"
#include "core/purge.h"
#include "core/record.h"

void kernel_ops_init(struct engine *e)
{
	struct ops *o = &e->ops;

	for (uint32_t i = 0; i < LIMIT_KERNEL_OPS_IN_FLIGHT; i++)
		o->free[i] = LIMIT_KERNEL_OPS_IN_FLIGHT - 1 - i;
	o->free_count = LIMIT_KERNEL_OPS_IN_FLIGHT;
}

static uint64_t next_id(struct engine *e, uint32_t slot)
{
	return ++e->ops.ids * LIMIT_KERNEL_OPS_IN_FLIGHT + slot;
}

struct op *kernel_ops_take(struct engine *e, enum op_purpose purpose)
{
	struct ops *o = &e->ops;
	uint32_t slot;

	if (o->free_count == 0)
		return NULL;
	slot = o->free[--o->free_count];
	memset(&o->op[slot], 0, sizeof(o->op[slot]));
	o->op[slot].id = next_id(e, slot);
	o->op[slot].purpose = purpose;
	o->by_purpose[purpose]++;
	return &o->op[slot];
}

void kernel_ops_done(struct engine *e, struct op *op)
{
	struct ops *o = &e->ops;

	o->by_purpose[op->purpose]--;
	e->commit.hurried -= op->hurried;
	op->id = 0;
	o->free[o->free_count++] = (uint32_t)(op - o->op);
	kernel_ops_make_sure(e);
}

void kernel_ops_make_sure(struct engine *e)
{
	struct ops *o = &e->ops;

	if (!o->unsure || e->commit.running || e->purge.running ||
		o->free_count < LIMIT_KERNEL_OPS_IN_FLIGHT)
		return;
	o->unsure = false;
	dumper_want(e);
}

void kernel_ops_again(struct engine *e, struct op *op)
{
	struct ops *o = &e->ops;
	uint32_t slot = (uint32_t)(op - o->op);

	op->tries++;
	op->id = next_id(e, slot); /* an answer to the former try is none to this one */
	o->again[(o->again_head + o->again_count++) % LIMIT_KERNEL_OPS_IN_FLIGHT] = slot;
}

bool kernel_ops_find_way(struct op *op, int err)
{
	if (op->tries >= LIMIT_KERNEL_RETRIES)
		return false;
	if (op->kind == KERNEL_OP_CREATE && err == EEXIST && !op->keyless) {
		op->kind = KERNEL_OP_UPDATE;
		return true;
	}
	if (op->kind == KERNEL_OP_UPDATE && err == ENOENT) {
		op->kind = KERNEL_OP_CREATE;
		return true;
	}
	if (op->kind == KERNEL_OP_UPDATE && err == EBUSY && !op->without_status) {
		op->without_status = true;
		return true;
	}
	return false;
}

void kernel_ops_destroyed(struct engine *e, const struct table_key *k)
{
	struct ops *o = &e->ops;

	if (o->by_purpose[OP_COMMIT] + o->by_purpose[OP_INJECT] == 0)
		return;
	for (uint32_t i = 0; i < LIMIT_KERNEL_OPS_IN_FLIGHT; i++) {
		struct op *op = &o->op[i];

		if (op->id && op->purpose != OP_PURGE && op->key.hash == k->hash &&
			op->key.len == k->len && memcmp(op->key.bytes, k->bytes, k->len) == 0)
			op->destroyed = true;
	}
}

void kernel_ops_refused(struct engine *e, struct tally *t, int err)
{
	engine_count(e, COUNTER_KERNEL_REFUSED);
	t->refused++;
	for (unsigned i = 0; i < ENGINE_ERRNOS_MAX; i++)
		if (t->errnos[i].count == 0 || t->errnos[i].err == err ||
			i == ENGINE_ERRNOS_MAX - 1) {
			t->errnos[i].err = err;
			t->errnos[i].count++;
			return;
		}
}

static bool repeat(struct engine *e, struct op *op, struct kernel_op *out)
{
	switch ((enum op_purpose)op->purpose) {
	case OP_COMMIT:
		return commit_repeat(e, op, out);
	case OP_INJECT:
		return inject_repeat(e, op, out);
	case OP_PURGE:
	case OP_PURPOSES:
		break;
	}
	CHECK(!"a purge repeats nothing");
	return false;
}

static bool next_again(struct engine *e, struct kernel_op *out)
{
	struct ops *o = &e->ops;

	while (o->again_count > 0) {
		struct op *op = &o->op[o->again[o->again_head]];

		o->again_head = (o->again_head + 1) % LIMIT_KERNEL_OPS_IN_FLIGHT;
		o->again_count--;
		if (repeat(e, op, out))
			return true;
		commit_settle(e);
	}
	return false;
}

bool engine_next_kernel_op(struct engine *e, mono now, struct kernel_op *out)
{
	engine_set_now(e, now);
	if (dumper_next_op(e, out))
		return true;
	if (!record_has_room(e)) /* it is to be pulled first */
		return false;
	if (!next_again(e, out) && !commit_next_op(e, out) && !inject_next_op(e, out) &&
		!purge_next_op(e, out))
		return false;
	record_op(e, out);
	return true;
}

void engine_kernel_result(struct engine *e, mono now, uint64_t op_id, int err)
{
	struct op *op = &e->ops.op[op_id % LIMIT_KERNEL_OPS_IN_FLIGHT];

	engine_set_now(e, now);
	if (e->dump.asked && op_id == e->dump.id && op_id) {
		if (err)
			dumper_abort(e);
		return;
	}
	if (!op_id || op->id != op_id)
		return;
	record_answer(e, op, err);
	switch ((enum op_purpose)op->purpose) {
	case OP_COMMIT:
		commit_answered(e, op, err);
		break;
	case OP_PURGE:
		purge_answered(e, op, err);
		break;
	case OP_INJECT:
		inject_answered(e, op, err);
		commit_settle(e);
		break;
	case OP_PURPOSES:
		break;
	}
}

void kernel_ops_check(const struct engine *e)
{
	const struct ops *o = &e->ops;
	uint32_t used = 0;

	for (uint32_t i = 0; i < LIMIT_KERNEL_OPS_IN_FLIGHT; i++) {
		CHECK(!o->op[i].id || o->op[i].id % LIMIT_KERNEL_OPS_IN_FLIGHT == i);
		used += o->op[i].id != 0;
	}
	for (uint32_t i = 0; i < o->free_count; i++)
		CHECK(o->op[o->free[i]].id == 0);
	CHECK(used + o->free_count == LIMIT_KERNEL_OPS_IN_FLIGHT);
	CHECK(used ==
		o->by_purpose[OP_COMMIT] + o->by_purpose[OP_PURGE] + o->by_purpose[OP_INJECT]);
	CHECK(o->again_count <= used);
}
