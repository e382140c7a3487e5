/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/check.h"
#include "nfct/exp_object.h"
#include "nfct/export.h"
#include "nfct/handle.h"
#include "nlmsg/exp.h"

static int build_object(void *buf, size_t cap, struct request_head head, const void *data)
{
	const struct expect *e = &((const struct nf_expect *)data)->expect;
	struct nlmsghdr *msg;

	if (expect_has(e, EXPECT_MASTER) && flow_head_has(&e->master, FLOW_ORIG_L3PROTO))
		head.family = e->master.tuple.l3;
	else if (expect_has(e, EXPECT_EXPECTED) && flow_head_has(&e->expected, FLOW_ORIG_L3PROTO))
		head.family = e->expected.tuple.l3;
	else
		return -EINVAL;
	msg = request_begin(buf, cap, &head);
	return msg ? nlmsg_exp_append(msg, cap, e) : -EMSGSIZE;
}

static int build_family(void *buf, size_t cap, struct request_head head, const void *data)
{
	head.family = request_family(data);
	return request_begin(buf, cap, &head) ? 0 : -EMSGSIZE;
}

static int build_query(void *buf, size_t cap, enum nf_conntrack_query query, const void *data)
{
	static const struct {
		int (*build)(void *buf, size_t cap, struct request_head, const void *data);
		uint16_t flags;
		uint8_t type;
	} queries[] = {
		[NFCT_Q_CREATE] = {build_object, NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
			IPCTNL_MSG_EXP_NEW},
		[NFCT_Q_DESTROY] = {build_object, NLM_F_ACK, IPCTNL_MSG_EXP_DELETE},
		[NFCT_Q_GET] = {build_object, NLM_F_ACK, IPCTNL_MSG_EXP_GET},
		[NFCT_Q_FLUSH] = {build_family, NLM_F_ACK, IPCTNL_MSG_EXP_DELETE},
		[NFCT_Q_DUMP] = {build_family, NLM_F_DUMP, IPCTNL_MSG_EXP_GET},
		[NFCT_Q_CREATE_UPDATE] = {build_object, NLM_F_ACK | NLM_F_CREATE,
			IPCTNL_MSG_EXP_NEW},
	};
	struct request_head head = {.subsys = NFNL_SUBSYS_CTNETLINK_EXP};

	if ((unsigned)query >= ARRAY_SIZE(queries) || !queries[query].build)
		return -ENOTSUP;
	head.flags = queries[query].flags;
	head.type = queries[query].type;
	return queries[query].build(buf, cap, head, data);
}

/**
 * Asks the kernel about expectations and waits for the answer.
 *
 * data is, by the query:
 * - NFCT_Q_CREATE, _CREATE_UPDATE: struct nf_expect with master, expected tuple, mask and timeout;
 *   the master has to be there, and to have a helper unless ATTR_EXP_HELPER_NAME is set.
 * - NFCT_Q_DESTROY, _GET: struct nf_expect with the expected tuple.
 * - NFCT_Q_FLUSH, _DUMP: uint32_t, AF_INET, AF_INET6 or AF_UNSPEC for both; the kernel flushes
 *   both in any case.
 *
 * In all else as nfct_query().
 *
 * @param h handle
 * @param qt NFCT_Q_*
 * @param data see above; unchanged
 * @return 0: done (errno is 0 then), or a callback stopped; -1: see errors
 * @errors EINVAL: h or data is NULL, neither master nor expected tuple have ATTR_L3PROTO; ENOTSUP:
 * another query; EOPNOTSUPP: the master has no helper; ENOENT: no such entry or master; EEXIST:
 * there is one already; EPERM: CAP_NET_ADMIN is needed; whatever else the kernel answers, and
 * nfct_catch() returns
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_query(
	struct nfct_handle *h, const enum nf_conntrack_query qt, const void *data)
{
	return request_make(h, build_query, qt, data, handle_query);
}

/**
 * Asks the kernel about expectations without waiting: nfexp_catch() gets the answer.
 *
 * As nfct_send().
 *
 * @param h handle
 * @param qt NFCT_Q_*
 * @param data as of nfexp_query()
 * @return the request's length [bytes], or -1
 * @errors EINVAL, ENOTSUP as of nfexp_query(); those of sendto(2)
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_send(
	struct nfct_handle *h, const enum nf_conntrack_query qt, const void *data)
{
	return request_make(h, build_query, qt, data, handle_send);
}

/**
 * Builds the message that nfexp_query() sends; an older way.
 *
 * @param ssh any but NULL, not used
 * @param qt NFCT_Q_*
 * @param data as of nfexp_query()
 * @param buffer where to build, aligned to 4; all of it is zeroed first
 * @param size of buffer [bytes]
 * @return 1, or -1
 * @errors EINVAL: a pointer is NULL, or as of nfexp_query(); ENOTSUP: likewise; EMSGSIZE: the
 * message does not fit
 * @source linux/netfilter/nfnetlink_conntrack.h
 */
NFCT_EXPORT int nfexp_build_query(struct nfnl_subsys_handle *ssh, const enum nf_conntrack_query qt,
	const void *data, void *buffer, unsigned int size)
{
	return request_make_in(buffer, size, ssh, build_query, qt, data);
}
