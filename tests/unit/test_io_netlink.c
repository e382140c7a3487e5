/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/nldump.h"
#include "io/iface.h"
#include "io/nlbatch.h"
#include "io/nlsock.h"
#include "unit.h"

/* ---- messages ---- */

struct seen {
	unsigned count;
	size_t bytes;
};

static void see(void *ctx, const struct nlmsghdr *nlh, size_t len)
{
	struct seen *s = ctx;

	(void)nlh;
	s->count++;
	s->bytes += len;
}

static size_t put(uint8_t *at, uint16_t type, uint16_t flags, uint32_t seq, const void *payload,
	size_t payload_len)
{
	struct nlmsghdr h = {.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + payload_len),
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = seq};

	memcpy(at, &h, sizeof(h));
	memcpy(at + NLMSG_HDRLEN, payload, payload_len);
	memset(at + h.nlmsg_len, 0, NLMSG_ALIGN(h.nlmsg_len) - h.nlmsg_len);
	return NLMSG_ALIGN(h.nlmsg_len);
}

static void messages_are_walked_within_their_bytes(void)
{
	uint8_t buf[256] __attribute__((aligned(4)));
	struct seen s = {0};
	unsigned count = 0;
	size_t len;

	len = put(buf, 16, 0, 1, "abcde", 5);
	len += put(buf + len, 16, 0, 2, "xy", 2);
	CU_ASSERT_TRUE(nlsock_each_message(buf, len, see, &s, &count));
	CU_ASSERT_EQUAL(s.count, 2);
	CU_ASSERT_EQUAL(s.bytes, NLMSG_HDRLEN * 2 + 7);
	/* The last one's padding may be missing, but none of its bytes. */
	CU_ASSERT_TRUE(nlsock_each_message(buf, len - 2, see, &s, &count));
	CU_ASSERT_FALSE(nlsock_each_message(buf, len - 3, see, &s, &count));
	CU_ASSERT_EQUAL(s.count, 5);
	CU_ASSERT_EQUAL(count, 5);
	CU_ASSERT_TRUE(nlsock_each_message(buf, 0, see, &s, &count));
}

static void lying_lengths_end_the_walk(void)
{
	static const uint32_t lengths[] = {0, 15, 25, 0x7fffffff, 0xffffffff};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		/* On the heap and of this very size, so that the sanitizer sees a step outside. */
		uint8_t *buf = malloc(24);
		struct seen s = {0};
		unsigned count = 0;

		put(buf, 16, 0, 1, "12345678", 8);
		memcpy(buf, &lengths[i], sizeof(lengths[i]));
		CU_ASSERT_FALSE(nlsock_each_message(buf, 24, see, &s, &count));
		CU_ASSERT_EQUAL(s.count, 0);
		free(buf);
	}
}

/* ---- a kernel of our own at the other end of a socket pair ---- */

enum { OPS_MAX = 128 };

struct fake {
	struct nlbatch batch;
	int kernel;
	unsigned results;
	int err[OPS_MAX]; /* -1: none yet, -2: two */
};

static void on_result(void *ctx, uint64_t op_id, int err)
{
	struct fake *f = ctx;

	CU_ASSERT_TRUE_FATAL(op_id < OPS_MAX);
	f->err[op_id] = f->err[op_id] == -1 ? err : -2;
	f->results++;
}

/* Replaces the socket's descriptor by one whose other end we hold. */
static int take_over(struct nlsock *s)
{
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	CU_ASSERT_TRUE_FATAL(dup2(fds[0], s->fd) == s->fd);
	close(fds[0]);
	return fds[1];
}

static void fake_init(struct fake *f, unsigned messages_max)
{
	CU_ASSERT_EQUAL_FATAL(nlbatch_init(&f->batch, messages_max), 0);
	f->kernel = take_over(&f->batch.sock);
	f->results = 0;
	for (int i = 0; i < OPS_MAX; i++)
		f->err[i] = -1;
}

static void fake_fini(struct fake *f)
{
	close(f->kernel);
	nlbatch_fini(&f->batch);
}

static void add(struct fake *f, uint64_t op_id)
{
	size_t cap, len;
	uint8_t *at = nlbatch_room(&f->batch, &cap);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_TRUE(cap >= NLBATCH_MESSAGE_BYTES);
	/* Every second one asks for an acknowledgement, which the batch knows better. */
	len = put(at, 256, NLM_F_REQUEST | (op_id & 1 ? NLM_F_ACK : 0), 77, "payload", 7);
	CU_ASSERT_EQUAL(nlbatch_add(&f->batch, len, op_id), 0);
}

static void answer(struct fake *f, uint32_t seq, int32_t err)
{
	struct nlmsgerr e = {.error = -err, .msg = {.nlmsg_seq = seq}};
	uint8_t buf[64];
	size_t len = put(buf, NLMSG_ERROR, 0, seq, &e, sizeof(e));

	CU_ASSERT_EQUAL(send(f->kernel, buf, len, 0), (ssize_t)len);
}

/* What was sent: count and first sequence number; only the last one asks for an answer. */
static unsigned read_requests(struct fake *f, uint32_t *first_seq)
{
	static uint8_t buf[NLBATCH_MESSAGES_MAX * NLBATCH_MESSAGE_BYTES]
		__attribute__((aligned(4)));
	ssize_t len = recv(f->kernel, buf, sizeof(buf), 0);
	size_t at = 0;
	unsigned n = 0;

	CU_ASSERT_TRUE_FATAL(len > 0);
	while (at < (size_t)len) {
		struct nlmsghdr h;

		memcpy(&h, buf + at, sizeof(h));
		if (n == 0)
			*first_seq = h.nlmsg_seq;
		CU_ASSERT_EQUAL(h.nlmsg_seq, *first_seq + n);
		at += NLMSG_ALIGN(h.nlmsg_len);
		CU_ASSERT_EQUAL(!!(h.nlmsg_flags & NLM_F_ACK), at == (size_t)len);
		n++;
	}
	return n;
}

static void silence_means_success_when_the_last_is_acknowledged(void)
{
	struct fake f;
	uint32_t seq = 0;

	fake_init(&f, 16);
	for (unsigned i = 0; i < 16; i++)
		add(&f, i);
	CU_ASSERT_TRUE(nlbatch_is_full(&f.batch));
	CU_ASSERT_EQUAL(nlbatch_send(&f.batch), 0);
	CU_ASSERT_EQUAL(read_requests(&f, &seq), 16);
	answer(&f, seq + 3, EEXIST);
	answer(&f, seq + 9, EBUSY);
	answer(&f, seq + 15, 0);
	CU_ASSERT_EQUAL(nlbatch_receive(&f.batch, on_result, &f), 16);
	for (int i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(f.err[i], i == 3 ? EEXIST : i == 9 ? EBUSY : 0);
	CU_ASSERT_EQUAL(f.batch.acked, 14);
	CU_ASSERT_EQUAL(f.batch.failed, 2);
	CU_ASSERT_TRUE(nlbatch_is_empty(&f.batch));
	fake_fini(&f);
}

static void a_failing_last_one_closes_the_batch_too(void)
{
	struct fake f;
	uint32_t seq = 0;

	fake_init(&f, 64);
	for (int round = 0; round < 2; round++) { /* numbers go on from batch to batch */
		for (unsigned i = 0; i < 5; i++)
			add(&f, (unsigned)round * 5 + i);
		CU_ASSERT_EQUAL(nlbatch_send(&f.batch), 0);
		CU_ASSERT_PTR_NULL(nlbatch_room(&f.batch, &(size_t){0}));
		CU_ASSERT_EQUAL(read_requests(&f, &seq), 5);
		answer(&f, seq + 4, EOPNOTSUPP);
		CU_ASSERT_EQUAL(nlbatch_receive(&f.batch, on_result, &f), 5);
		for (int i = 0; i < 5; i++)
			CU_ASSERT_EQUAL(f.err[round * 5 + i], i == 4 ? EOPNOTSUPP : 0);
	}
	fake_fini(&f);
}

static void odd_answers_settle_nothing(void)
{
	struct fake f;
	uint8_t buf[64];
	uint32_t seq = 0;

	fake_init(&f, 8);
	for (unsigned i = 0; i < 3; i++)
		add(&f, i);
	CU_ASSERT_EQUAL(nlbatch_send(&f.batch), 0);
	CU_ASSERT_EQUAL(read_requests(&f, &seq), 3);
	answer(&f, seq - 1, EEXIST); /* of no request */
	answer(&f, seq + 3, 0);
	answer(&f, seq + 1, -5); /* an error that is positive on the wire */
	answer(&f, seq, ENOSPC);
	answer(&f, seq, 0); /* a second one for the same */
	/* cut within its error code */
	CU_ASSERT_TRUE(send(f.kernel, buf, put(buf, NLMSG_ERROR, 0, seq + 2, "\0\0", 2), 0) > 0);
	answer(&f, seq + 2, 0);
	CU_ASSERT_EQUAL(nlbatch_receive(&f.batch, on_result, &f), 3);
	CU_ASSERT_EQUAL(f.err[0], ENOSPC);
	CU_ASSERT_EQUAL(f.err[1], 0);
	CU_ASSERT_EQUAL(f.err[2], 0);
	CU_ASSERT_EQUAL(f.batch.strays, 4);
	fake_fini(&f);
}

static void without_the_last_answer_no_success_is_assumed(void)
{
	struct fake f;
	uint32_t seq = 0;

	fake_init(&f, 8);
	for (unsigned i = 0; i < 4; i++)
		add(&f, i);
	CU_ASSERT_EQUAL(nlbatch_send(&f.batch), 0);
	CU_ASSERT_EQUAL(read_requests(&f, &seq), 4);
	answer(&f, seq + 1, EEXIST);
	CU_ASSERT_EQUAL(nlbatch_receive(&f.batch, on_result, &f), 4);
	CU_ASSERT_EQUAL(f.err[0], EIO);
	CU_ASSERT_EQUAL(f.err[1], EEXIST);
	CU_ASSERT_EQUAL(f.err[3], EIO);
	/* A kernel that refuses the caller answers the first request and looks at no other. */
	for (unsigned i = 4; i < 8; i++)
		add(&f, i);
	CU_ASSERT_EQUAL(nlbatch_send(&f.batch), 0);
	CU_ASSERT_EQUAL(read_requests(&f, &seq), 4);
	answer(&f, seq, EPERM);
	CU_ASSERT_EQUAL(nlbatch_receive(&f.batch, on_result, &f), 4);
	for (int i = 4; i < 8; i++)
		CU_ASSERT_EQUAL(f.err[i], EPERM);
	CU_ASSERT_EQUAL(f.results, 8);
	fake_fini(&f);
}

static void after_a_loss_silence_is_no_success(void)
{
	struct fake f;
	uint32_t seq = 0;

	fake_init(&f, 8);
	for (unsigned i = 0; i < 3; i++)
		add(&f, i);
	CU_ASSERT_EQUAL(nlbatch_send(&f.batch), 0);
	CU_ASSERT_EQUAL(read_requests(&f, &seq), 3);
	f.batch.lost = true; /* as after ENOBUFS */
	answer(&f, seq + 2, 0);
	CU_ASSERT_EQUAL(nlbatch_receive(&f.batch, on_result, &f), 3);
	CU_ASSERT_EQUAL(f.err[0], ENOBUFS);
	CU_ASSERT_EQUAL(f.err[1], ENOBUFS);
	CU_ASSERT_EQUAL(f.err[2], 0);
	fake_fini(&f);
}

static void a_dead_socket_gives_every_operation_its_errno(void)
{
	struct fake f;

	fake_init(&f, 8);
	CU_ASSERT_EQUAL(nlbatch_flush(&f.batch, on_result, &f), 0);
	add(&f, 0);
	add(&f, 1);
	shutdown(f.batch.sock.fd, SHUT_RD);
	close(f.kernel);
	f.kernel = -1;
	signal(SIGPIPE, SIG_IGN);
	CU_ASSERT_EQUAL(nlbatch_flush(&f.batch, on_result, &f), -EPIPE);
	CU_ASSERT_EQUAL(f.err[0], EPIPE);
	CU_ASSERT_EQUAL(f.err[1], EPIPE);
	CU_ASSERT_TRUE(nlbatch_is_empty(&f.batch));
	nlbatch_fini(&f.batch);
}

static void a_message_of_a_wrong_length_is_not_taken(void)
{
	struct fake f;
	size_t cap;
	uint8_t *at;

	fake_init(&f, 8);
	at = nlbatch_room(&f.batch, &cap);
	put(at, 256, 0, 0, "abcdefgh", 8);
	CU_ASSERT_EQUAL(nlbatch_add(&f.batch, 8, 1), -EINVAL);
	CU_ASSERT_EQUAL(nlbatch_add(&f.batch, 28, 1), -EINVAL);
	CU_ASSERT_EQUAL(nlbatch_add(&f.batch, 0, 1), -EINVAL);
	CU_ASSERT_EQUAL(nlbatch_add(&f.batch, 24, 1), 0);
	fake_fini(&f);
}

/* ---- dumps ---- */

struct fake_dump {
	struct nldump dump;
	int kernel;
	uint32_t seq;
	struct seen seen;
};

static void dump_begin(struct fake_dump *f)
{
	uint8_t buf[64] __attribute__((aligned(4)));
	struct nlmsghdr h;
	size_t len = put(buf, 256, NLM_F_REQUEST | NLM_F_DUMP, 0, "abcd", 4);

	CU_ASSERT_EQUAL_FATAL(nldump_init(&f->dump), 0);
	f->kernel = take_over(&f->dump.sock);
	f->seen = (struct seen){0};
	CU_ASSERT_EQUAL(nldump_step(&f->dump, 8, see, &f->seen), NLDUMP_IDLE);
	CU_ASSERT_EQUAL(nldump_start(&f->dump, buf, len), 0);
	CU_ASSERT_EQUAL(nldump_start(&f->dump, buf, len), -EBUSY);
	CU_ASSERT_EQUAL(recv(f->kernel, &h, sizeof(h), MSG_TRUNC), (ssize_t)len);
	f->seq = h.nlmsg_seq;
}

/* A datagram of n entries, and then perhaps the end. */
static void dump_part(struct fake_dump *f, unsigned n, uint16_t flags, bool done, int32_t code)
{
	uint8_t buf[1024];
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += put(buf + len, 256, NLM_F_MULTI | flags, f->seq, "flow", 4);
	if (done)
		len += put(buf + len, NLMSG_DONE, NLM_F_MULTI, f->seq, &code, sizeof(code));
	CU_ASSERT_EQUAL(send(f->kernel, buf, len, 0), (ssize_t)len);
}

static void dump_end(struct fake_dump *f)
{
	close(f->kernel);
	nldump_fini(&f->dump);
}

static void a_dump_goes_by_bounded_steps(void)
{
	struct fake_dump f;

	dump_begin(&f);
	for (int i = 0; i < 5; i++)
		dump_part(&f, 10, 0, i == 4, 0);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 2, see, &f.seen), NLDUMP_RUNNING);
	CU_ASSERT_EQUAL(f.seen.count, 20);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 2, see, &f.seen), NLDUMP_RUNNING);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 2, see, &f.seen), NLDUMP_DONE);
	CU_ASSERT_EQUAL(f.seen.count, 50);
	CU_ASSERT_EQUAL(f.dump.messages, 50);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 2, see, &f.seen), NLDUMP_IDLE);
	dump_end(&f);
}

/* Not from statm, which tells what each processor has counted lately and has not yet added up. */
static long resident_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kib = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (kib == 0 && fgets(line, sizeof(line), f))
		(void)sscanf(line, "Rss: %ld", &kib);
	fclose(f);
	CU_ASSERT(kib > 0);
	return kib * 1024;
}

/* Its buffers are a tenth of what an idle daemon has. */
static void a_dump_that_has_ended_keeps_no_memory(void)
{
	enum { PARTS = 4 }; /* a socket takes so many */
	static uint8_t large[NLSOCK_DUMP_BYTES], zeros[NLSOCK_DUMP_BYTES - NLMSG_HDRLEN];
	struct fake_dump f;
	long before;

	dump_begin(&f);
	for (unsigned i = 0; i < PARTS; i++) {
		size_t len = put(large, 256, NLM_F_MULTI, f.seq, zeros, sizeof(zeros));

		CU_ASSERT_EQUAL(send(f.kernel, large, len, 0), (ssize_t)len);
	}
	CU_ASSERT_EQUAL(nldump_step(&f.dump, PARTS, see, &f.seen), NLDUMP_RUNNING);
	CU_ASSERT_EQUAL(f.seen.count, PARTS);
	before = resident_bytes(); /* which takes some by itself the first time */
	before = resident_bytes();
	dump_part(&f, 1, 0, true, 0);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 8, see, &f.seen), NLDUMP_DONE);
	CU_ASSERT(before - resident_bytes() > PARTS * NLSOCK_DUMP_BYTES / 2);
	dump_end(&f);
}

static void an_interrupted_dump_says_so_at_its_end(void)
{
	struct fake_dump f;

	dump_begin(&f);
	dump_part(&f, 1, NLM_F_DUMP_INTR, false, 0);
	dump_part(&f, 1, 0, true, 0);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 8, see, &f.seen), NLDUMP_INTERRUPTED);
	CU_ASSERT_EQUAL(f.seen.count, 2);
	dump_end(&f);
}

static void a_failing_dump_gives_its_errno(void)
{
	struct fake_dump f;
	uint8_t buf[64];
	struct nlmsgerr e = {.error = -EPERM};

	dump_begin(&f);
	dump_part(&f, 2, 0, true, -ENOMEM);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 8, see, &f.seen), NLDUMP_FAILED);
	CU_ASSERT_EQUAL(f.dump.err, ENOMEM);
	dump_end(&f);

	dump_begin(&f);
	CU_ASSERT_TRUE(send(f.kernel, buf, put(buf, NLMSG_ERROR, 0, f.seq, &e, sizeof(e)), 0) > 0);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 8, see, &f.seen), NLDUMP_FAILED);
	CU_ASSERT_EQUAL(f.dump.err, EPERM);
	CU_ASSERT_FALSE(nldump_is_running(&f.dump));
	dump_end(&f);
}

static void a_dump_that_stops_short_has_failed(void)
{
	struct fake_dump f;

	dump_begin(&f);
	dump_part(&f, 2, 0, false, 0);
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 8, see, &f.seen), NLDUMP_FAILED);
	CU_ASSERT_EQUAL(f.dump.err, EIO);
	CU_ASSERT_EQUAL(f.seen.count, 2);
	dump_end(&f);
}

static void answers_to_something_else_are_no_part_of_a_dump(void)
{
	struct fake_dump f;

	dump_begin(&f);
	f.seq--;
	dump_part(&f, 3, 0, true, 0);
	f.seq++;
	dump_part(&f, 2, 0, true, 0);
	dump_part(&f, 1, 0, false, 0); /* after the end */
	CU_ASSERT_EQUAL(nldump_step(&f.dump, 8, see, &f.seen), NLDUMP_DONE);
	CU_ASSERT_EQUAL(f.seen.count, 2);
	CU_ASSERT_EQUAL(f.dump.strays, 5);
	dump_end(&f);
}

static void the_loopback_is_known_and_a_stranger_is_not(void)
{
	struct iface_watch w;
	struct iface i;

	CU_ASSERT_EQUAL_FATAL(iface_watch_init(&w), 0);
	CU_ASSERT_EQUAL(iface_watch_add(&w, "lo"), 0);
	CU_ASSERT_EQUAL(iface_watch_add(&w, "nosuchiface0"), 1);
	CU_ASSERT_EQUAL(iface_watch_add(&w, "a-name-that-is-too-long"), -EINVAL);
	CU_ASSERT_TRUE(w.ifaces[0].index > 0 && w.ifaces[0].mtu > 0);
	CU_ASSERT_EQUAL(w.ifaces[1].index, 0);
	CU_ASSERT_EQUAL(iface_watch_read(&w, NULL, NULL), 0);
	CU_ASSERT_EQUAL(iface_query("nosuchiface0", &i), 0);
	CU_ASSERT_STRING_EQUAL(i.name, "nosuchiface0");
	iface_watch_fini(&w);
}

static const struct unit_test tests[] = {
	{"messages are walked within their bytes", messages_are_walked_within_their_bytes},
	{"lying lengths end the walk", lying_lengths_end_the_walk},
	{"silence means success when the last is acknowledged",
		silence_means_success_when_the_last_is_acknowledged},
	{"a failing last one closes the batch too", a_failing_last_one_closes_the_batch_too},
	{"odd answers settle nothing", odd_answers_settle_nothing},
	{"without the last answer no success is assumed",
		without_the_last_answer_no_success_is_assumed},
	{"after a loss silence is no success", after_a_loss_silence_is_no_success},
	{"a dead socket gives every operation its errno",
		a_dead_socket_gives_every_operation_its_errno},
	{"a message of a wrong length is not taken", a_message_of_a_wrong_length_is_not_taken},
	{"a dump goes by bounded steps", a_dump_goes_by_bounded_steps},
	{"a dump that has ended keeps no memory", a_dump_that_has_ended_keeps_no_memory},
	{"an interrupted dump says so at its end", an_interrupted_dump_says_so_at_its_end},
	{"a failing dump gives its errno", a_failing_dump_gives_its_errno},
	{"a dump that stops short has failed", a_dump_that_stops_short_has_failed},
	{"answers to something else are no part of a dump",
		answers_to_something_else_are_no_part_of_a_dump},
	{"the loopback is known and a stranger is not",
		the_loopback_is_known_and_a_stranger_is_not},
};

UNIT_MAIN("io netlink", tests)
