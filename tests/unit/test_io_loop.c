/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"
#include "unit.h"

struct end {
	struct loop *loop;
	struct loop_watch watch;
	struct end *remove; /* when called */
	unsigned calls, ready;
	int signo;
};

static void on_ready(void *ctx, unsigned ready)
{
	struct end *e = ctx;

	e->calls++;
	e->ready = ready;
	if (e->remove)
		loop_remove(e->loop, &e->remove->watch);
}

static void on_signal(void *ctx, int signo)
{
	((struct end *)ctx)->signo = signo;
}

static void interest_decides_what_is_reported(void)
{
	struct loop loop;
	struct end e = {&loop};
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(loop_init(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, &e.watch, fds[0], LOOP_READ, on_ready, &e), 0);
	CU_ASSERT_EQUAL(loop_run_once(&loop, loop_now(&loop)), 0);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	CU_ASSERT_EQUAL(loop_run_once(&loop, MONO_NEVER), 1);
	CU_ASSERT_EQUAL(e.ready, LOOP_READ);
	CU_ASSERT_EQUAL(loop_want(&loop, &e.watch, 0), 0);
	CU_ASSERT_EQUAL(loop_run_once(&loop, loop_now(&loop)), 0);
	CU_ASSERT_EQUAL(loop_want(&loop, &e.watch, LOOP_READ | LOOP_WRITE), 0);
	CU_ASSERT_EQUAL(loop_run_once(&loop, MONO_NEVER), 1);
	CU_ASSERT_EQUAL(e.ready, LOOP_READ | LOOP_WRITE);
	close(fds[1]);
	CU_ASSERT_EQUAL(loop_run_once(&loop, MONO_NEVER), 1);
	CU_ASSERT_TRUE(e.ready & LOOP_HANGUP);
	loop_remove(&loop, &e.watch);
	loop_remove(&loop, &e.watch); /* twice does no harm */
	CU_ASSERT_EQUAL(loop_run_once(&loop, loop_now(&loop)), 0);
	close(fds[0]);
	loop_fini(&loop);
}

static void a_watch_removed_in_a_turn_is_not_called(void)
{
	struct loop loop;
	struct end a = {&loop}, b = {&loop};
	int fds[2];

	a.remove = &b;
	b.remove = &a;
	CU_ASSERT_EQUAL_FATAL(loop_init(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, &a.watch, fds[0], LOOP_WRITE, on_ready, &a), 0);
	CU_ASSERT_EQUAL(loop_add(&loop, &b.watch, fds[1], LOOP_WRITE, on_ready, &b), 0);
	CU_ASSERT_EQUAL(loop_run_once(&loop, MONO_NEVER), 1);
	CU_ASSERT_EQUAL(a.calls + b.calls, 1);
	close(fds[0]);
	close(fds[1]);
	loop_fini(&loop);
}

static void a_deadline_ends_the_wait_and_not_before(void)
{
	struct loop loop;
	mono deadline;

	CU_ASSERT_EQUAL_FATAL(loop_init(&loop), 0);
	for (int i = 0; i < 2; i++) {
		deadline = mono_add_ns(loop_clock(), 300 * NS_PER_US);
		CU_ASSERT_EQUAL(loop_run_once(&loop, deadline), 0);
		CU_ASSERT_TRUE(mono_reached(loop_now(&loop), deadline));
		loop.no_pwait2 = true; /* and again as on an older kernel */
	}
	loop_fini(&loop);
}

static void signals_come_as_events(void)
{
	struct loop loop;
	struct end e = {&loop};
	sigset_t set;

	CU_ASSERT_EQUAL_FATAL(loop_init(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(loop_catch_signals(&loop, on_signal, &e), 0);
	raise(SIGHUP);
	CU_ASSERT_EQUAL(loop_run_once(&loop, MONO_NEVER), 1);
	CU_ASSERT_EQUAL(e.signo, SIGHUP);
	raise(SIGTERM);
	CU_ASSERT_EQUAL(loop_run_once(&loop, MONO_NEVER), 1);
	CU_ASSERT_EQUAL(e.signo, SIGTERM);
	loop_fini(&loop);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static const struct unit_test tests[] = {
	{"interest decides what is reported", interest_decides_what_is_reported},
	{"a watch removed in a turn is not called", a_watch_removed_in_a_turn_is_not_called},
	{"a deadline ends the wait and not before", a_deadline_ends_the_wait_and_not_before},
	{"signals come as events", signals_come_as_events},
};

UNIT_MAIN("io loop", tests)
