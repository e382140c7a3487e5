/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/expect_model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "flow/expect_pack.h"
#include "tests/lib/expectgen.h"
#include "tests/sim/kernel_model.h"

enum { PORT_FIRST = 40000 };

void expect_model_init(struct expect_model *m, unsigned slots)
{
	m->count = slots * EXPECT_MODEL_PER_SLOT;
	m->entries = calloc(m->count, sizeof(*m->entries));
	CHECK(m->entries);
}

void expect_model_fini(struct expect_model *m)
{
	for (unsigned i = 0; i < m->count; i++)
		free(m->entries[i].former);
	free(m->entries);
	*m = (struct expect_model){0};
}

bool expect_model_may(unsigned slot)
{
	struct flow key;

	traffic_key(slot, &key);
	return key.tuple[FLOW_ORIG].l4 == IPPROTO_TCP && !flow_has(&key, FLOW_ZONE);
}

static void make(unsigned index, uint32_t version, struct expect *x)
{
	struct flow master;

	traffic_key(index / EXPECT_MODEL_PER_SLOT, &master);
	expectgen_of(&master, (uint16_t)(PORT_FIRST + index), x);
	x->class = version;
	x->flags = version % 5 == 0 ? EXPECT_FLAG_PERMANENT : 0;
	if (version % 3 == 0) {
		expect_mark_unset(x, EXPECT_NAT_TUPLE);
		expect_mark_unset(x, EXPECT_NAT_DIR);
		expect_mark_unset(x, EXPECT_FN);
	}
}

int expect_model_index(const struct expect *x)
{
	uint8_t keys[2][EXPECT_KEY_BYTES_MAX];
	unsigned index = ntohs(x->expected.tuple.dport_be) - (unsigned)PORT_FIRST;
	struct expect want;
	size_t len = expect_key_make(x, keys[0]);

	if (len == 0 || index >= TRAFFIC_SLOTS_MAX * EXPECT_MODEL_PER_SLOT)
		return -1;
	make(index, 1, &want);
	if (expect_key_make(&want, keys[1]) != len || memcmp(keys[0], keys[1], len) != 0)
		return -1;
	return (int)index;
}

static void tell(struct kernel_model *k, enum kernel_event kind, const struct expect_model_entry *e)
{
	struct kernel_fact fact = {.kind = kind, .is_expect = true, .expect = e->x};

	kernel_tell(k, &fact, e->silent);
}

static void remember(struct expect_model_entry *e)
{
	if (e->former_count == e->former_cap) {
		e->former_cap = e->former_cap ? 2 * e->former_cap : 4;
		e->former = realloc(e->former, e->former_cap * sizeof(*e->former));
		CHECK(e->former);
	}
	e->former[e->former_count++] = e->x;
}

static void set_timeout(
	struct kernel_model *k, mono now, struct expect_model_entry *e, uint32_t timeout)
{
	e->x.timeout = timeout;
	expect_mark_set(&e->x, EXPECT_TIMEOUT);
	e->expires = k->frozen ? MONO_NEVER : mono_add_sec(now, timeout);
}

void expect_model_birth(
	struct kernel_model *k, mono now, struct rng *r, unsigned index, uint32_t version)
{
	struct expect_model_entry *e = &k->expects.entries[index];
	const struct kernel_entry *master = &k->entries[index / EXPECT_MODEL_PER_SLOT];

	CHECK(!e->live);
	make(index, version, &e->x);
	set_timeout(k, now, e, (uint32_t)dice_range(r, 3, 20));
	e->live = true;
	e->silent = master->live ? master->silent : !k->listened && !k->never_silent;
	remember(e);
	tell(k, KERNEL_EVENT_NEW, e);
}

/* Some helpers do it without an event. */
void expect_model_refresh(struct kernel_model *k, mono now, struct rng *r, unsigned index)
{
	struct expect_model_entry *e = &k->expects.entries[index];

	set_timeout(k, now, e, (uint32_t)dice_range(r, 3, 20));
	if (dice_permille(r, 500))
		tell(k, KERNEL_EVENT_UPDATE, e);
}

void expect_model_end(struct kernel_model *k, unsigned index)
{
	struct expect_model_entry *e = &k->expects.entries[index];

	if (!e->live)
		return;
	e->live = false;
	tell(k, KERNEL_EVENT_DESTROY, e);
}

void expect_model_master_gone(struct kernel_model *k, unsigned slot)
{
	for (unsigned i = 0; i < EXPECT_MODEL_PER_SLOT; i++)
		expect_model_end(k, slot * EXPECT_MODEL_PER_SLOT + i);
}

void expect_model_expire(struct kernel_model *k, mono now)
{
	for (unsigned i = 0; i < k->expects.count; i++)
		if (k->expects.entries[i].live && mono_reached(now, k->expects.entries[i].expires))
			expect_model_end(k, i);
}

void expect_model_freeze(struct kernel_model *k)
{
	for (unsigned i = 0; i < k->expects.count; i++)
		k->expects.entries[i].expires = MONO_NEVER;
}

void expect_model_reboot(struct kernel_model *k)
{
	for (unsigned i = 0; i < k->expects.count; i++)
		k->expects.entries[i].live = false;
}

bool expect_model_read(const struct kernel_model *k, mono now, unsigned index, struct expect *out)
{
	const struct expect_model_entry *e = &k->expects.entries[index];

	if (!e->live)
		return false;
	*out = e->x;
	if (mono_before(e->expires, now))
		out->timeout = 0;
	else if (!mono_is_never(e->expires))
		out->timeout = (uint32_t)mono_diff_sec(e->expires, now);
	return true;
}

bool expect_model_was(const struct kernel_model *k, const struct expect *x)
{
	int index = expect_model_index(x);

	if (index < 0 || (unsigned)index >= k->expects.count)
		return false;
	for (unsigned i = 0; i < k->expects.entries[index].former_count; i++)
		if (expect_same_state(&k->expects.entries[index].former[i], x))
			return true;
	return false;
}

int expect_model_write(struct kernel_model *k, mono now, struct rng *r, const struct kernel_op *op)
{
	static const int refusals[] = {ENOMEM, EINVAL, EOPNOTSUPP};
	int index = expect_model_index(&op->expect);
	struct expect_model_entry *e;

	if (index < 0 || (unsigned)index >= k->expects.count)
		return op->kind == KERNEL_OP_EXPECT_CREATE ? EINVAL : ENOENT;
	e = &k->expects.entries[index];
	if (op->kind == KERNEL_OP_EXPECT_DELETE && !e->live)
		return ENOENT;
	if (op->kind == KERNEL_OP_EXPECT_CREATE && !k->entries[index / EXPECT_MODEL_PER_SLOT].live)
		return ENOENT;
	if (op->kind == KERNEL_OP_EXPECT_CREATE && e->live)
		return EEXIST;
	if (dice_permille(r, k->refuse_permille))
		return refusals[rng_below(r, ARRAY_SIZE(refusals))];
	e->live = op->kind == KERNEL_OP_EXPECT_CREATE;
	if (!e->live)
		return 0;
	e->x = op->expect;
	e->silent = k->entries[index / EXPECT_MODEL_PER_SLOT].silent;
	set_timeout(k, now, e, EXPECT_MODEL_POLICY_S);
	remember(e);
	return 0;
}

int expect_model_flush(struct kernel_model *k)
{
	for (unsigned i = 0; i < k->expects.count; i++)
		k->expects.entries[i].live = false;
	return 0;
}
