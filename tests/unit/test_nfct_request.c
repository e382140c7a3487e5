/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "unit.h"
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* Requests and filters as bytes; what the kernel makes of them is tested on the kernel. */

static struct nfnl_subsys_handle *const ssh = (struct nfnl_subsys_handle *)(uintptr_t)64;
static _Alignas(4) uint8_t room[65536];

static uint8_t *build(enum nf_conntrack_query query, const void *data)
{
	CU_ASSERT_EQUAL_FATAL(nfct_build_query(ssh, query, data, room, sizeof(room)), 1);
	return room;
}

static int error_of(int ret)
{
	int err = errno;

	CU_ASSERT_EQUAL(ret, -1);
	errno = 0;
	return err;
}

static struct nf_conntrack *tcp(void)
{
	struct nf_conntrack *ct = nfct_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x01010101));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x02020202));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(20));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(10));
	return ct;
}

struct head {
	uint16_t type, flags;
	uint8_t family, version;
	uint32_t len; /* 0: more than the headers */
};

static void is_head(const void *bytes, struct head wanted)
{
	struct nlmsghdr nlh;
	struct nfgenmsg gen;

	memcpy(&nlh, bytes, sizeof(nlh));
	memcpy(&gen, (const uint8_t *)bytes + sizeof(nlh), sizeof(gen));
	CU_ASSERT_EQUAL(nlh.nlmsg_type, wanted.type);
	CU_ASSERT_EQUAL(nlh.nlmsg_flags, wanted.flags);
	CU_ASSERT_EQUAL(nlh.nlmsg_seq, 0);
	CU_ASSERT_EQUAL(nlh.nlmsg_pid, 0);
	CU_ASSERT_EQUAL(gen.nfgen_family, wanted.family);
	CU_ASSERT_EQUAL(gen.version, wanted.version);
	CU_ASSERT_EQUAL(gen.res_id, 0);
	CU_ASSERT_TRUE(wanted.len ? nlh.nlmsg_len == wanted.len : nlh.nlmsg_len > 20);
}

static void heads_of_objects(void)
{
	static const struct {
		enum nf_conntrack_query query;
		uint16_t type, flags;
	} queries[] = {
		{NFCT_Q_CREATE, 0x0100, 0x605},
		{NFCT_Q_UPDATE, 0x0100, 0x005},
		{NFCT_Q_DESTROY, 0x0102, 0x005},
		{NFCT_Q_GET, 0x0101, 0x005},
		{NFCT_Q_CREATE_UPDATE, 0x0100, 0x405},
	};
	struct nf_conntrack *ct = tcp();

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		is_head(build(queries[i].query, ct),
			(struct head){queries[i].type, queries[i].flags, AF_INET, 0, 0});
	nfct_destroy(ct);
}

static void heads_of_families(void)
{
	static const struct {
		enum nf_conntrack_query query;
		uint16_t type, flags;
		uint8_t version;
	} queries[] = {
		{NFCT_Q_FLUSH, 0x0102, 0x005, 0},
		{NFCT_Q_DUMP, 0x0101, 0x301, 0},
		{NFCT_Q_DUMP_RESET, 0x0103, 0x301, 0},
		{NFCT_Q_FLUSH_FILTER, 0x0102, 0x005, 1},
	};
	uint32_t family = AF_INET6;
	uint8_t *narrow = (uint8_t *)malloc(1); /* some programs point to no more than that */

	CU_ASSERT_PTR_NOT_NULL_FATAL(narrow);
	*narrow = AF_INET;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		is_head(build(queries[i].query, &family),
			(struct head){queries[i].type, queries[i].flags, AF_INET6,
				queries[i].version, 20});
		if (htons(1) == 1)
			continue;
		is_head(build(queries[i].query, narrow),
			(struct head){queries[i].type, queries[i].flags, AF_INET,
				queries[i].version, 20});
	}
	free(narrow);
}

static void heads_of_filters(void)
{
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nfct_filter_dump_mark mark = {1, 255};

	is_head(build(NFCT_Q_DUMP_FILTER, f), (struct head){0x0101, 0x301, AF_UNSPEC, 0, 20});
	is_head(build(NFCT_Q_DUMP_FILTER_RESET, f), (struct head){0x0103, 0x301, AF_UNSPEC, 0, 20});
	is_head(build(NFCT_Q_FLUSH_FILTER, f), (struct head){0x0102, 0x005, AF_UNSPEC, 1, 20});
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	is_head(build(NFCT_Q_FLUSH_FILTER, f), (struct head){0x0102, 0x005, AF_INET6, 1, 36});
	nfct_filter_dump_destroy(f);
}

static void heads_of_expectations(void)
{
	static const struct {
		enum nf_conntrack_query query;
		uint16_t type, flags;
	} queries[] = {
		{NFCT_Q_CREATE, 0x0200, 0x605},
		{NFCT_Q_CREATE_UPDATE, 0x0200, 0x405},
		{NFCT_Q_GET, 0x0201, 0x005},
		{NFCT_Q_DESTROY, 0x0202, 0x005},
	};
	struct nf_expect *exp = nfexp_new();
	struct nf_conntrack *ct = tcp();
	uint32_t family = AF_INET;

	CU_ASSERT_PTR_NOT_NULL_FATAL(exp);
	nfexp_set_attr(exp, ATTR_EXP_MASK, ct);
	CU_ASSERT_EQUAL(
		error_of(nfexp_build_query(ssh, NFCT_Q_GET, exp, room, sizeof(room))), EINVAL);
	nfexp_set_attr(exp, ATTR_EXP_EXPECTED, ct);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		CU_ASSERT_EQUAL(
			nfexp_build_query(ssh, queries[i].query, exp, room, sizeof(room)), 1);
		is_head(room, (struct head){queries[i].type, queries[i].flags, AF_INET, 0, 0});
	}
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET6);
	nfexp_set_attr(exp, ATTR_EXP_MASTER, ct);
	CU_ASSERT_EQUAL(nfexp_build_query(ssh, NFCT_Q_GET, exp, room, sizeof(room)), 1);
	is_head(room, (struct head){0x0201, 0x005, AF_INET6, 0, 0});
	CU_ASSERT_EQUAL(nfexp_build_query(ssh, NFCT_Q_FLUSH, &family, room, sizeof(room)), 1);
	is_head(room, (struct head){0x0202, 0x005, AF_INET, 0, 20});
	CU_ASSERT_EQUAL(nfexp_build_query(ssh, NFCT_Q_DUMP, &family, room, sizeof(room)), 1);
	is_head(room, (struct head){0x0201, 0x301, AF_INET, 0, 20});
	nfct_destroy(ct);
	nfexp_destroy(exp);
}

static void unknown_queries(void)
{
	static const enum nf_conntrack_query not_for_expectations[] = {NFCT_Q_UPDATE,
		NFCT_Q_DUMP_RESET, NFCT_Q_DUMP_FILTER, NFCT_Q_DUMP_FILTER_RESET,
		NFCT_Q_FLUSH_FILTER};
	struct nf_expect *exp = nfexp_new();
	uint32_t family = AF_INET;

	CU_ASSERT_EQUAL(error_of(nfct_build_query(
				ssh, (enum nf_conntrack_query)11, &family, room, sizeof(room))),
		ENOTSUP);
	CU_ASSERT_EQUAL(error_of(nfct_build_query(
				ssh, (enum nf_conntrack_query) - 1, &family, room, sizeof(room))),
		ENOTSUP);
	for (size_t i = 0; i < ARRAY_SIZE(not_for_expectations); i++)
		CU_ASSERT_EQUAL(error_of(nfexp_build_query(
					ssh, not_for_expectations[i], exp, room, sizeof(room))),
			ENOTSUP);
	nfexp_destroy(exp);
}

/* A request is never sent, or built, of an object that says too little: it might name all. */
static void objects_that_name_nothing(void)
{
	struct nf_conntrack *ct = nfct_new();
	struct nf_expect *exp = nfexp_new();

	CU_ASSERT_EQUAL(
		error_of(nfct_build_query(ssh, NFCT_Q_DESTROY, ct, room, sizeof(room))), EINVAL);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_UNIX);
	CU_ASSERT_EQUAL(
		error_of(nfct_build_query(ssh, NFCT_Q_DESTROY, ct, room, sizeof(room))), EINVAL);
	CU_ASSERT_EQUAL(
		error_of(nfexp_build_query(ssh, NFCT_Q_DESTROY, exp, room, sizeof(room))), EINVAL);
	nfct_destroy(ct);
	nfexp_destroy(exp);
}

/* Every size up to one that suffices, in a heap block of just that size. */
static void requests_stay_in_bounds(void)
{
	struct nf_conntrack *ct = tcp();
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nfct_filter_dump_mark mark = {1, 255};
	uint32_t len, fits = 0;

	nfct_set_attr_u32(ct, ATTR_MARK, 1);
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_STATUS, &mark);
	nfct_filter_dump_set_attr_u16(f, NFCT_FILTER_DUMP_ZONE, 1);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, ct);
	for (unsigned i = 0; i < 2; i++) {
		const void *data = i ? (const void *)f : (const void *)ct;
		enum nf_conntrack_query query = i ? NFCT_Q_DUMP_FILTER : NFCT_Q_CREATE;

		memcpy(&len, build(query, data), sizeof(len));
		for (unsigned size = 0; size <= len; size++) {
			uint8_t *buf = (uint8_t *)malloc(size ? size : 1);

			CU_ASSERT_PTR_NOT_NULL_FATAL(buf);
			if (nfct_build_query(ssh, query, data, buf, size) == 1)
				fits += size == len && memcmp(buf, room, len) == 0;
			else
				CU_ASSERT_EQUAL(errno, EMSGSIZE);
			free(buf);
		}
	}
	CU_ASSERT_EQUAL(fits, 2);
	nfct_filter_dump_destroy(f);
	nfct_destroy(ct);
}

static void misuse(void)
{
	uint32_t family = AF_INET;
	struct nlmsghdr nlh = {.nlmsg_len = sizeof(nlh)};
	struct nfct_filter_dump *f = nfct_filter_dump_create();

	CU_ASSERT_EQUAL(error_of(nfct_build_query(NULL, NFCT_Q_DUMP, &family, room, 64)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_build_query(ssh, NFCT_Q_DUMP, NULL, room, 64)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_build_query(ssh, NFCT_Q_DUMP, &family, NULL, 64)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfexp_build_query(ssh, NFCT_Q_DUMP, NULL, room, 64)), EINVAL);
	CU_ASSERT_EQUAL(
		error_of(nfct_build_query(ssh, NFCT_Q_DUMP_FILTER, &family, room, 64)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_query(NULL, NFCT_Q_DUMP, &family)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_send(NULL, NFCT_Q_DUMP, &family)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfexp_query(NULL, NFCT_Q_DUMP, &family)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfexp_send(NULL, NFCT_Q_DUMP, &family)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_catch(NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfexp_catch(NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_close(NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_fd(NULL)), EINVAL);
	CU_ASSERT_PTR_NULL(nfct_nfnlh(NULL));
	CU_ASSERT_PTR_NULL(nfct_open_nfnl(NULL, 0, 0));
	CU_ASSERT_EQUAL(error_of(nfct_callback_register(NULL, NFCT_T_ALL, NULL, NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_callback_register2(NULL, NFCT_T_ALL, NULL, NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfexp_callback_register(NULL, NFCT_T_ALL, NULL, NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfexp_callback_register2(NULL, NFCT_T_ALL, NULL, NULL)), EINVAL);
	nfct_callback_unregister(NULL);
	nfct_callback_unregister2(NULL);
	nfexp_callback_unregister(NULL);
	nfexp_callback_unregister2(NULL);
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_nlmsg_build_filter(NULL, f)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_nlmsg_build_filter(&nlh, NULL)), EINVAL);
	CU_ASSERT_EQUAL(error_of(nfct_nlmsg_build_filter(&nlh, f)), EINVAL);
	nfct_filter_dump_destroy(NULL);
	nfct_filter_dump_destroy(f);
}

/* The filter's message from struct nfgenmsg on. */
static void is_filter(const struct nfct_filter_dump *f, const uint8_t *wanted, size_t len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)room;

	memset(room, 0xee, sizeof(room));
	memset(room, 0, 20);
	nlh->nlmsg_len = 20;
	CU_ASSERT_EQUAL(nfct_nlmsg_build_filter(nlh, f), 0);
	CU_ASSERT_EQUAL(nlh->nlmsg_len, 16 + len);
	CU_ASSERT_EQUAL(memcmp(room + 16, wanted, len), 0);
}

static void filter_of_numbers(void)
{
	static const uint8_t wanted[] = {0x0a, 0, 0, 0, /* family */
		0x08, 0, 0x08, 0, 0, 0, 0, 0x01, 0x08, 0, 0x15, 0, 0, 0, 0, 0xff, /* mark */
		0x08, 0, 0x03, 0, 0, 0, 0, 0x02, 0x08, 0, 0x1a, 0, 0, 0, 0, 0x06, /* status */
		0x06, 0, 0x12, 0, 0x01, 0x02, 0, 0}; /* zone */
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nfct_filter_dump_mark mark = {1, 0xff}, status = {2, 6};
	uint16_t zone = 0x0102;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	is_filter(f, (const uint8_t *)"\0\0\0", 4);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_STATUS, &status);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	is_filter(f, wanted, sizeof(wanted) - 8);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_ZONE, &zone);
	is_filter(f, wanted, sizeof(wanted));
	nfct_filter_dump_set_attr_u16(f, NFCT_FILTER_DUMP_ZONE, 0x0102);
	is_filter(f, wanted, sizeof(wanted));
	/* misuse: the filter stays as it is */
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_MARK, 7);
	nfct_filter_dump_set_attr_u16(f, NFCT_FILTER_DUMP_L3NUM, 0x102);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, NULL);
	nfct_filter_dump_set_attr(NULL, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr_u16(f, NFCT_FILTER_DUMP_TUPLE, 3);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MAX, &mark);
	nfct_filter_dump_set_attr(f, (enum nfct_filter_dump_attr) - 1, &mark);
	CU_ASSERT_EQUAL(errno, EINVAL);
	is_filter(f, wanted, sizeof(wanted));
	nfct_filter_dump_destroy(f);
}

/* The flags that say what of the tuple is to be compared, as they stand at the message's end. */
static uint32_t flags_of(const struct nf_conntrack *ct)
{
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)room;
	const uint8_t *end;
	uint32_t flags;

	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, ct);
	memset(room, 0, sizeof(room));
	nlh->nlmsg_len = 20;
	CU_ASSERT_EQUAL(nfct_nlmsg_build_filter(nlh, f), 0);
	end = room + nlh->nlmsg_len;
	CU_ASSERT_EQUAL(memcmp(end - 20, "\x14\x00\x19\x80\x08\x00\x01\x00", 8), 0);
	CU_ASSERT_EQUAL(memcmp(end - 8, "\x08\x00\x02\x00\x00\x00\x00\x00", 8), 0);
	memcpy(&flags, end - 12, sizeof(flags));
	CU_ASSERT_EQUAL(room[16], nfct_get_attr_u8(ct, ATTR_L3PROTO));
	nfct_filter_dump_destroy(f);
	return flags;
}

static void filter_by_tuple(void)
{
	struct nf_conntrack *ct = nfct_new();

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET6);
	CU_ASSERT_EQUAL(flags_of(ct), 0);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, 1); /* of the other family */
	CU_ASSERT_EQUAL(flags_of(ct), 0);
	nfct_set_attr(ct, ATTR_IPV6_SRC, "0123456789abcdef");
	CU_ASSERT_EQUAL(flags_of(ct), 0); /* see doc/KERNEL.md */
	nfct_set_attr_u16(ct, ATTR_ORIG_ZONE, 3);
	CU_ASSERT_EQUAL(flags_of(ct), CTA_FILTER_FLAG_CTA_TUPLE_ZONE);
	nfct_attr_unset(ct, ATTR_ORIG_ZONE);
	nfct_attr_unset(ct, ATTR_IPV6_SRC);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_ICMPV6);
	nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, 128);
	nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 0);
	nfct_set_attr_u16(ct, ATTR_ICMP_ID, 9);
	CU_ASSERT_EQUAL(flags_of(ct), CTA_FILTER_FLAG_CTA_PROTO_NUM |
					      CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_TYPE |
					      CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_CODE |
					      CTA_FILTER_FLAG_CTA_PROTO_ICMPV6_ID);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_ICMP);
	CU_ASSERT_EQUAL(flags_of(ct), CTA_FILTER_FLAG_CTA_IP_SRC | CTA_FILTER_FLAG_CTA_PROTO_NUM |
					      CTA_FILTER_FLAG_CTA_PROTO_ICMP_TYPE |
					      CTA_FILTER_FLAG_CTA_PROTO_ICMP_CODE |
					      CTA_FILTER_FLAG_CTA_PROTO_ICMP_ID);
	nfct_destroy(ct);

	/* This marks everything of the original tuple, and nothing that TCP does not have counts.
	 */
	ct = tcp();
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	CU_ASSERT_EQUAL(flags_of(ct), CTA_FILTER_FLAG_CTA_IP_SRC | CTA_FILTER_FLAG_CTA_IP_DST |
					      CTA_FILTER_FLAG_CTA_PROTO_NUM |
					      CTA_FILTER_FLAG_CTA_PROTO_SRC_PORT |
					      CTA_FILTER_FLAG_CTA_PROTO_DST_PORT);
	nfct_destroy(ct);
}

static void filter_by_tuple_and_more(void)
{
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nfct_filter_dump_mark mark = {1, 255};
	struct nf_conntrack *ct = tcp(), *other = nfct_new();
	uint8_t first[256];
	uint32_t len;

	/* The filter's copy is one of its own. */
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, other);
	nfct_set_attr(ct, ATTR_CONNLABELS, nfct_bitmask_new(127));
	nfct_set_attr(ct, ATTR_HELPER_NAME, "ftp");
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, ct);
	memcpy(&len, build(NFCT_Q_DUMP_FILTER, f), sizeof(len));
	memcpy(first, room, len);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, 1);
	nfct_destroy(ct);
	CU_ASSERT_EQUAL(memcmp(build(NFCT_Q_DUMP_FILTER, f), first, len), 0);

	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET);
	build(NFCT_Q_DUMP_FILTER, f);
	CU_ASSERT_EQUAL(error_of(nfct_build_query(ssh, NFCT_Q_FLUSH_FILTER, f, room, sizeof(room))),
		ENOTSUP);
	nfct_filter_dump_set_attr_u8(f, NFCT_FILTER_DUMP_L3NUM, AF_INET6);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	CU_ASSERT_EQUAL(
		error_of(nfct_build_query(ssh, NFCT_Q_DUMP_FILTER, f, room, sizeof(room))), EINVAL);
	/* and the message is as it was */
	memset(room, 0, sizeof(room));
	((struct nlmsghdr *)(void *)room)->nlmsg_len = 20;
	CU_ASSERT_EQUAL(
		error_of(nfct_nlmsg_build_filter((struct nlmsghdr *)(void *)room, f)), EINVAL);
	is_head(room, (struct head){0, 0, 0, 0, 20});
	nfct_destroy(other);
	nfct_filter_dump_destroy(f);
}

/* The object's mark is one more condition, but not where the filter has one. */
static void filter_of_two_marks(void)
{
	struct nfct_filter_dump *f = nfct_filter_dump_create();
	struct nfct_filter_dump_mark mark = {1, 255};
	struct nf_conntrack *ct = tcp();
	unsigned marks = 0;
	uint32_t len;

	nfct_set_attr_u32(ct, ATTR_MARK, 77);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_MARK, &mark);
	nfct_filter_dump_set_attr(f, NFCT_FILTER_DUMP_TUPLE, ct);
	memcpy(&len, build(NFCT_Q_DUMP_FILTER, f), sizeof(len));
	for (uint32_t i = 20; i + 4 <= len; i += 4u)
		marks += memcmp(room + i, "\x08\x00\x08\x00", 4) == 0;
	CU_ASSERT_EQUAL(marks, 1);
	nfct_destroy(ct);
	nfct_filter_dump_destroy(f);
}

static const struct unit_test tests[] = {
	{"headers of requests about objects", heads_of_objects},
	{"headers of requests about families", heads_of_families},
	{"headers of requests with filters", heads_of_filters},
	{"headers of requests about expectations", heads_of_expectations},
	{"unknown queries", unknown_queries},
	{"objects that name nothing", objects_that_name_nothing},
	{"requests stay in bounds", requests_stay_in_bounds},
	{"misuse", misuse},
	{"a filter of numbers", filter_of_numbers},
	{"a filter by tuple", filter_by_tuple},
	{"a filter by tuple and more", filter_by_tuple_and_more},
	{"a filter of two marks", filter_of_two_marks},
};

UNIT_MAIN("nfct_request", tests)
