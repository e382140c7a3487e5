/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include "base/rng.h"
#include "tests/lib/seed.h"
#include "unit.h"
#include "wire/v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Datagrams that conntrackd sent, as tests/lib/capture_wire.sh recorded them; for their format see
 * tests/lib/wire_record.py. Each is held in heap memory of exactly its size, where ASan sees a
 * read past its end.
 */
struct datagram {
	uint8_t *bytes;
	size_t len;
};

enum { DATAGRAMS_MAX = 2000 };

static struct datagram datagrams[DATAGRAMS_MAX];
static size_t datagrams_count;

static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		exit(2);
	memcpy(copy, bytes, len);
	return copy;
}

static void load(const char *name)
{
	const char *srcdir = getenv("srcdir");
	uint8_t header[4], bytes[65536];
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/lib/captures/wire/%s", srcdir ? srcdir : ".", name);
	f = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fread(header, sizeof(header), 1, f) == 1) {
		len = (size_t)header[2] << 8 | header[3];
		CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, len, f), len);
		CU_ASSERT_FATAL(datagrams_count < DATAGRAMS_MAX);
		datagrams[datagrams_count++] = (struct datagram){copy_of(bytes, len), len};
	}
	fclose(f);
}

static void recordings_are_there(void)
{
	load("alarm.bin");
	load("ftfw.bin");
	load("notrack.bin");
	CU_ASSERT(datagrams_count > 200);
}

/* Offset of the attribute's record in a message, or 0. */
static size_t find_attr(const uint8_t *msg, size_t len, uint16_t attr)
{
	size_t at = WIRE_V1_HEADER_BYTES;

	while (len - at > 4) {
		if (msg[at + 2] == attr >> 8 && msg[at + 3] == (attr & 0xff))
			return at;
		at += ((size_t)msg[at] << 8 | msg[at + 1]) + 3;
		at &= ~(size_t)3;
	}
	return 0;
}

static size_t without_attr(uint8_t *msg, size_t len, uint16_t attr)
{
	size_t at = find_attr(msg, len, attr), size = 8;

	if (!at)
		return len;
	memmove(msg + at, msg + at + size, len - at - size);
	len -= size;
	msg[2] = (uint8_t)(len >> 8);
	msg[3] = (uint8_t)len;
	return len;
}

/*
 * The message with what we write otherwise than upstream made as we write it. There is one thing:
 * upstream sends port NAT 0 (attributes 14 and 15) with every ICMP flow that has NAT; we do not.
 */
static size_t as_we_write_it(uint8_t *msg, size_t len, const struct flow *f)
{
	static const uint8_t no_port[2];
	size_t at;

	if (!flow_l4_is_icmp(f->tuple[FLOW_ORIG].l4))
		return len;
	for (uint16_t attr = 14; attr <= 15; attr++) {
		at = find_attr(msg, len, attr);
		if (at)
			CU_ASSERT_EQUAL(memcmp(msg + at + 4, no_port, sizeof(no_port)), 0);
		len = without_attr(msg, len, attr);
	}
	return len;
}

static void print_bytes(const char *what, const uint8_t *bytes, size_t len)
{
	printf("%s", what);
	for (size_t i = 0; i < len; i++)
		printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
	printf("\n");
}

static bool is_written_as_it_came(const struct wire_v1_message *m)
{
	const uint8_t *start = m->payload - WIRE_V1_HEADER_BYTES;
	size_t len = m->payload_len + WIRE_V1_HEADER_BYTES, got_len;
	const struct wire_v1_options options = {
		.without_timeout = !find_attr(start, len, 6),
		.tcp_window_tracking = find_attr(start, len, 25),
	};
	uint8_t expected[WIRE_V1_MESSAGE_BYTES_MAX], got[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(got, sizeof(got));
	struct flow f;
	bool same;

	if (wire_v1_get_flow(m, &f) != WIRE_V1_OK)
		return false;
	memcpy(expected, start, len);
	len = as_we_write_it(expected, len, &f);
	got_len = wire_v1_put_flow(&w, m->type, m->flags, m->seq, &f, &options);
	same = got_len == len && memcmp(expected, got, len) == 0;
	if (!same) {
		print_bytes("came:   ", expected, len);
		print_bytes("written:", got, got_len);
	}
	return same;
}

static void flows_are_written_byte_for_byte_as_conntrackd_writes_them(void)
{
	size_t flows = 0, different = 0;

	for (size_t i = 0; i < datagrams_count; i++) {
		struct rbuf r = rbuf_of(datagrams[i].bytes, datagrams[i].len);
		struct wire_v1_message m;

		while (wire_v1_next(&r, &m) == WIRE_V1_OK)
			if (m.type <= WIRE_V1_CT_DEL) {
				flows++;
				different += !is_written_as_it_came(&m);
			}
		CU_ASSERT_EQUAL(r.left, 0);
	}
	CU_ASSERT(flows > 300);
	CU_ASSERT_EQUAL(different, 0);
}

static bool expect_is_written_as_it_came(const struct wire_v1_message *m)
{
	const uint8_t *start = m->payload - WIRE_V1_HEADER_BYTES;
	size_t len = m->payload_len + WIRE_V1_HEADER_BYTES, got_len;
	const struct wire_v1_options options = {.without_timeout = !find_attr(start, len, 12)};
	uint8_t got[WIRE_V1_MESSAGE_BYTES_MAX];
	struct wbuf w = wbuf_of(got, sizeof(got));
	struct expect x;
	bool same;

	if (wire_v1_get_expect(m, &x) != WIRE_V1_OK)
		return false;
	got_len = wire_v1_put_expect(&w, m->type, m->flags, m->seq, &x, &options);
	same = got_len == len && memcmp(start, got, len) == 0;
	if (!same) {
		print_bytes("came:   ", start, len);
		print_bytes("written:", got, got_len);
	}
	return same;
}

static void expectations_are_written_byte_for_byte_as_conntrackd_writes_them(void)
{
	unsigned by_type[WIRE_V1_EXP_DEL + 1] = {0};
	size_t different = 0;

	for (size_t i = 0; i < datagrams_count; i++) {
		struct rbuf r = rbuf_of(datagrams[i].bytes, datagrams[i].len);
		struct wire_v1_message m;

		while (wire_v1_next(&r, &m) == WIRE_V1_OK)
			if (m.type >= WIRE_V1_EXP_NEW && m.type <= WIRE_V1_EXP_DEL) {
				by_type[m.type]++;
				different += !expect_is_written_as_it_came(&m);
			}
	}
	printf("%u new, %u updates, %u deletions: ", by_type[WIRE_V1_EXP_NEW],
		by_type[WIRE_V1_EXP_UPD], by_type[WIRE_V1_EXP_DEL]);
	CU_ASSERT(by_type[WIRE_V1_EXP_NEW] > 0);
	CU_ASSERT(by_type[WIRE_V1_EXP_DEL] > 0);
	CU_ASSERT_EQUAL(different, 0);
}

static void controls_are_written_byte_for_byte_as_conntrackd_writes_them(void)
{
	size_t alive = 0, ranges = 0;

	for (size_t i = 0; i < datagrams_count; i++) {
		struct rbuf r = rbuf_of(datagrams[i].bytes, datagrams[i].len);
		uint8_t got[WIRE_V1_RANGE_BYTES];
		struct wire_v1_message m;
		const uint8_t *start;

		for (start = r.at; wire_v1_next(&r, &m) == WIRE_V1_OK; start = r.at) {
			struct wbuf w = wbuf_of(got, sizeof(got));

			if (m.type != WIRE_V1_CTL)
				continue;
			if (m.flags & WIRE_V1_ALIVE)
				alive += wire_v1_put_alive(&w, m.flags, m.seq) > 0;
			else
				ranges += wire_v1_put_range(&w, m.flags, m.seq, m.from, m.to) > 0;
			CU_ASSERT_EQUAL(w.used, (size_t)(r.at - start));
			CU_ASSERT_EQUAL(memcmp(got, start, w.used), 0);
		}
	}
	CU_ASSERT(alive > 0);
	CU_ASSERT(ranges > 0);
}

/* All attributes but DCCP's (20, 21): the kernel of the recording has no DCCP any more. */
static void recordings_have_every_attribute(void)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < datagrams_count; i++) {
		struct rbuf r = rbuf_of(datagrams[i].bytes, datagrams[i].len);
		struct wire_v1_message m;

		while (wire_v1_next(&r, &m) == WIRE_V1_OK)
			for (uint16_t a = 0; m.type <= WIRE_V1_CT_DEL && a <= 32; a++)
				if (find_attr(m.payload - 8, m.payload_len + 8, a))
					seen |= UINT64_C(1) << a;
	}
	CU_ASSERT_EQUAL(seen, UINT64_C(0x1ffcfffff));
}

static void every_prefix_of_a_datagram_gives_a_result(void)
{
	for (size_t i = 0; i < datagrams_count; i++)
		for (size_t len = 0; len < datagrams[i].len; len++) {
			uint8_t *cut = copy_of(datagrams[i].bytes, len);

			LLVMFuzzerTestOneInput(cut, len);
			free(cut);
		}
	CU_PASS("no read past an end, every result typed");
}

/* Changes a few bytes, favouring lengths and numbers of attributes, and the length at times. */
static size_t mutate(struct rng *r, uint8_t *bytes, size_t len)
{
	size_t changes = 1 + rng_below(r, 4);

	for (size_t i = 0; len > 0 && i < changes; i++) {
		size_t at = rng_below(r, (uint32_t)len);

		if (rng_chance(r, 1, 2))
			at &= ~(size_t)3;
		bytes[at + (rng_chance(r, 1, 2) && at + 1 < len)] =
			rng_chance(r, 1, 2) ? (uint8_t)rng_below(r, 48) : (uint8_t)rng_u32(r);
	}
	return rng_chance(r, 1, 4) ? rng_below(r, (uint32_t)len + 1) : len;
}

static void mutated_datagrams_give_a_result(void)
{
	struct rng r = rng_of(seed_get("wire_capture"));

	for (size_t i = 0; i < datagrams_count; i++)
		for (int turn = 0; turn < 100; turn++) {
			uint8_t *bytes = copy_of(datagrams[i].bytes, datagrams[i].len);
			size_t len = mutate(&r, bytes, datagrams[i].len);
			uint8_t *exact = copy_of(bytes, len);

			LLVMFuzzerTestOneInput(exact, len);
			free(exact);
			free(bytes);
		}
	CU_PASS("no read past an end, every result typed");
}

static void recordings_go(void)
{
	for (size_t i = 0; i < datagrams_count; i++)
		free(datagrams[i].bytes);
	datagrams_count = 0;
}

static const struct unit_test tests[] = {
	{"recordings are there", recordings_are_there},
	{"flows are written byte for byte as conntrackd writes them",
		flows_are_written_byte_for_byte_as_conntrackd_writes_them},
	{"expectations are written byte for byte as conntrackd writes them",
		expectations_are_written_byte_for_byte_as_conntrackd_writes_them},
	{"controls are written byte for byte as conntrackd writes them",
		controls_are_written_byte_for_byte_as_conntrackd_writes_them},
	{"recordings have every attribute", recordings_have_every_attribute},
	{"every prefix of a datagram gives a result", every_prefix_of_a_datagram_gives_a_result},
	{"mutated datagrams give a result", mutated_datagrams_give_a_result},
	{"recordings go", recordings_go},
};

UNIT_MAIN("wire_capture", tests)
