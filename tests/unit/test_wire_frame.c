/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "unit.h"
#include "wire/v1.h"

/* A datagram of exactly these bytes on the heap, so that ASan sees the first one read past it. */
struct exact {
	uint8_t *bytes;
	struct rbuf r;
};

static struct exact exact_of(const void *bytes, size_t len)
{
	struct exact e = {.bytes = malloc(len ? len : 1)};

	if (!e.bytes)
		exit(2);
	memcpy(e.bytes, bytes, len);
	e.r = rbuf_of(e.bytes, len);
	return e;
}

static enum wire_v1_result next_of(
	const void *bytes, size_t len, struct wire_v1_message *m, size_t *left)
{
	struct exact e = exact_of(bytes, len);
	enum wire_v1_result result = wire_v1_next(&e.r, m);

	*left = e.r.left;
	free(e.bytes);
	return result;
}

#define BYTES(...)                                                                                 \
	(const uint8_t[])                                                                          \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define EXPECT_NEXT(expected, expected_left, ...)                                                  \
	do {                                                                                       \
		struct wire_v1_message m_;                                                         \
		size_t left_;                                                                      \
                                                                                                   \
		CU_ASSERT_EQUAL(                                                                   \
			next_of(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), &m_, &left_),      \
			expected);                                                                 \
		CU_ASSERT_EQUAL(left_, expected_left);                                             \
	} while (0)

static void control_messages_are_written_as_upstream_writes_them(void)
{
	uint8_t bytes[128];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	const uint8_t expected[] = {
		0x1a,
		0x30,
		0x00,
		0x08,
		0x6b,
		0x03,
		0xbc,
		0x50, /* ALIVE|HELLO */
		0x1a,
		0x68,
		0x00,
		0x10,
		0x6b,
		0x03,
		0xbc,
		0x50, /* ACK|HELLO|HELLO_BACK */
		0x6b,
		0x03,
		0xbc,
		0x50,
		0x6b,
		0x03,
		0xbc,
		0x50, /* from, to */
		0x1a,
		0x04,
		0x00,
		0x10,
		0x6b,
		0x03,
		0xbd,
		0x11, /* NACK */
		0x6b,
		0x03,
		0xbd,
		0x11,
		0x6b,
		0x03,
		0xbd,
		0x12, /* from, to */
		0x1a,
		0x22,
		0x00,
		0x10,
		0x6b,
		0x03,
		0xbb,
		0xcf, /* RESYNC|HELLO */
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
	};

	CU_ASSERT_EQUAL(wire_v1_put_alive(&w, WIRE_V1_HELLO, 0x6b03bc50), 8);
	CU_ASSERT_EQUAL(wire_v1_put_range(&w, WIRE_V1_ACK | WIRE_V1_HELLO | WIRE_V1_HELLO_BACK,
				0x6b03bc50, 0x6b03bc50, 0x6b03bc50),
		16);
	CU_ASSERT_EQUAL(
		wire_v1_put_range(&w, WIRE_V1_NACK, 0x6b03bd11, 0x6b03bd11, 0x6b03bd12), 16);
	CU_ASSERT_EQUAL(
		wire_v1_put_range(&w, WIRE_V1_RESYNC | WIRE_V1_HELLO, 0x6b03bbcf, 0, 0), 16);
	CU_ASSERT_EQUAL(w.used, sizeof(expected));
	CU_ASSERT_EQUAL(memcmp(bytes, expected, sizeof(expected)), 0);
}

static void messages_of_one_datagram_come_one_by_one(void)
{
	const uint8_t bytes[] = {
		0x1a, 0x08, 0x00, 0x10, 0x6b, 0x03, 0xbd, 0x10, /* ACK */
		0x6b, 0x03, 0xbd, 0x0f, 0x6b, 0x03, 0xbd, 0x10, /* from, to */
		0x11, 0x20, 0x00, 0x0c, 0x6b, 0x03, 0xbd, 0x11, /* CT_UPD|HELLO */
		0xaa, 0xbb, 0xcc, 0xdd, /* attributes: not looked at here */
		0x1a, 0x10, 0x00, 0x08, 0x6b, 0x03, 0xbd, 0x12, /* ALIVE */
	};
	struct exact e = exact_of(bytes, sizeof(bytes));
	struct wire_v1_message m;

	CU_ASSERT_EQUAL(wire_v1_next(&e.r, &m), WIRE_V1_OK);
	CU_ASSERT_EQUAL(m.type, WIRE_V1_CTL);
	CU_ASSERT_EQUAL(m.flags, WIRE_V1_ACK);
	CU_ASSERT_EQUAL(m.seq, 0x6b03bd10);
	CU_ASSERT_EQUAL(m.from, 0x6b03bd0f);
	CU_ASSERT_EQUAL(m.to, 0x6b03bd10);
	CU_ASSERT_EQUAL(m.payload_len, 0);
	CU_ASSERT_EQUAL(wire_v1_next(&e.r, &m), WIRE_V1_OK);
	CU_ASSERT_EQUAL(m.type, WIRE_V1_CT_UPD);
	CU_ASSERT_EQUAL(m.flags, WIRE_V1_HELLO);
	CU_ASSERT_EQUAL(m.payload_len, 4);
	CU_ASSERT_EQUAL(m.payload, e.bytes + 24);
	CU_ASSERT_EQUAL(wire_v1_next(&e.r, &m), WIRE_V1_OK);
	CU_ASSERT_EQUAL(m.flags, WIRE_V1_ALIVE);
	CU_ASSERT_EQUAL(m.seq, 0x6b03bd12);
	CU_ASSERT_EQUAL(wire_v1_next(&e.r, &m), WIRE_V1_END);
	free(e.bytes);
}

static void broken_sizes_give_up_the_rest(void)
{
	EXPECT_NEXT(WIRE_V1_TRUNCATED, 0, 0x1a, 0x10, 0x00, 0x08, 1, 2, 3);
	EXPECT_NEXT(WIRE_V1_BAD_SIZE, 0, 0x1a, 0x10, 0x00, 0x00, 1, 2, 3, 4);
	EXPECT_NEXT(WIRE_V1_BAD_SIZE, 0, 0x1a, 0x10, 0x00, 0x09, 1, 2, 3, 4);
	EXPECT_NEXT(WIRE_V1_BAD_SIZE, 0, 0x1a, 0x10, 0x00, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 9);
	EXPECT_NEXT(WIRE_V1_BAD_SIZE, 0, 0x1a, 0x08, 0x00, 0x0f, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 1,
		0x1a, 0x10, 0x00, 0x08, 1, 2, 3, 4);
	EXPECT_NEXT(WIRE_V1_TRUNCATED, 0, 0x1a, 0x08, 0x00, 0x08, 1, 2, 3, 4, 0, 0, 0, 1);
	EXPECT_NEXT(WIRE_V1_BAD_SIZE, 0, 0x11, 0x00, 0xff, 0xff, 1, 2, 3, 4);
}

static void a_foreign_version_or_header_skips_one_message(void)
{
	EXPECT_NEXT(WIRE_V1_BAD_VERSION, 2, 0x2a, 0x10, 0x00, 0x09, 1, 2, 3, 4, 9, 0x1a, 0x10);
	EXPECT_NEXT(WIRE_V1_BAD_HEADER, 1, 0x16, 0x00, 0x00, 0x08, 1, 2, 3, 4, 0); /* type 6 */
	EXPECT_NEXT(WIRE_V1_BAD_HEADER, 1, 0x1b, 0x10, 0x00, 0x08, 1, 2, 3, 4, 0); /* type 11 */
	EXPECT_NEXT(WIRE_V1_BAD_HEADER, 0, 0x1a, 0x20, 0x00, 0x08, 1, 2, 3, 4); /* no kind */
	EXPECT_NEXT(WIRE_V1_BAD_HEADER, 0, 0x11, 0x10, 0x00, 0x08, 1, 2, 3, 4); /* data, ALIVE */
	EXPECT_NEXT(WIRE_V1_BAD_HEADER, 0, 0x11, 0x01, 0x00, 0x08, 1, 2, 3, 4);
	EXPECT_NEXT(WIRE_V1_BAD_HEADER, 0, 0x1a, 0x04, 0x00, 0x10, 1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0,
		4); /* to before from */
	EXPECT_NEXT(WIRE_V1_OK, 0, 0x1a, 0x04, 0x00, 0x10, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff, 0, 0,
		0, 4); /* not before: the circle wraps */
	EXPECT_NEXT(WIRE_V1_OK, 0, 0x15, 0x60, 0x00, 0x08, 1, 2, 3, 4); /* EXP_DEL, HELLOs */
}

static void a_skipped_message_tells_its_number(void)
{
	struct wire_v1_message m;
	size_t left;

	CU_ASSERT_EQUAL(
		next_of(BYTES(0x16, 0, 0, 8, 1, 2, 3, 4), 8, &m, &left), WIRE_V1_BAD_HEADER);
	CU_ASSERT_EQUAL(m.seq, 0x01020304);
}

static void marks_ride_in_an_alive(void)
{
	const struct wire_v1_mark mark = {
		WIRE_V1_MARK_BULK_END, 0x11223344, 0x55667788, 0x99aabbcc};
	const uint8_t expected[] = {
		0x1a, 0x50, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x07, /* ALIVE|HELLO_BACK */
		'C', 'T', 'S', '1', 3, 0, 0, 0, /* magic, kind */
		0x11, 0x22, 0x33, 0x44, /* boot id */
		0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, /* values */
	};
	struct wire_v1_mark got;
	struct wire_v1_message m;
	uint8_t bytes[64];
	struct wbuf w = wbuf_of(bytes, sizeof(bytes));
	struct rbuf r;

	CU_ASSERT_EQUAL(wire_v1_put_mark(&w, WIRE_V1_HELLO_BACK, 7, &mark), WIRE_V1_MARK_BYTES);
	CU_ASSERT_EQUAL(memcmp(bytes, expected, sizeof(expected)), 0);
	r = rbuf_of(bytes, w.used);
	CU_ASSERT_EQUAL(wire_v1_next(&r, &m), WIRE_V1_OK);
	CU_ASSERT_TRUE(wire_v1_get_mark(&m, &got));
	CU_ASSERT_EQUAL(got.kind, mark.kind);
	CU_ASSERT_EQUAL(got.boot_id, mark.boot_id);
	CU_ASSERT_EQUAL(got.value, mark.value);
	CU_ASSERT_EQUAL(got.value2, mark.value2);
}

/* The mark with one byte changed, or cut or extended, or in another message. */
static bool is_mark(size_t at, uint8_t value, size_t len)
{
	uint8_t bytes[64] = {0x1a, 0x10, 0x00, 0x1c, 0, 0, 0, 7, 'C', 'T', 'S', '1', 1};
	struct wire_v1_message m;
	struct wire_v1_mark mark;
	struct rbuf r;

	bytes[3] = (uint8_t)len;
	bytes[at] = value;
	r = rbuf_of(bytes, sizeof(bytes));
	return wire_v1_next(&r, &m) == WIRE_V1_OK && wire_v1_get_mark(&m, &mark);
}

static void what_is_not_quite_a_mark_is_none(void)
{
	CU_ASSERT_TRUE(is_mark(12, 1, 28));
	CU_ASSERT_FALSE(is_mark(12, 0, 28));
	CU_ASSERT_FALSE(is_mark(12, 4, 28));
	CU_ASSERT_FALSE(is_mark(8, 'c', 28));
	CU_ASSERT_FALSE(is_mark(15, 1, 28));
	CU_ASSERT_FALSE(is_mark(12, 1, 27));
	CU_ASSERT_FALSE(is_mark(12, 1, 29));
	CU_ASSERT_FALSE(is_mark(12, 1, 8));
	CU_ASSERT_FALSE(is_mark(1, 0x18, 28)); /* ACK|ALIVE: an ACK */
	CU_ASSERT_FALSE(is_mark(0, 0x10, 28)); /* CT_NEW with ALIVE: not even a message */
}

static void what_does_not_fit_is_not_begun(void)
{
	const struct wire_v1_mark mark = {.kind = WIRE_V1_MARK_HELLO};
	uint8_t bytes[WIRE_V1_MARK_BYTES] = {0};
	struct wbuf w = wbuf_of(bytes, 15);

	CU_ASSERT_EQUAL(wire_v1_put_range(&w, WIRE_V1_ACK, 1, 1, 1), 0);
	CU_ASSERT_EQUAL(wire_v1_put_mark(&w, 0, 1, &mark), 0);
	CU_ASSERT_FALSE(w.bad);
	CU_ASSERT_EQUAL(w.used, 0);
	CU_ASSERT_EQUAL(wire_v1_put_alive(&w, 0, 1), 8);
	CU_ASSERT_EQUAL(wire_v1_put_alive(&w, 0, 2), 0);
	CU_ASSERT_EQUAL(w.used, 8);
	w = wbuf_of(bytes, sizeof(bytes) - 1);
	CU_ASSERT_EQUAL(wire_v1_put_mark(&w, 0, 1, &mark), 0);
	w = wbuf_of(bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(wire_v1_put_mark(&w, 0, 1, &mark), WIRE_V1_MARK_BYTES);
}

static int64_t stream_of(const uint8_t *bytes, size_t len)
{
	struct exact e = exact_of(bytes, len);
	int64_t whole = wire_v1_stream(e.bytes, len);

	free(e.bytes);
	return whole;
}

static void a_stream_is_cut_between_messages(void)
{
	const uint8_t bytes[] = {
		0x1a, 0x10, 0, 8, 1, 2, 3, 4, /* ALIVE */
		0x1a, 0x08, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, /* ACK */
		0x20, 0xff, 0, 9, 0, 0, 0, 0, 7, /* of another version, of odd length */
	};

	for (size_t len = 0; len <= sizeof(bytes); len++)
		CU_ASSERT_EQUAL(stream_of(bytes, len), len < 8	  ? 0
						       : len < 24 ? 8
						       : len < 33 ? 24
								  : 33);
}

static void a_stream_out_of_step_is_told(void)
{
	CU_ASSERT_EQUAL(stream_of(BYTES(0x1a, 0x10, 0, 0), 4), -EBADMSG);
	CU_ASSERT_EQUAL(stream_of(BYTES(0x1a, 0x10, 0, 7), 4), -EBADMSG);
	CU_ASSERT_EQUAL(stream_of(BYTES(0x1a, 0x08, 0, 15), 4), -EBADMSG);
	CU_ASSERT_EQUAL(stream_of(BYTES(0x10, 0x00, 0, 0), 3), 0);
	/* what is whole before it comes first */
	CU_ASSERT_EQUAL(stream_of(BYTES(0x1a, 0x10, 0, 8, 0, 0, 0, 0, 0x1a, 0x10, 0, 0), 12), 8);
}

/* What a stream says is whole, a datagram of it never finds cut short or of a bad size. */
static void streams_and_datagrams_agree(void)
{
	uint32_t x = 12345;

	for (unsigned n = 0; n < 20000; n++) {
		uint8_t bytes[64];
		struct wire_v1_message m;
		enum wire_v1_result result;
		struct rbuf r;
		int64_t whole;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(x >> 24);
			if (i % 4 == 2)
				bytes[i] = 0;
			if (i % 4 == 3)
				bytes[i] &= 0x1f;
		}
		whole = wire_v1_stream(bytes, sizeof(bytes));
		if (whole <= 0)
			continue;
		r = rbuf_of(bytes, (size_t)whole);
		while ((result = wire_v1_next(&r, &m)) != WIRE_V1_END)
			CU_ASSERT(result != WIRE_V1_TRUNCATED && result != WIRE_V1_BAD_SIZE);
	}
}

static void sequence_numbers_are_a_circle(void)
{
	CU_ASSERT_TRUE(wire_v1_seq_before(1, 2));
	CU_ASSERT_FALSE(wire_v1_seq_before(2, 2));
	CU_ASSERT_TRUE(wire_v1_seq_before(0xffffffff, 0));
	CU_ASSERT_FALSE(wire_v1_seq_before(0, 0xffffffff));
}

static const struct unit_test tests[] = {
	{"control messages are written as upstream writes them",
		control_messages_are_written_as_upstream_writes_them},
	{"messages of one datagram come one by one", messages_of_one_datagram_come_one_by_one},
	{"broken sizes give up the rest", broken_sizes_give_up_the_rest},
	{"a foreign version or header skips one message",
		a_foreign_version_or_header_skips_one_message},
	{"a skipped message tells its number", a_skipped_message_tells_its_number},
	{"marks ride in an ALIVE", marks_ride_in_an_alive},
	{"what is not quite a mark is none", what_is_not_quite_a_mark_is_none},
	{"what does not fit is not begun", what_does_not_fit_is_not_begun},
	{"a stream is cut between messages", a_stream_is_cut_between_messages},
	{"a stream out of step is told", a_stream_out_of_step_is_told},
	{"streams and datagrams agree", streams_and_datagrams_agree},
	{"sequence numbers are a circle", sequence_numbers_are_a_circle},
};

UNIT_MAIN("wire_frame", tests)
