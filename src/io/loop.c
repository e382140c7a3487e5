/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "io/loop.h"

mono loop_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (mono){ts.tv_sec * NS_PER_SEC + ts.tv_nsec};
}

int loop_init(struct loop *loop)
{
	*loop = (struct loop){.signal_watch = {.fd = -1}};
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->now = loop_clock();
	return 0;
}

void loop_fini(struct loop *loop)
{
	if (loop->signal_watch.fd >= 0) {
		loop_remove(loop, &loop->signal_watch);
		close(loop->signal_watch.fd);
		loop->signal_watch.fd = -1;
	}
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

static void on_signal_fd(void *ctx, unsigned ready)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;

	(void)ready;
	while (read(loop->signal_watch.fd, &info, sizeof(info)) == sizeof(info))
		loop->on_signal(loop->signal_ctx, (int)info.ssi_signo);
}

int loop_catch_signals(struct loop *loop, loop_signal_fn *fn, void *ctx)
{
	sigset_t set;
	int fd, err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->on_signal = fn;
	loop->signal_ctx = ctx;
	err = loop_add(loop, &loop->signal_watch, fd, LOOP_READ, on_signal_fd, loop);
	if (err) {
		close(fd);
		loop->signal_watch.fd = -1;
	}
	return err;
}

static uint32_t epoll_bits(unsigned wanted)
{
	return (wanted & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
	       (wanted & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static unsigned ready_bits(uint32_t events)
{
	unsigned ready = 0;

	/* An error is found by whoever reads or writes, so both are woken. */
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		ready |= LOOP_READ;
	if (events & (EPOLLOUT | EPOLLERR))
		ready |= LOOP_WRITE;
	if (events & (EPOLLHUP | EPOLLERR))
		ready |= LOOP_HANGUP;
	return ready;
}

int loop_add(struct loop *loop, struct loop_watch *w, int fd, unsigned wanted, loop_watch_fn *fn,
	void *ctx)
{
	struct epoll_event ev = {.events = epoll_bits(wanted), .data.ptr = w};

	*w = (struct loop_watch){.fd = fd, .wanted = wanted, .fn = fn, .ctx = ctx};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	w->in_loop = true;
	return 0;
}

int loop_want(struct loop *loop, struct loop_watch *w, unsigned wanted)
{
	struct epoll_event ev = {.events = epoll_bits(wanted), .data.ptr = w};

	CHECK(w->in_loop);
	if (w->wanted == wanted)
		return 0;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return -errno;
	w->wanted = wanted;
	return 0;
}

void loop_remove(struct loop *loop, struct loop_watch *w)
{
	if (!w->in_loop)
		return;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	w->in_loop = false;
	/* It may be due in this very turn, and its memory may be gone by then. */
	for (int i = loop->events_at; i < loop->events_count; i++)
		if (loop->events[i].data.ptr == w)
			loop->events[i].data.ptr = NULL;
}

static int wait_ms(struct loop *loop, int64_t ns)
{
	int64_t ms = ns < 0 ? -1 : ns / NS_PER_MS + (ns % NS_PER_MS != 0);

	if (ms > INT32_MAX)
		ms = INT32_MAX;
	return epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS, (int)ms);
}

/* ns: how long to wait at the most; negative: for ever. */
static int wait_ns(struct loop *loop, int64_t ns)
{
	struct timespec ts = {ns / NS_PER_SEC, ns % NS_PER_SEC};
	int n;

	if (ns == 0 || loop->no_pwait2)
		return wait_ms(loop, ns);
	n = epoll_pwait2(loop->epoll_fd, loop->events, LOOP_EVENTS, ns < 0 ? NULL : &ts, NULL);
	if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
		loop->no_pwait2 = true; /* Linux before 5.11, or a seccomp filter */
		return wait_ms(loop, ns);
	}
	return n;
}

int loop_run_once(struct loop *loop, mono deadline)
{
	int64_t ns = -1;
	int n, called = 0;

	if (!mono_is_never(deadline)) {
		ns = mono_diff_ns(deadline, loop_clock());
		if (ns < 0)
			ns = 0;
	}
	n = wait_ns(loop, ns);
	loop->now = loop_clock();
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->events_count = n;
	for (loop->events_at = 0; loop->events_at < loop->events_count;) {
		const struct epoll_event ev = loop->events[loop->events_at++];
		struct loop_watch *w = ev.data.ptr;

		if (!w)
			continue;
		w->fn(w->ctx, ready_bits(ev.events));
		called++;
	}
	loop->events_count = loop->events_at = 0;
	return called;
}
