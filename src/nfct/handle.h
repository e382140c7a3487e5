/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_NFCT_HANDLE_H
#define CTSYNC_NFCT_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

/*
 * A handle and how it tells messages apart.
 *
 * nfct_query() gives each request a sequence number of its own from a range that nothing else
 * uses, so that what answers no query under way is known for a rest that nobody waits for (the
 * callback stopped, an error came between), and dropped. What nfct_send() sends has the sequence
 * number 0, as the kernel's events have: libnfnetlink's functions, which a program may use on the
 * same handle, refuse any other. So an acknowledgement with it ends an nfct_catch(), and never a
 * query.
 */
enum {
	HANDLE_RECEIVE_BYTES = 32768, /* the kernel makes no piece of a dump larger than this */
	HANDLE_KEPT_MAX = 256, /* more than a receive buffer of the default size holds */
};

#define HANDLE_SEQ_QUERY UINT32_C(0xc0000000) /* these bits are set in a query's numbers */

/* A query that waits for its answer; on the stack of who asked. */
struct exchange {
	struct exchange *outer; /* the query during which a callback asked this one */
	uint32_t seq;
	int err; /* once ended: 0 or an errno */
	bool is_inner; /* asked by a callback: handles its own answers alone */
	bool is_ended;
	bool is_dump;
	bool is_refused; /* another dump of the socket is not read to its end yet */
	bool is_again; /* that one has ended: ask again */
};

struct receive_buf {
	struct receive_buf *next;
	size_t cap; /* HANDLE_RECEIVE_BYTES, or less for what was put off [bytes] */
	size_t at, len; /* what is not handled yet, [bytes] from its begin */
	_Alignas(NLMSG_ALIGNTO) uint8_t bytes[];
};

struct ct_callback {
	int (*call)(enum nf_conntrack_msg_type, struct nf_conntrack *, void *);
	int (*call2)(
		const struct nlmsghdr *, enum nf_conntrack_msg_type, struct nf_conntrack *, void *);
	void *data;
	unsigned types; /* NFCT_T_* */
};

struct exp_callback {
	int (*call)(enum nf_conntrack_msg_type, struct nf_expect *, void *);
	int (*call2)(
		const struct nlmsghdr *, enum nf_conntrack_msg_type, struct nf_expect *, void *);
	void *data;
	unsigned types;
};

struct nfct_handle {
	struct nfnl_handle *nfnlh;
	struct nfnl_subsys_handle *ct_subsys, *exp_subsys; /* NULL: not opened */
	struct ct_callback ct_callback, ct_callback2; /* of the two kinds, the first one wins */
	struct exp_callback exp_callback, exp_callback2;

	uint32_t seq; /* of the last query */
	struct exchange *exchange; /* the innermost one, or NULL */
	bool is_sent_stopped; /* a callback stopped the dump that nfct_send() asked for */

	struct receive_buf *unread; /* received and not handled yet, oldest first */
	struct receive_buf *spare; /* one that receiving needs next */
	unsigned depth; /* of receiving in callbacks of receiving */

	/* verdicts of sent requests that came during a query; nfct_catch() gives them, oldest first
	 */
	int kept[HANDLE_KEPT_MAX]; /* 0 or an errno */
	unsigned kept_first, kept_count;
};

/* Calls the callback that wants the message; its verdict, or NFCT_CB_CONTINUE. */
int handle_deliver(struct nfct_handle *, const struct nlmsghdr *);

/* Sends a request and receives until its answer; 0, or -1 and errno. */
int handle_query(struct nfct_handle *, struct nlmsghdr *request);

/* Sends a request; bytes, or -1 and errno. */
int handle_send(struct nfct_handle *, struct nlmsghdr *request);

/* Frees what receiving has allocated. */
void handle_receive_fini(struct nfct_handle *);

/*
 * Requests. A build function writes one, headers and all, into cap bytes; 0 or a negative errno,
 * -EMSGSIZE if it does not fit.
 */
typedef int request_build(void *buf, size_t cap, enum nf_conntrack_query query, const void *data);
typedef int request_run(struct nfct_handle *, struct nlmsghdr *request);

/* Builds a request of any size and gives it to run; what that returns, or -1 and errno. */
int request_make(struct nfct_handle *, request_build *, enum nf_conntrack_query query,
	const void *data, request_run *);

/* The same in the caller's buffer, for the nf*_build_query(); 1, or -1 and errno. */
int request_make_in(void *buf, size_t cap, const struct nfnl_subsys_handle *, request_build *,
	enum nf_conntrack_query query, const void *data);

struct request_head {
	uint16_t flags; /* NLM_F_*, without NLM_F_REQUEST */
	uint8_t subsys, type;
	uint8_t family, version; /* of struct nfgenmsg */
};

/* Begins a request with its headers; NULL if they do not fit. */
struct nlmsghdr *request_begin(void *buf, size_t cap, const struct request_head *);

/* The family that FLUSH and DUMP are given. */
uint8_t request_family(const void *data);

#endif
