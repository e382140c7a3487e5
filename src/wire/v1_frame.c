/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/v1.h"

#include <string.h>

#include "base/check.h"
#include "wire/v1_attr.h"

enum {
	V1_FLAGS_RANGE = WIRE_V1_ACK | WIRE_V1_NACK | WIRE_V1_RESYNC,
	V1_FLAGS_KIND = V1_FLAGS_RANGE | WIRE_V1_ALIVE,
	V1_FLAGS_HELLO = WIRE_V1_HELLO | WIRE_V1_HELLO_BACK,
};

static const uint8_t mark_magic[4] = {'C', 'T', 'S', '1'};

static bool v1_type_is_data(uint8_t type)
{
	return type <= WIRE_V1_EXP_DEL;
}

static bool v1_has_range(uint8_t type, uint8_t flags)
{
	return type == WIRE_V1_CTL && (flags & V1_FLAGS_RANGE);
}

/* What the header says by itself: type, flags and range belong together. */
static bool v1_header_makes_sense(const struct wire_v1_message *m)
{
	if (v1_type_is_data(m->type))
		return (m->flags & ~V1_FLAGS_HELLO) == 0;
	if (m->type != WIRE_V1_CTL || !(m->flags & V1_FLAGS_KIND))
		return false;
	if (m->flags & (WIRE_V1_ACK | WIRE_V1_NACK))
		return !wire_v1_seq_before(m->to, m->from);
	return true;
}

static enum wire_v1_result v1_give_up(struct rbuf *r, enum wire_v1_result result)
{
	r->at += r->left;
	r->left = 0;
	return result;
}

enum wire_v1_result wire_v1_next(struct rbuf *r, struct wire_v1_message *out)
{
	struct rbuf msg;
	uint8_t version_type;
	size_t len, header = WIRE_V1_HEADER_BYTES;

	memset(out, 0, sizeof(*out));
	if (r->left == 0)
		return WIRE_V1_END;
	if (r->left < WIRE_V1_HEADER_BYTES)
		return v1_give_up(r, WIRE_V1_TRUNCATED);
	msg = *r;
	version_type = rbuf_u8(&msg);
	out->type = version_type & 0x0f;
	out->flags = rbuf_u8(&msg);
	len = rbuf_u16_be(&msg);
	out->seq = rbuf_u32_be(&msg);
	if (len == 0 || len > r->left)
		return v1_give_up(r, WIRE_V1_BAD_SIZE);
	if (v1_has_range(out->type, out->flags)) {
		header = WIRE_V1_RANGE_BYTES;
		if (r->left < header)
			return v1_give_up(r, WIRE_V1_TRUNCATED);
	}
	if (len < header)
		return v1_give_up(r, WIRE_V1_BAD_SIZE);
	if (header == WIRE_V1_RANGE_BYTES) {
		out->from = rbuf_u32_be(&msg);
		out->to = rbuf_u32_be(&msg);
	}
	out->payload = msg.at;
	out->payload_len = len - header;
	r->at += len;
	r->left -= len;
	if (version_type >> 4 != WIRE_V1_VERSION)
		return WIRE_V1_BAD_VERSION;
	return v1_header_makes_sense(out) ? WIRE_V1_OK : WIRE_V1_BAD_HEADER;
}

struct v1_start wire_v1_put_begin(
	struct wbuf *w, enum wire_v1_type type, uint8_t flags, uint32_t seq)
{
	struct v1_start at = {w->used, w->bad};

	wbuf_u8(w, (uint8_t)(WIRE_V1_VERSION << 4 | type));
	wbuf_u8(w, flags);
	wbuf_u16_be(w, 0); /* its length, when it is known: wire_v1_put_end() */
	wbuf_u32_be(w, seq);
	return at;
}

size_t wire_v1_put_end(struct wbuf *w, struct v1_start at)
{
	size_t len = w->used - at.used;

	if (w->bad) {
		w->used = at.used;
		w->bad = at.bad;
		return 0;
	}
	CHECK(len <= WIRE_V1_MESSAGE_BYTES_MAX);
	w->start[at.used + 2] = (uint8_t)(len >> 8);
	w->start[at.used + 3] = (uint8_t)len;
	return len;
}

size_t wire_v1_put_alive(struct wbuf *w, uint8_t flags, uint32_t seq)
{
	struct v1_start at;

	CHECK((flags & ~V1_FLAGS_HELLO & ~WIRE_V1_ALIVE) == 0);
	at = wire_v1_put_begin(w, WIRE_V1_CTL, flags | WIRE_V1_ALIVE, seq);
	return wire_v1_put_end(w, at);
}

size_t wire_v1_put_range(struct wbuf *w, uint8_t flags, uint32_t seq, uint32_t from, uint32_t to)
{
	uint8_t kind = flags & ~V1_FLAGS_HELLO;
	struct v1_start at;

	CHECK(kind == WIRE_V1_ACK || kind == WIRE_V1_NACK || kind == WIRE_V1_RESYNC);
	CHECK(!wire_v1_seq_before(to, from));
	at = wire_v1_put_begin(w, WIRE_V1_CTL, flags, seq);
	wbuf_u32_be(w, from);
	wbuf_u32_be(w, to);
	return wire_v1_put_end(w, at);
}

size_t wire_v1_put_range_to(struct wbuf *w, uint8_t flags, uint32_t seq, uint32_t from, uint32_t to,
	uint32_t target_boot_id)
{
	uint8_t kind = flags & ~V1_FLAGS_HELLO;
	struct v1_start at;

	CHECK(kind == WIRE_V1_ACK || kind == WIRE_V1_NACK);
	CHECK(!wire_v1_seq_before(to, from));
	at = wire_v1_put_begin(w, WIRE_V1_CTL, flags, seq);
	wbuf_u32_be(w, from);
	wbuf_u32_be(w, to);
	wbuf_copy(w, mark_magic, sizeof(mark_magic));
	wbuf_u32_be(w, target_boot_id);
	return wire_v1_put_end(w, at);
}

bool wire_v1_get_target(const struct wire_v1_message *m, uint32_t *boot_id)
{
	struct rbuf r = rbuf_of(m->payload, m->payload_len);
	uint8_t magic[4];

	*boot_id = 0;
	if (m->type != WIRE_V1_CTL || !(m->flags & (WIRE_V1_ACK | WIRE_V1_NACK)) ||
		m->payload_len != WIRE_V1_TARGET_BYTES)
		return false;
	rbuf_copy(&r, magic, sizeof(magic));
	*boot_id = rbuf_u32_be(&r);
	return memcmp(magic, mark_magic, sizeof(magic)) == 0;
}

static bool v1_mark_kind_is_known(uint8_t kind)
{
	return kind >= WIRE_V1_MARK_HELLO && kind <= WIRE_V1_MARK_BULK_END;
}

size_t wire_v1_put_mark(
	struct wbuf *w, uint8_t flags, uint32_t seq, const struct wire_v1_mark *mark)
{
	struct v1_start at;

	CHECK((flags & ~V1_FLAGS_HELLO & ~WIRE_V1_ALIVE) == 0);
	CHECK(v1_mark_kind_is_known(mark->kind));
	at = wire_v1_put_begin(w, WIRE_V1_CTL, flags | WIRE_V1_ALIVE, seq);
	wbuf_copy(w, mark_magic, sizeof(mark_magic));
	wbuf_u8(w, mark->kind);
	wbuf_zero(w, 3);
	wbuf_u32_be(w, mark->boot_id);
	wbuf_u32_be(w, mark->value);
	wbuf_u32_be(w, mark->value2);
	return wire_v1_put_end(w, at);
}

bool wire_v1_get_mark(const struct wire_v1_message *m, struct wire_v1_mark *out)
{
	struct rbuf r = rbuf_of(m->payload, m->payload_len);
	uint8_t magic[4], zero[3];

	memset(out, 0, sizeof(*out));
	if (m->type != WIRE_V1_CTL || (m->flags & V1_FLAGS_KIND) != WIRE_V1_ALIVE)
		return false;
	if (m->payload_len != WIRE_V1_MARK_BYTES - WIRE_V1_HEADER_BYTES)
		return false;
	rbuf_copy(&r, magic, sizeof(magic));
	if (memcmp(magic, mark_magic, sizeof(magic)) != 0)
		return false;
	out->kind = rbuf_u8(&r);
	rbuf_copy(&r, zero, sizeof(zero));
	out->boot_id = rbuf_u32_be(&r);
	out->value = rbuf_u32_be(&r);
	out->value2 = rbuf_u32_be(&r);
	return v1_mark_kind_is_known(out->kind) && !(zero[0] | zero[1] | zero[2]);
}
