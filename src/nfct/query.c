/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "nfct/export.h"
#include "nfct/filter_dump.h"
#include "nfct/handle.h"
#include "nfct/message.h"
#include "nfct/object.h"

enum {
	REQUEST_BYTES = 4096, /* on the stack; nearly every request fits */
	REQUEST_BYTES_MAX = 131072, /* a helper's private data and labels of the largest size */
};

int request_make(struct nfct_handle *h, request_build *build, enum nf_conntrack_query query,
	const void *data, request_run *run)
{
	_Alignas(NLMSG_ALIGNTO) uint8_t room[REQUEST_BYTES];
	uint8_t *buf = room, *large = NULL;
	int err, ret = -1;

	if (!h || !data) {
		errno = EINVAL;
		return -1;
	}
	err = build(buf, sizeof(room), query, data);
	if (err == -EMSGSIZE) {
		buf = large = (uint8_t *)malloc(REQUEST_BYTES_MAX);
		err = buf ? build(buf, REQUEST_BYTES_MAX, query, data) : -ENOMEM;
	}
	if (err)
		errno = -err;
	else
		ret = run(h, (struct nlmsghdr *)(void *)buf);
	err = errno;
	free(large);
	errno = err;
	return ret;
}

int request_make_in(void *buf, size_t cap, const struct nfnl_subsys_handle *ssh,
	request_build *build, enum nf_conntrack_query query, const void *data)
{
	int err = -EINVAL;

	if (ssh && buf && data) {
		memset(buf, 0, cap);
		err = build(buf, cap, query, data);
	}
	if (err) {
		errno = -err;
		return -1;
	}
	return 1;
}

struct nlmsghdr *request_begin(void *buf, size_t cap, const struct request_head *head)
{
	struct nlmsghdr *msg;

	if (cap < MESSAGE_HEADS_BYTES)
		return NULL;
	msg = message_begin(
		buf, head->subsys, head->type, NLM_F_REQUEST | head->flags, head->family);
	((struct nfgenmsg *)NLMSG_DATA(msg))->version = head->version;
	return msg;
}

uint8_t request_family(const void *data)
{
	uint32_t family;

	/* There are programs that point to a uint8_t, which works as long as only it is read. */
	if (*(const uint8_t *)data != 0 || htons(1) != 1)
		return *(const uint8_t *)data;
	memcpy(&family, data, sizeof(family));
	return (uint8_t)family;
}

static int build_object(void *buf, size_t cap, struct request_head head, const void *data)
{
	const struct nf_conntrack *ct = (const struct nf_conntrack *)data;
	struct nlmsghdr *msg;

	/* An expectation's tuple begins in the same way. */
	if (!flow_has(&ct->flow, FLOW_ORIG_L3PROTO))
		return -EINVAL;
	head.family = ct->flow.tuple[FLOW_ORIG].l3;
	msg = request_begin(buf, cap, &head);
	return msg ? message_append(msg, cap, ct) : -EMSGSIZE;
}

static int build_family(void *buf, size_t cap, struct request_head head, const void *data)
{
	head.family = request_family(data);
	return request_begin(buf, cap, &head) ? 0 : -EMSGSIZE;
}

static int build_filter(void *buf, size_t cap, struct request_head head, const void *data)
{
	struct nlmsghdr *msg = request_begin(buf, cap, &head);

	if (!filter_dump_is(data))
		return -EINVAL;
	return msg ? filter_dump_append(msg, cap, (const struct nfct_filter_dump *)data)
		   : -EMSGSIZE;
}

static int build_flush(void *buf, size_t cap, struct request_head head, const void *data)
{
	const struct nfct_filter_dump *f = (const struct nfct_filter_dump *)data;

	head.version = 1; /* the kernel looks at a flush's family only with this */
	if (!filter_dump_is(data))
		return build_family(buf, cap, head, data);
	/* The kernel would delete the one entry of that tuple. */
	if (filter_dump_has(f, NFCT_FILTER_DUMP_TUPLE))
		return -ENOTSUP;
	return build_filter(buf, cap, head, data);
}

static int build_query(void *buf, size_t cap, enum nf_conntrack_query query, const void *data)
{
	static const struct {
		int (*build)(void *buf, size_t cap, struct request_head, const void *data);
		uint16_t flags;
		uint8_t type;
	} queries[] = {
		[NFCT_Q_CREATE] = {build_object, NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
			IPCTNL_MSG_CT_NEW},
		[NFCT_Q_UPDATE] = {build_object, NLM_F_ACK, IPCTNL_MSG_CT_NEW},
		[NFCT_Q_DESTROY] = {build_object, NLM_F_ACK, IPCTNL_MSG_CT_DELETE},
		[NFCT_Q_GET] = {build_object, NLM_F_ACK, IPCTNL_MSG_CT_GET},
		[NFCT_Q_FLUSH] = {build_family, NLM_F_ACK, IPCTNL_MSG_CT_DELETE},
		[NFCT_Q_DUMP] = {build_family, NLM_F_DUMP, IPCTNL_MSG_CT_GET},
		[NFCT_Q_DUMP_RESET] = {build_family, NLM_F_DUMP, IPCTNL_MSG_CT_GET_CTRZERO},
		[NFCT_Q_CREATE_UPDATE] = {build_object, NLM_F_ACK | NLM_F_CREATE,
			IPCTNL_MSG_CT_NEW},
		[NFCT_Q_DUMP_FILTER] = {build_filter, NLM_F_DUMP, IPCTNL_MSG_CT_GET},
		[NFCT_Q_DUMP_FILTER_RESET] = {build_filter, NLM_F_DUMP, IPCTNL_MSG_CT_GET_CTRZERO},
		[NFCT_Q_FLUSH_FILTER] = {build_flush, NLM_F_ACK, IPCTNL_MSG_CT_DELETE},
	};
	struct request_head head = {.subsys = NFNL_SUBSYS_CTNETLINK};

	if ((unsigned)query >= ARRAY_SIZE(queries))
		return -ENOTSUP;
	head.flags = queries[query].flags;
	head.type = queries[query].type;
	return queries[query].build(buf, cap, head, data);
}

/**
 * Asks the kernel and waits for the answer; what it tells of connections goes to the callback.
 *
 * data is, by the query:
 * - NFCT_Q_CREATE, _UPDATE, _DESTROY, _GET, _CREATE_UPDATE: struct nf_conntrack, with
 *   ATTR_L3PROTO.
 * - NFCT_Q_FLUSH, _DUMP, _DUMP_RESET: uint32_t, AF_INET, AF_INET6 or AF_UNSPEC for both; the
 *   kernel flushes both in any case. _RESET sets the counters of the entries to zero.
 * - NFCT_Q_DUMP_FILTER, _DUMP_FILTER_RESET: struct nfct_filter_dump.
 * - NFCT_Q_FLUSH_FILTER: struct nfct_filter_dump, without NFCT_FILTER_DUMP_TUPLE; or uint32_t, a
 *   family, of which alone the entries are flushed then. The former is known by its first bytes,
 *   which are no family's.
 *
 * Only the answer to this very query ends it: what is left of former ones, such as of a dump
 * that a callback stopped, is dropped. Events and what answers nfct_send(), if they come meanwhile,
 * go to the callback; the outcome of a sent request is kept for nfct_catch(). A callback may ask
 * queries on the same handle; other messages then wait until it has returned.
 *
 * @param h handle
 * @param query NFCT_Q_*
 * @param data see above; unchanged
 * @return 0: done (errno is 0 then), or a callback stopped; -1: see errors
 * @errors EINVAL: h or data is NULL, the object is without ATTR_L3PROTO, the filter contradicts
 * itself; ENOTSUP: an unknown query, a flush by tuple; EMSGSIZE: the object is too large for a
 * message; ENOENT: no such entry; EEXIST: there is one already; EPERM: CAP_NET_ADMIN is needed;
 * EBUSY: asked for a dump in a callback of a dump; whatever else the kernel answers, and
 * nfct_catch() returns
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_query(
	struct nfct_handle *h, const enum nf_conntrack_query query, const void *data)
{
	return request_make(h, build_query, query, data, handle_query);
}

/**
 * Asks the kernel without waiting: nfct_catch() gets the answer.
 *
 * Each sent request ends one nfct_catch(), with what nfct_query() would have returned. If a
 * query on the same handle comes between, entries that answer this go to the callback during it,
 * and the outcome is kept for nfct_catch() (of 256 at most), so that poll(2) does not see it.
 *
 * @param h handle
 * @param query NFCT_Q_*
 * @param data as of nfct_query()
 * @return the request's length [bytes], or -1
 * @errors EINVAL, ENOTSUP, EMSGSIZE as of nfct_query(); those of sendto(2)
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_send(
	struct nfct_handle *h, const enum nf_conntrack_query query, const void *data)
{
	return request_make(h, build_query, query, data, handle_send);
}

/**
 * Builds the message that nfct_query() sends; an older way.
 *
 * @param ssh any but NULL, not used
 * @param query NFCT_Q_*
 * @param data as of nfct_query()
 * @param req where to build, aligned to 4; all of it is zeroed first
 * @param size of req [bytes]
 * @return 1, or -1
 * @errors EINVAL: a pointer is NULL, or as of nfct_query(); ENOTSUP: likewise; EMSGSIZE: the
 * message does not fit
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfct_build_query(struct nfnl_subsys_handle *ssh,
	const enum nf_conntrack_query query, const void *data, void *req, unsigned int size)
{
	return request_make_in(req, size, ssh, build_query, query, data);
}
