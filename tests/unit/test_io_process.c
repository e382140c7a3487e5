/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/daemonize.h"
#include "io/lockfile.h"
#include "io/memory.h"
#include "io/notify.h"
#include "io/sysctl.h"
#include "unit.h"

static char dir[64];

static void in_dir(char out[100], const char *name)
{
	snprintf(out, 100, "%s/%s", dir, name);
}

/* ---- notify ---- */

static int listen_at(const char *env)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = strlen(env);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, env, len);
	if (env[0] == '@')
		a.sun_path[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a,
				      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	setenv("NOTIFY_SOCKET", env, 1);
	return fd;
}

static const char *next_datagram(int fd)
{
	static char buf[1024];
	ssize_t len = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[len > 0 ? len : 0] = '\0';
	return buf;
}

static void notify_speaks_the_manager_s_protocol(void)
{
	char path[2][100];

	in_dir(path[0], "notify");
	snprintf(path[1], sizeof(path[1]), "@%s", dir); /* abstract */
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(path[i]);
		struct notify n;

		CU_ASSERT_EQUAL(notify_init(&n, (mono){0}), 0);
		CU_ASSERT_EQUAL(notify_ready(&n), 0);
		CU_ASSERT_STRING_EQUAL(next_datagram(fd), "READY=1");
		CU_ASSERT_EQUAL(notify_reloading(&n, (mono){1234567}), 0);
		CU_ASSERT_STRING_EQUAL(next_datagram(fd), "RELOADING=1\nMONOTONIC_USEC=1234");
		CU_ASSERT_EQUAL(notify_main_pid(&n, 77), 0);
		CU_ASSERT_STRING_EQUAL(next_datagram(fd), "MAINPID=77");
		CU_ASSERT_EQUAL(notify_status(&n, "SYNCED, 5 flows"), 0);
		CU_ASSERT_STRING_EQUAL(next_datagram(fd), "STATUS=SYNCED, 5 flows");
		CU_ASSERT_EQUAL(notify_status(&n, "a\nREADY=1"), -EINVAL);
		CU_ASSERT_EQUAL(notify_stopping(&n), 0);
		CU_ASSERT_STRING_EQUAL(next_datagram(fd), "STOPPING=1");
		CU_ASSERT_TRUE(mono_is_never(notify_deadline(&n)));
		CU_ASSERT_EQUAL(notify_tick(&n, (mono){NS_PER_SEC}), 0);
		CU_ASSERT_STRING_EQUAL(next_datagram(fd), "");
		notify_fini(&n);
		close(fd);
	}
	unlink(path[0]);
	unsetenv("NOTIFY_SOCKET");
}

static void watchdog_is_fed_at_half_its_interval(void)
{
	char path[100], pid[32];
	struct notify n;
	int fd;

	in_dir(path, "watchdog");
	fd = listen_at(path);
	setenv("WATCHDOG_USEC", "3000000", 1);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	CU_ASSERT_EQUAL(notify_init(&n, (mono){7}), 0);
	CU_ASSERT_EQUAL(notify_deadline(&n).ns, 7 + 1500 * NS_PER_MS);
	CU_ASSERT_EQUAL(notify_tick(&n, (mono){1500 * NS_PER_MS}), 0);
	CU_ASSERT_STRING_EQUAL(next_datagram(fd), "");
	CU_ASSERT_EQUAL(notify_tick(&n, (mono){1600 * NS_PER_MS}), 0);
	CU_ASSERT_STRING_EQUAL(next_datagram(fd), "WATCHDOG=1");
	CU_ASSERT_EQUAL(notify_deadline(&n).ns, 3100 * NS_PER_MS);
	notify_fini(&n);
	setenv("WATCHDOG_PID", "1", 1); /* meant for another process */
	CU_ASSERT_EQUAL(notify_init(&n, (mono){7}), 0);
	CU_ASSERT_TRUE(mono_is_never(notify_deadline(&n)));
	notify_fini(&n);
	close(fd);
	unlink(path);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unsetenv("NOTIFY_SOCKET");
}

static void without_a_manager_notify_does_nothing(void)
{
	struct notify n;

	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_EQUAL(notify_init(&n, (mono){0}), 0);
	CU_ASSERT_EQUAL(notify_ready(&n), 0);
	notify_fini(&n);
	setenv("NOTIFY_SOCKET", "relative/path", 1);
	CU_ASSERT_EQUAL(notify_init(&n, (mono){0}), -EINVAL);
	CU_ASSERT_EQUAL(notify_ready(&n), 0);
	notify_fini(&n);
	unsetenv("NOTIFY_SOCKET");
}

/* ---- lock file ---- */

static void lock_is_held_by_one_and_names_it(void)
{
	struct lockfile a, b;
	char path[100];
	pid_t holder;

	in_dir(path, "lock");
	CU_ASSERT_EQUAL(lockfile_take(&a, path, &holder), 0);
	CU_ASSERT_EQUAL(lockfile_take(&b, path, &holder), -EBUSY);
	CU_ASSERT_EQUAL(holder, getpid());
	CU_ASSERT_EQUAL(b.fd, -1);
	lockfile_release(&b);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	lockfile_release(&a);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	lockfile_release(&a);
}

static void what_a_dead_one_left_stops_nobody(void)
{
	struct lockfile l;
	char path[100];
	pid_t pid;

	in_dir(path, "left");
	pid = fork();
	if (pid == 0) {
		lockfile_take(&l, path, NULL);
		_exit(0); /* without a release */
	}
	waitpid(pid, NULL, 0);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT_EQUAL(lockfile_take(&l, path, NULL), 0);
	lockfile_release(&l);
	CU_ASSERT_EQUAL(lockfile_take(&l, "/nonexistent/dir/lock", NULL), -ENOENT);
}

/* ---- background start ---- */

/* Starts in a process of its own, since stdio and the directory change; returns its status. */
static int start(void (*child)(struct daemonize *), char *errors, size_t cap)
{
	int fds[2], how;
	size_t used = 0;
	ssize_t len;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct daemonize d;
		int status;
		pid_t daemon;

		close(fds[0]);
		dup2(fds[1], STDERR_FILENO);
		close(fds[1]);
		if (daemonize_fork(&d, &status, &daemon) == 1)
			_exit(status);
		child(&d);
		_exit(9);
	}
	close(fds[1]);
	/* Until the last writer, which is the child, has gone or let go of its stderr. */
	while (used < cap - 1 && (len = read(fds[0], errors + used, cap - 1 - used)) > 0)
		used += (size_t)len;
	errors[used] = '\0';
	close(fds[0]);
	waitpid(pid, &how, 0);
	return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void child_ready(struct daemonize *d)
{
	int errors = dup(STDERR_FILENO); /* what is wrong is to be seen after it was let go */
	char cwd[16] = "";

	if (getsid(0) != getpid())
		dprintf(errors, "no session of its own\n");
	if (daemonize_ready(d) || d->fd != -1)
		dprintf(errors, "not ready\n");
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
		dprintf(errors, "still in %s\n", cwd);
	fprintf(stderr, "this goes nowhere\n");
}

static void child_failing(struct daemonize *d)
{
	daemonize_failed(d, 3, "no such interface: sync0");
}

static void child_dying(struct daemonize *d)
{
	(void)d;
	_exit(0);
}

static void child_exiting(struct daemonize *d)
{
	(void)d;
	fprintf(stderr, "said by itself\n");
	_exit(4);
}

static void the_starter_learns_how_it_went(void)
{
	char errors[512];

	CU_ASSERT_EQUAL(start(child_ready, errors, sizeof(errors)), 0);
	CU_ASSERT_STRING_EQUAL(errors, "");
	CU_ASSERT_EQUAL(start(child_failing, errors, sizeof(errors)), 3);
	CU_ASSERT_STRING_EQUAL(errors, "no such interface: sync0\n");
	CU_ASSERT_EQUAL(start(child_dying, errors, sizeof(errors)), 1);
	CU_ASSERT_STRING_EQUAL(errors, "the daemon died during its start\n");
	CU_ASSERT_EQUAL(start(child_exiting, errors, sizeof(errors)), 4);
	CU_ASSERT_STRING_EQUAL(errors, "said by itself\n");
}

/* ---- memory, sysctl ---- */

static void reserved_memory_is_zero_and_not_yet_there(void)
{
	const size_t bytes = (size_t)1 << 36; /* more than the machine has */
	uint8_t *p;
	void *start;

	CU_ASSERT_EQUAL_FATAL(memory_reserve(bytes, &start), 0);
	p = start;
	CU_ASSERT_EQUAL(p[0], 0);
	p[bytes - 1] = 1;
	CU_ASSERT_EQUAL(p[bytes - 1], 1);
	CU_ASSERT_EQUAL(p[bytes / 2], 0);
	memory_release(start, bytes);
	CU_ASSERT_EQUAL(memory_reserve(0, &start), -EINVAL);
	CU_ASSERT_EQUAL(memory_reserve(SIZE_MAX / 2, &start), -ENOMEM);
	CU_ASSERT_PTR_NULL(start);
}

static void sysctl_names_stay_in_their_directory(void)
{
	int64_t v;

	CU_ASSERT_EQUAL(sysctl_read("../core/rmem_max", &v), -EINVAL);
	CU_ASSERT_EQUAL(sysctl_read("", &v), -EINVAL);
	CU_ASSERT_EQUAL(sysctl_read("no_such_sysctl", &v), -ENOENT);
	CU_ASSERT_EQUAL(sysctl_write("no_such_sysctl", 1), -ENOENT);
}

static const struct unit_test tests[] = {
	{"notify speaks the manager's protocol", notify_speaks_the_manager_s_protocol},
	{"the watchdog is fed at half its interval", watchdog_is_fed_at_half_its_interval},
	{"without a manager notify does nothing", without_a_manager_notify_does_nothing},
	{"a lock is held by one and names it", lock_is_held_by_one_and_names_it},
	{"what a dead one left stops nobody", what_a_dead_one_left_stops_nobody},
	{"the starter learns how it went", the_starter_learns_how_it_went},
	{"reserved memory is zero and not yet there", reserved_memory_is_zero_and_not_yet_there},
	{"sysctl names stay in their directory", sysctl_names_stay_in_their_directory},
};

int main(void)
{
	int status;

	strcpy(dir, "/tmp/ctsync-proc-XXXXXX");
	if (!mkdtemp(dir))
		return 2;
	status = unit_run("io process", tests, sizeof(tests) / sizeof(tests[0]));
	rmdir(dir);
	return status;
}
