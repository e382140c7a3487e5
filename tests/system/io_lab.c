/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io_lab.h"

enum { WAIT_MS = 5000 };

unsigned passed, failed;

void judge(bool ok, const char *what)
{
	printf("%s %s\n", ok ? "PASS" : "FAIL", what);
	fflush(stdout);
	if (ok)
		passed++;
	else
		failed++;
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("     ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
}

bool run(const char *fmt, ...)
{
	char command[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command) == 0)
		return true;
	note("failed: %s", command);
	return false;
}

bool wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, WAIT_MS) == 1;
}

int near_ns = -1, far_ns = -1;

static int here(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

bool enter(int ns)
{
	return setns(ns, CLONE_NEWNET) == 0;
}

bool make_links(void)
{
	pid_t holder = fork(); /* keeps the near namespace, so that ip(8) can name it */
	bool ok;

	if (holder == 0) {
		pause();
		_exit(0);
	}
	near_ns = here();
	ok = unshare(CLONE_NEWNET) == 0;
	far_ns = here();
	ok = ok && run("ip link add io1 type veth peer name io0 netns %d", (int)holder) &&
	     run("ip link set io1 addrgenmode none up") &&
	     run("ip addr add 192.0.2.2/24 dev io1") &&
	     run("ip addr add fe80::2/64 dev io1 nodad") && enter(near_ns) &&
	     run("ip link set io0 addrgenmode none up") &&
	     run("ip addr add 192.0.2.1/24 dev io0") && run("ip addr add fe80::1/64 dev io0 nodad");
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	return ok;
}

struct channel_addr addr_of(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return channel_addr_of_v4(v4);
	(void)inet_pton(AF_INET6, text, &v6);
	return channel_addr_of_v6(&v6);
}
