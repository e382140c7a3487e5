/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles: requests as they are sent, callbacks and verdicts for what a kernel could answer. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "tests/interop/differ/kernel.h"

enum {
	STEPS_MAX = 12,
	CALLS_MAX = 64, /* of callbacks in a step */
	SEQ_QUERY = 0xc0000000, /* these bits are set in the numbers of our queries */
	ODD_SUBSYS = 5,
	FOREIGN_PID = 4711,
};

/* What the callbacks of a step were given. */
struct calls {
	unsigned count;
	struct {
		unsigned type;
		bool is_exp;
		uint32_t len; /* of the message, where it was given */
		struct nf_conntrack *ct;
		struct nf_expect *exp;
	} call[CALLS_MAX];
};

/* How they answer: verdict at that call, before it NFCT_CB_CONTINUE or _STOLEN. */
struct schedule {
	unsigned at;
	int verdict, err;
	bool steal;
};

static struct {
	struct calls calls[SIDES];
	struct schedule schedule;
} now;

struct episode {
	struct differ *d;
	struct nfct_handle *of[SIDES];
	uint8_t subsys;
	bool has_ct, has_exp; /* a callback */
	bool is_over; /* what the handles hold is no longer the same */
};

/* Callbacks: what they are given is kept, or a copy of it. */

static int verdict_on(struct calls *calls, bool *keep)
{
	unsigned i = calls->count;

	if (calls->count + 1 < CALLS_MAX)
		calls->count++;
	*keep = false;
	if (i == now.schedule.at) {
		errno = now.schedule.err;
		return now.schedule.verdict;
	}
	*keep = now.schedule.steal;
	return *keep ? NFCT_CB_STOLEN : NFCT_CB_CONTINUE;
}

static int on_ct(enum side s, enum nf_conntrack_msg_type type, struct nf_conntrack *ct)
{
	struct calls *calls = &now.calls[s];
	unsigned i = calls->count;
	bool keep;
	int verdict = verdict_on(calls, &keep), err = errno;

	calls->call[i].type = type;
	calls->call[i].ct = keep ? ct : api_of[s].nfct_clone(ct);
	errno = err;
	return verdict;
}

static int on_exp(enum side s, enum nf_conntrack_msg_type type, struct nf_expect *exp)
{
	struct calls *calls = &now.calls[s];
	unsigned i = calls->count;
	bool keep;
	int verdict = verdict_on(calls, &keep), err = errno;

	calls->call[i].type = type;
	calls->call[i].is_exp = true;
	calls->call[i].exp = keep ? exp : api_of[s].nfexp_clone(exp);
	errno = err;
	return verdict;
}

static int ct_cb(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	return on_ct(*(const enum side *)data, type, ct);
}

static int ct_cb2(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
	struct nf_conntrack *ct, void *data)
{
	enum side s = *(const enum side *)data;

	now.calls[s].call[now.calls[s].count].len = nlh->nlmsg_len;
	return on_ct(s, type, ct);
}

static int exp_cb(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data)
{
	return on_exp(*(const enum side *)data, type, exp);
}

static int exp_cb2(const struct nlmsghdr *nlh, enum nf_conntrack_msg_type type,
	struct nf_expect *exp, void *data)
{
	enum side s = *(const enum side *)data;

	now.calls[s].call[now.calls[s].count].len = nlh->nlmsg_len;
	return on_exp(s, type, exp);
}

static enum side side_data[SIDES] = {OURS, THEIRS};

static void calls_begin(struct differ *d, bool may_end)
{
	static const int verdicts[] = {NFCT_CB_STOP, NFCT_CB_FAILURE};
	static const int errors[] = {0, ENOENT, EINTR};

	memset(&now, 0, sizeof(now));
	now.schedule.at = may_end && one_in(d, 3) ? below(d, 4) : UINT32_MAX;
	now.schedule.verdict = verdicts[below(d, 2)];
	now.schedule.err = errors[below(d, 3)];
	now.schedule.steal = one_in(d, 2);
}

/* Forgets all calls but the first ones. */
static void calls_cut(unsigned count)
{
	BOTH (s) {
		struct calls *calls = &now.calls[s];

		for (; calls->count > count; calls->count--) {
			unsigned i = calls->count - 1;

			if (calls->call[i].ct)
				api_of[s].nfct_destroy(calls->call[i].ct);
			if (calls->call[i].exp)
				api_of[s].nfexp_destroy(calls->call[i].exp);
		}
	}
}

/* Compares the calls, and frees what they kept. */
static void calls_end(struct differ *d)
{
	const struct calls *ours = &now.calls[OURS], *theirs = &now.calls[THEIRS];
	bool same = same_int(
		d, "number of callbacks", (const long[]){(long)ours->count, (long)theirs->count});

	for (unsigned i = 0; i < ours->count && same && !d->differed; i++) {
		struct ct_pair ct = {.of = {ours->call[i].ct, theirs->call[i].ct}};
		struct exp_pair exp = {.of = {ours->call[i].exp, theirs->call[i].exp}};

		same_int(d, "type that a callback was given",
			(const long[]){ours->call[i].type, theirs->call[i].type});
		same_int(d, "message that a callback was given",
			(const long[]){ours->call[i].len, theirs->call[i].len});
		same_int(d, "kind of a callback",
			(const long[]){ours->call[i].is_exp, theirs->call[i].is_exp});
		if (d->differed)
			break;
		if (ours->call[i].is_exp)
			exp_observe(d, &exp);
		else
			ct_observe(d, &ct);
	}
	calls_cut(0);
}

/* Answers */

static void put(struct answers *a, const void *data, size_t len, bool same_datagram)
{
	struct datagram *g = a->count ? &a->datagrams[a->count - 1] : NULL;

	if (!g || g->err || !same_datagram || g->len + NLMSG_ALIGN(len) > DATAGRAM_BYTES) {
		if (a->count == DATAGRAMS_MAX)
			return;
		g = &a->datagrams[a->count++];
		memset(g, 0, sizeof(*g));
	}
	memcpy(g->bytes + g->len, data, len);
	g->len += NLMSG_ALIGN(len);
}

static void put_end(struct answers *a, uint16_t type, int err, uint32_t seq, bool same_datagram)
{
	struct {
		struct nlmsghdr nlh;
		int err;
		struct nlmsghdr of;
	} m = {.nlh = {.nlmsg_type = type, .nlmsg_seq = seq}, .err = -err};

	m.nlh.nlmsg_len = type == NLMSG_DONE ? NLMSG_LENGTH(sizeof(m.err)) : sizeof(m);
	m.nlh.nlmsg_flags = type == NLMSG_DONE ? NLM_F_MULTI : 0;
	put(a, &m, m.nlh.nlmsg_len, same_datagram);
}

/* A message of a table's entry that both libraries parse alike; false: this one was not. */
static bool put_entry(const struct episode *e, struct answers *a, uint32_t seq, bool same_datagram)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP};
	static struct message m;
	struct differ *d = e->d;
	bool is_exp = e->subsys == EXPECT || (e->subsys == 0 && one_in(d, 3));
	enum message_kind kind = is_exp ? MESSAGE_EXP : MESSAGE_CT;
	struct nlmsghdr *nlh = message_header(&m);
	struct oddities odd;

	message_random(d, &m, kind, protocols[below(d, 4)], false);
	odd = message_oddities(&m, kind);
	if (odd.malformed || odd.empty_again || odd.tuple_order ||
		(kind == MESSAGE_EXP && !exp_is_plain(&m)))
		return false;
	/* Other types are in put_odd(): the kernel sends none. */
	nlh->nlmsg_type =
		(uint16_t)((nlh->nlmsg_type & 0xff00) | below(d, IPCTNL_MSG_CT_DELETE + 1));
	nlh->nlmsg_seq = seq;
	nlh->nlmsg_flags &= (uint16_t)~NLM_F_MULTI; /* an event is of no dump */
	if (seq)
		nlh->nlmsg_flags |= one_in(d, 2) ? NLM_F_MULTI : 0;
	put(a, &m, nlh->nlmsg_len, same_datagram);
	return true;
}

/* What answers a query: entries, then how it ended. */
static void answers_random(const struct episode *e, struct answers *a, bool with_events)
{
	static const int errors[] = {ENOENT, EEXIST, EINVAL, EPERM, EBUSY, EOPNOTSUPP};
	struct differ *d = e->d;
	bool is_dump = one_in(d, 3);
	int err = one_in(d, 2) ? 0 : errors[below(d, 6)];

	a->count = 0;
	for (unsigned n = below(d, 6); n > 0; n--) {
		bool is_event = with_events && one_in(d, 4);

		put_entry(e, a, is_event ? 0 : KERNEL_SEQ_OF_REQUEST, !is_event && one_in(d, 2));
	}
	if (is_dump && err != EBUSY) /* a dump that was refused is asked for again by ours */
		put_end(a, NLMSG_DONE, err, KERNEL_SEQ_OF_REQUEST, a->count > 0 && one_in(d, 2));
	else
		put_end(a, NLMSG_ERROR, err == EBUSY ? 0 : err, KERNEL_SEQ_OF_REQUEST, false);
}

/* Requests */

static const struct {
	uint8_t query;
	bool of_object;
} queries[] = {
	{NFCT_Q_CREATE, true},
	{NFCT_Q_UPDATE, true},
	{NFCT_Q_DESTROY, true},
	{NFCT_Q_GET, true},
	{NFCT_Q_CREATE_UPDATE, true},
	{NFCT_Q_FLUSH, false},
	{NFCT_Q_DUMP, false},
	{NFCT_Q_DUMP_RESET, false},
	{NFCT_Q_FLUSH_FILTER, false},
	{77, false},
};

/* A request that is asked of both, and what it is about. */
struct request {
	uint8_t query;
	bool is_exp, of_object, sent_only;
	uint32_t family;
	struct ct_pair ct;
	struct exp_pair exp;
};

static void request_random(struct episode *e, struct request *r)
{
	struct differ *d = e->d;
	unsigned i = below(d, sizeof(queries) / sizeof(queries[0]));
	uint8_t l3 = one_in(d, 3) ? AF_INET6 : AF_INET;
	bool l3_missing = one_in(d, 8);

	*r = (struct request){.query = queries[i].query, .of_object = queries[i].of_object};
	r->is_exp = e->subsys == EXPECT || (e->subsys == 0 && one_in(d, 3));
	r->family = one_in(d, 4) ? below(d, 256) : l3;
	ct_new(d, &r->ct);
	ct_set_tuple(d, &r->ct, l3, IPPROTO_TCP);
	BOTH (s) {
		struct api *api = &api_of[s];

		api->nfct_setobjopt(r->ct.of[s], NFCT_SOPT_SETUP_REPLY);
		api->nfct_set_attr_u32(r->ct.of[s], ATTR_TIMEOUT, r->family);
		if (l3_missing)
			api->nfct_attr_unset(r->ct.of[s], ATTR_L3PROTO);
		if (!r->is_exp)
			continue;
		r->exp.of[s] = api->nfexp_new();
		api->nfexp_set_attr(r->exp.of[s], ATTR_EXP_MASTER, r->ct.of[s]);
		api->nfexp_set_attr(r->exp.of[s], ATTR_EXP_EXPECTED, r->ct.of[s]);
		api->nfexp_set_attr(r->exp.of[s], ATTR_EXP_MASK, r->ct.of[s]);
		api->nfexp_set_attr_u32(r->exp.of[s], ATTR_EXP_TIMEOUT, r->family);
	}
}

static void request_fini(struct request *r)
{
	ct_destroy(&r->ct);
	exp_destroy(&r->exp);
}

static long request_run(struct episode *e, const struct request *r, enum side s)
{
	struct api *api = &api_of[s];
	const void *data = !r->of_object ? (const void *)&r->family
			   : r->is_exp	 ? (const void *)r->exp.of[s]
					 : (const void *)r->ct.of[s];

	if (r->sent_only)
		return r->is_exp ? api->nfexp_send(e->of[s], r->query, data)
				 : api->nfct_send(e->of[s], r->query, data);
	return r->is_exp ? api->nfexp_query(e->of[s], r->query, data)
			 : api->nfct_query(e->of[s], r->query, data);
}

/* Whether the request cannot be built: ours refuses it, theirs sends it without any bytes. */
static bool is_sent_empty(struct differ *d, const long got[SIDES])
{
	static struct message m[SIDES];

	if (got[OURS] != -1 || errno_of[OURS] != EINVAL || kernel_requests(OURS, &m[OURS]) != 0 ||
		kernel_requests(THEIRS, &m[THEIRS]) != 1 ||
		message_header(&m[THEIRS])->nlmsg_len != 0)
		return false;
	differ_except(d, EX_QUERY_EMPTY);
	return true;
}

static void same_requests(struct differ *d, const struct request *r)
{
	static struct message m[SIDES];
	long count[SIDES];
	uint32_t seq;

	for (unsigned s = 0; s < SIDES; s++)
		count[s] = kernel_requests(s, &m[s]);
	if (!same_int(d, "number of requests", count) || !count[OURS])
		return;
	seq = message_header(&m[OURS])->nlmsg_seq;
	if (seq != message_header(&m[THEIRS])->nlmsg_seq && !r->sent_only &&
		(seq & SEQ_QUERY) == SEQ_QUERY) {
		if (!d->same_library) /* ours: each handle begins elsewhere */
			differ_except(d, EX_QUERY_SEQ);
		message_header(&m[OURS])->nlmsg_seq = message_header(&m[THEIRS])->nlmsg_seq;
	}
	if (!d->same_library && message_zero_padding(&m[THEIRS]))
		differ_except(d, EX_PADDING);
	same_bytes(d, "bytes of a request", (const void *const[]){m[OURS].bytes, m[THEIRS].bytes},
		(const size_t[]){message_header(&m[OURS])->nlmsg_len,
			message_header(&m[THEIRS])->nlmsg_len});
}

/* A query that finds the rest of a former one: theirs takes that for its own answer. */
static void ask_after_stop(struct episode *e)
{
	static struct answers a;
	struct differ *d = e->d;
	struct request r = {.query = NFCT_Q_GET, .of_object = true};
	long got[SIDES];

	differ_step(d, "a query after one that a callback stopped");
	ct_new(d, &r.ct);
	ct_set_tuple(d, &r.ct, AF_INET, IPPROTO_TCP);
	a.count = 0;
	put_end(&a, NLMSG_ERROR, ENOENT, KERNEL_SEQ_OF_REQUEST, false);
	calls_begin(d, false);
	BOTH (s) {
		kernel_tell(s, &a);
		got[s] = request_run(e, &r, s);
	}
	if (now.calls[OURS].count > 0 || got[OURS] != -1 || errno_of[OURS] != ENOENT)
		differ_report(d, "query after a stopped one", "%u callbacks, %ld, errno %d",
			now.calls[OURS].count, got[OURS], errno_of[OURS]);
	else if (now.calls[THEIRS].count > 0 || got[THEIRS] != -1 || errno_of[THEIRS] != ENOENT)
		differ_except(d, EX_STALE_ANSWER);
	calls_cut(0);
	request_fini(&r);
	e->is_over = true;
}

static void step_query(struct episode *e)
{
	static struct answers a;
	static struct message last;
	struct differ *d = e->d;
	struct request r;
	long got[SIDES];

	request_random(e, &r);
	calls_begin(d, true);
	answers_random(e, &a, now.schedule.at == UINT32_MAX);
	differ_step(d, "%s query %u, %u datagrams", r.is_exp ? "expectation" : "connection",
		r.query, a.count);
	BOTH (s) {
		kernel_tell(s, &a);
		got[s] = request_run(e, &r, s);
	}
	if (!is_sent_empty(d, got)) {
		same_failure(d, "nfct_query", got);
		if (got[OURS] == 0 && errno_of[OURS] != errno_of[THEIRS])
			differ_report(d, "errno of nfct_query that has succeeded", "%d and %d",
				errno_of[OURS], errno_of[THEIRS]);
		same_requests(d, &r);
		calls_end(d);
	} else {
		e->is_over = true; /* what theirs was told is not the same */
		calls_cut(0);
	}
	request_fini(&r);
	if (e->is_over || d->differed || !kernel_has_more(THEIRS))
		return;
	if (kernel_requests(OURS, &last) == 0) {
		/* Refused before it was sent: nobody answers it. */
		kernel_forget(OURS);
		kernel_forget(THEIRS);
		return;
	}
	/* Stopped: ours has to ignore the rest, theirs does not see it or takes it. */
	if (one_in(d, 3) && !d->same_library && e->subsys != EXPECT)
		ask_after_stop(e);
	else
		kernel_forget(THEIRS);
	if (d->same_library)
		kernel_forget(OURS);
}

/* A request that is only sent; catching ends with its acknowledgement. */
static void step_send(struct episode *e)
{
	static const int errors[] = {0, 0, ENOENT, EEXIST};
	static struct answers a;
	struct differ *d = e->d;
	struct request r;
	int err = errors[below(d, 4)];
	long got[SIDES];

	request_random(e, &r);
	r.sent_only = true;
	differ_step(d, "send request %u, answered by %d", r.query, err);
	BOTH (s) {
		kernel_forget(s);
		kernel_tell(s, &(struct answers){0});
		got[s] = request_run(e, &r, s);
	}
	if (is_sent_empty(d, got)) {
		request_fini(&r);
		return;
	}
	same_failure(d, "nfct_send", got);
	same_requests(d, &r);
	if (got[OURS] > 0 && !d->differed) {
		a.count = 0;
		for (unsigned n = below(d, 3); n > 0; n--)
			put_entry(e, &a, 0, false);
		put_end(&a, NLMSG_ERROR, err, 0, false);
		calls_begin(d, false);
		BOTH (s) {
			kernel_tell(s, &a);
			got[s] = r.is_exp ? api_of[s].nfexp_catch(e->of[s])
					  : api_of[s].nfct_catch(e->of[s]);
		}
		same_failure(d, "nfct_catch of an acknowledgement", got);
		calls_end(d);
	}
	request_fini(&r);
}

/* One of what a socket can give besides entries. */
static void put_odd(struct differ *d, struct answers *a)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} m = {.nlh = {.nlmsg_len = sizeof(m), .nlmsg_type = CONNTRACK << 8}};
	struct datagram *g;

	switch (below(d, 5)) {
	case 0:
		put(a, &m, sizeof(m), false);
		g = &a->datagrams[a->count - 1];
		g->err = one_in(d, 2) ? ENOBUFS : EINTR;
		break;
	case 1:
		m.nlh.nlmsg_len = sizeof(m.nlh); /* no family */
		put(a, &m, sizeof(m.nlh), false);
		break;
	case 2:
		m.nlh.nlmsg_type = ODD_SUBSYS << 8;
		put(a, &m, sizeof(m), false);
		break;
	case 3:
		m.nlh.nlmsg_type |= IPCTNL_MSG_MAX + 1;
		put(a, &m, sizeof(m), false);
		break;
	default:
		m.nlh.nlmsg_type = NLMSG_ERROR; /* cut */
		m.nlh.nlmsg_len = sizeof(m.nlh) + 2;
		put(a, &m, m.nlh.nlmsg_len, false);
		break;
	}
}

/* Events until there are none, as programs catch them that poll. */
static void step_catch(struct episode *e)
{
	static struct answers a;
	struct differ *d = e->d;
	bool odd = one_in(d, 3), stopped;
	long got[SIDES];

	calls_begin(d, true);
	a.count = 0;
	for (unsigned n = below(d, 8); n > 0; n--) {
		if (odd && one_in(d, 4))
			put_odd(d, &a);
		put_entry(e, &a, 0, !odd && now.schedule.at == UINT32_MAX && one_in(d, 2));
	}
	BOTH (s)
		kernel_tell(s, &a);
	/* After a verdict or an error what is left is for the next call. */
	for (unsigned i = 0; i <= DATAGRAMS_MAX && !d->differed; i++) {
		differ_step(d, "catch of %u datagrams, call %u", a.count, i);
		BOTH (s)
			got[s] = e->subsys == EXPECT ? api_of[s].nfexp_catch(e->of[s])
						     : api_of[s].nfct_catch(e->of[s]);
		if (odd && got[THEIRS] == -1 && errno_of[THEIRS] == ENOENT &&
			(got[OURS] != -1 || errno_of[OURS] != ENOENT)) {
			differ_except(d, EX_ODD_TYPE);
			BOTH (s)
				kernel_forget(s);
			e->is_over = true;
			calls_cut(now.calls[THEIRS].count);
			break;
		}
		same_failure(d, "nfct_catch", got);
		stopped = got[OURS] == 0 || errno_of[OURS] != EAGAIN;
		if (!stopped)
			break;
	}
	calls_end(d);
}

/* The rest of a datagram behind a callback that stops: theirs loses it. */
static void step_rest(struct episode *e)
{
	static struct answers a;
	struct differ *d = e->d;
	long first[SIDES], more[SIDES];

	if (!e->has_ct || d->same_library)
		return;
	a.count = 0;
	while (a.count < 1 || a.datagrams[0].len < 400)
		put_entry(e, &a, 0, true);
	calls_begin(d, false);
	now.schedule.at = 0;
	now.schedule.verdict = NFCT_CB_STOP;
	differ_step(d, "catch a datagram and stop in it");
	BOTH (s) {
		kernel_tell(s, &a);
		api_of[s].nfct_catch(e->of[s]);
		first[s] = now.calls[s].count;
		api_of[s].nfct_catch(e->of[s]);
		more[s] = now.calls[s].count - first[s];
	}
	same_int(d, "number of callbacks before a stop", first);
	if (more[THEIRS] == 0 && more[OURS] > 0)
		differ_except(d, EX_REST_OF_DATAGRAM);
	else
		same_int(d, "number of callbacks after a stop", more);
	calls_cut((unsigned)first[OURS]);
	calls_end(d);
	e->is_over = true;
}

/* Another process's datagram: an error in theirs, nothing in ours. */
static void step_foreign(struct episode *e)
{
	static struct answers a;
	struct differ *d = e->d;
	long got[SIDES];

	a.count = 0;
	put_end(&a, NLMSG_ERROR, 0, 0, false);
	a.datagrams[0].pid = FOREIGN_PID;
	differ_step(d, "a datagram of another process");
	calls_begin(d, false);
	BOTH (s) {
		kernel_tell(s, &a);
		got[s] = api_of[s].nfct_catch(e->of[s]);
	}
	if (got[OURS] == -1 && errno_of[OURS] == EAGAIN && got[THEIRS] == -1 &&
		errno_of[THEIRS] == ENOMSG)
		differ_except(d, EX_FOREIGN_SENDER);
	else
		same_failure(d, "nfct_catch of another process's datagram", got);
	calls_end(d);
}

/* One of the two kinds of callbacks for each subsystem, and for some types of messages alone. */
static void step_register(struct episode *e)
{
	struct differ *d = e->d;
	unsigned types = one_in(d, 2) ? NFCT_T_ALL : below(d, 8), how = below(d, 5);
	long got[SIDES] = {0};

	differ_step(d, "callbacks %u of types %u", how, types);
	BOTH (s) {
		struct api *api = &api_of[s];
		struct nfct_handle *h = e->of[s];

		if (e->subsys != EXPECT) {
			api->nfct_callback_unregister(h);
			api->nfct_callback_unregister2(h);
			if (how < 2)
				got[s] +=
					api->nfct_callback_register(h, types, ct_cb, &side_data[s]);
			else if (how < 4)
				got[s] += api->nfct_callback_register2(
					h, types, ct_cb2, &side_data[s]);
		}
		if (e->subsys != CONNTRACK) {
			api->nfexp_callback_unregister(h);
			api->nfexp_callback_unregister2(h);
			if (how % 2 == 0)
				got[s] += api->nfexp_callback_register(
					h, types, exp_cb, &side_data[s]);
			else
				got[s] += api->nfexp_callback_register2(
					h, types, exp_cb2, &side_data[s]);
		}
	}
	e->has_ct = e->subsys != EXPECT && how < 4 && types == NFCT_T_ALL;
	same_int(d, "nfct_callback_register", got);
}

/* What a handle is in libnfnetlink's terms. */
static void step_handle(struct episode *e)
{
	long fd[SIDES], portid[SIDES];

	differ_step(e->d, "the handle of libnfnetlink");
	BOTH (s) {
		union {
			const struct nfnl_handle *got;
			struct nfnl_handle *nfnlh;
		} h = {api_of[s].nfct_nfnlh(e->of[s])};

		fd[s] = nfnl_fd(h.nfnlh) == api_of[s].nfct_fd(e->of[s]);
		portid[s] = nfnl_portid(h.nfnlh) != 0;
	}
	same_int(e->d, "nfct_fd", fd);
	same_int(e->d, "nfnl_portid", portid);
}

static bool open_both(struct episode *e)
{
	static const uint8_t all[] = {0, CONNTRACK, EXPECT};
	struct differ *d = e->d;
	bool on_given = one_in(d, 3);
	long got[SIDES];

	e->subsys = all[below(d, 3)];
	differ_step(d, "open subsystem %u", e->subsys);
	BOTH (s) {
		if (on_given)
			e->of[s] = api_of[s].nfct_open_nfnl(nfnl_open(), e->subsys, 0);
		else
			e->of[s] = api_of[s].nfct_open(e->subsys, 0);
		got[s] = e->of[s] ? 0 : -1;
	}
	if (!same_failure(d, "nfct_open", got) || !e->of[OURS])
		return false;
	BOTH (s)
		kernel_take(s, api_of[s].nfct_fd(e->of[s]));
	return true;
}

void episode_handle(struct differ *d)
{
	static void (*const steps[])(struct episode *) = {step_query, step_query, step_query,
		step_query, step_send, step_catch, step_catch, step_rest, step_foreign,
		step_register, step_handle};
	struct episode e = {.d = d};
	long got[SIDES];

	if (!open_both(&e))
		return;
	step_register(&e);
	for (unsigned n = below(d, STEPS_MAX); n > 0 && !d->differed && !e.is_over; n--)
		steps[below(d, sizeof(steps) / sizeof(steps[0]))](&e);
	BOTH (s) {
		kernel_take(s, -1);
		got[s] = api_of[s].nfct_close(e.of[s]);
	}
	same_int(d, "nfct_close", got);
}
