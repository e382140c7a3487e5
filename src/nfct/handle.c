/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nfct/handle.h"

#include <errno.h>
#include <stdlib.h>

#include "nfct/export.h"

static bool subsys_open(struct nfct_handle *h, uint8_t subsys_id, unsigned subscriptions)
{
	if (subsys_id == 0 || subsys_id == CONNTRACK) {
		h->ct_subsys = nfnl_subsys_open(
			h->nfnlh, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_MAX, subscriptions);
		if (!h->ct_subsys)
			return false;
	}
	if (subsys_id == 0 || subsys_id == EXPECT) {
		h->exp_subsys = nfnl_subsys_open(
			h->nfnlh, NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_MAX, subscriptions);
		if (!h->exp_subsys)
			return false;
	}
	return true;
}

static void subsys_close(struct nfct_handle *h)
{
	if (h->exp_subsys)
		nfnl_subsys_close(h->exp_subsys);
	if (h->ct_subsys)
		nfnl_subsys_close(h->ct_subsys);
}

/**
 * Makes a handle over a handle of libnfnetlink that the program has.
 *
 * Several subsystems, also those of other libraries, can share one socket in that way. From then
 * on nfct_close() closes nfnlh; as long as this function fails it is the caller's.
 *
 * @param nfnlh of nfnl_open()
 * @param subsys_id CONNTRACK, EXPECT or 0 for both; any other opens none of them
 * @param subscriptions what events to get: NF_NETLINK_CONNTRACK_* or-ed, 0 for none
 * @return the handle, to be closed by nfct_close(), or NULL
 * @errors EINVAL: nfnlh is NULL; EBUSY: the subsystem is open in nfnlh already; EPERM: events need
 * CAP_NET_ADMIN; ENOMEM
 * @source bind(2) of netlink(7), groups of linux/netfilter/nfnetlink_compat.h
 */
NFCT_EXPORT struct nfct_handle *nfct_open_nfnl(
	struct nfnl_handle *nfnlh, uint8_t subsys_id, unsigned int subscriptions)
{
	struct nfct_handle *h;
	int err;

	if (!nfnlh) {
		errno = EINVAL;
		return NULL;
	}
	h = (struct nfct_handle *)calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->nfnlh = nfnlh;
	/* Two handles over one socket must not take each other's answers for their own. */
	h->seq = (uint32_t)((uintptr_t)h >> 4) * UINT32_C(2654435761);
	if (!subsys_open(h, subsys_id, subscriptions)) {
		err = errno;
		subsys_close(h);
		free(h);
		errno = err;
		return NULL;
	}
	return h;
}

/**
 * Opens a netlink socket to the kernel's connection tracking.
 *
 * The socket is blocking; nfct_fd() gives it for poll(2), fcntl(2) and socket options. Queries go
 * without any privilege up to the kernel, which then refuses them with EPERM.
 *
 * @param subsys_id CONNTRACK, EXPECT or 0 for both; any other opens none of them
 * @param subscriptions what events to get: NF_NETLINK_CONNTRACK_* or-ed, 0 for none
 * @return the handle, to be closed by nfct_close(), or NULL
 * @errors EPERM: events need CAP_NET_ADMIN; EMFILE, ENFILE, ENOMEM, EPROTONOSUPPORT: as of
 * socket(2)
 * @source netlink(7), groups of linux/netfilter/nfnetlink_compat.h
 */
NFCT_EXPORT struct nfct_handle *nfct_open(uint8_t subsys_id, unsigned int subscriptions)
{
	struct nfnl_handle *nfnlh = nfnl_open();
	struct nfct_handle *h;
	int err;

	if (!nfnlh)
		return NULL;
	h = nfct_open_nfnl(nfnlh, subsys_id, subscriptions);
	if (!h) {
		err = errno;
		nfnl_close(nfnlh);
		errno = err;
	}
	return h;
}

/**
 * Closes a handle, its socket and its handle of libnfnetlink.
 *
 * Not to be called in a callback of the same handle.
 *
 * @param cth of nfct_open() or nfct_open_nfnl(), invalid afterwards
 * @return 0 or -1
 * @errors EINVAL: cth is NULL; those of close(2)
 * @source close(2)
 */
NFCT_EXPORT int nfct_close(struct nfct_handle *cth)
{
	int ret;

	if (!cth) {
		errno = EINVAL;
		return -1;
	}
	subsys_close(cth);
	handle_receive_fini(cth);
	ret = nfnl_close(cth->nfnlh);
	free(cth);
	return ret;
}

/**
 * The socket of a handle.
 *
 * After a callback that returned NFCT_CB_STOP or NFCT_CB_FAILURE, messages that came together with
 * the last one may wait in the handle, where poll(2) does not see them; the next call handles them.
 *
 * @param cth handle
 * @return the descriptor, which the handle goes on owning, or -1
 * @errors EINVAL: cth is NULL
 * @source netlink(7)
 */
NFCT_EXPORT int nfct_fd(struct nfct_handle *cth)
{
	if (!cth) {
		errno = EINVAL;
		return -1;
	}
	return nfnl_fd(cth->nfnlh);
}

/**
 * The handle of libnfnetlink under a handle.
 *
 * For nfnl_rcvbufsiz(), nfnl_portid() and whatever else that library offers; nfnl_catch() and
 * nfnl_handle_packet() reach the callbacks that are registered here.
 *
 * @param cth handle
 * @return what nfct_close() closes; not to be closed otherwise; or NULL
 * @errors EINVAL: cth is NULL
 * @source libnfnetlink/libnfnetlink.h
 */
NFCT_EXPORT const struct nfnl_handle *nfct_nfnlh(struct nfct_handle *cth)
{
	if (!cth) {
		errno = EINVAL;
		return NULL;
	}
	return cth->nfnlh;
}
