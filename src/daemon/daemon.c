/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "daemon/daemon.h"
#include "daemon/figures.h"
#include "daemon/reload.h"
#include "daemon/report.h"
#include "daemon/settings.h"
#include "io/log.h"
#include "io/memory.h"
#include "io/privs.h"
#include "io/scheduler.h"
#include "io/sysctl.h"

enum {
	DAEMON_STATUS_INTERVAL_S = 5, /* between two STATUS= lines */
	DAEMON_FAILED = 1, /* exit status */
	DAEMON_DATAGRAM_BYTES = 1400, /* of an engine that sends none */
};

/* Tells why the start fails, to the log and to whoever waits for a detached daemon. */
__attribute__((format(printf, 2, 3))) static int fail(struct daemon *d, const char *fmt, ...)
{
	char reason[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	if (d->detached) /* the caller's end prints it too, on the same terminal */
		log_set_stderr(false);
	log_error("%s", reason);
	daemonize_failed(d->daemonize, DAEMON_FAILED, reason);
	return DAEMON_FAILED;
}

static void on_signal(void *ctx, int signo)
{
	struct daemon *d = ctx;

	if (signo == SIGHUP)
		d->reload = true;
	else
		d->stopping = true;
}

/* A flow born while nobody listens sends no events, ever, unless the sysctl is 1. */
static void hear_every_flow(void)
{
	int64_t value;

	if (sysctl_read("nf_conntrack_events", &value) || value == 1)
		return;
	if (!sysctl_write("nf_conntrack_events", 1))
		log_notice("net.netfilter.nf_conntrack_events was %" PRId64
			   ", is now 1: from here on "
			   "every flow sends events",
			value);
	else
		log_notice("net.netfilter.nf_conntrack_events is %" PRId64
			   "; set it to 1 at boot, so "
			   "that flows born before this daemon send events",
			value);
}

static bool is_sync(const struct daemon *d)
{
	return d->config.purpose == CONFIG_SYNC;
}

static int open_engine(struct daemon *d)
{
	uint32_t datagram_bytes = DAEMON_DATAGRAM_BYTES;
	struct engine_config config;
	int err;

	if (is_sync(d))
		datagram_bytes = links_datagram_bytes(&d->links);
	err = settings_engine(&d->config, datagram_bytes, &config);
	if (err)
		return fail(d, "no random numbers: %s", strerror(-err));
	record_open(&d->record, &d->config, &config);
	d->memory_bytes = engine_memory_bytes(&config);
	err = memory_reserve(d->memory_bytes, &d->memory);
	if (err)
		return fail(d, "cannot reserve %zu bytes of address space for HashLimit %u: %s",
			d->memory_bytes, config.flows_max, strerror(-err));
	d->engine = engine_init(d->memory, d->memory_bytes, &config, loop_now(&d->loop));
	if (!d->engine)
		return fail(d, "the tables cannot be set up for HashLimit %u", config.flows_max);
	record_start(&d->record, d->engine);
	return 0;
}

static int open_links(struct daemon *d)
{
	char reason[512];
	struct text why = text_of(reason, sizeof(reason));

	if (!is_sync(d) || links_open(&d->links, &d->config, d->config_path, &why))
		return 0;
	return fail(d, "%s", reason);
}

static void catch_up(void *ctx)
{
	struct daemon *d = ctx;

	links_catch_up(&d->links, loop_now(&d->loop));
}

/* A client asked for it, and has its answer. */
static void stop(void *ctx)
{
	struct daemon *d = ctx;

	d->stopping = true;
}

static int open_control(struct daemon *d)
{
	const char *path = d->config.general.unix_path;
	int err;

	if (!path[0]) {
		log_warning("no UNIX { Path }: ctsyncctl cannot reach this daemon");
		return 0;
	}
	d->service.figures = figures_gather;
	d->service.catch_up = catch_up;
	d->service.stop = stop;
	d->service.ctx = d;
	d->service.config = &d->config;
	err = service_open(&d->service, &d->loop, d->engine, path);
	if (err == -EADDRINUSE)
		return fail(d, "%s: a daemon is running and listens there", path);
	if (err)
		return fail(d, "cannot listen on %s: %s", path, strerror(-err));
	return 0;
}

static int take_lock(struct daemon *d)
{
	pid_t holder = 0;
	int err = lockfile_take(&d->lock, d->config.general.lock_file, &holder);

	if (err == -EBUSY)
		return fail(d, "%s: process %d holds it; is ctsyncd running already?",
			d->config.general.lock_file, (int)holder);
	if (err)
		return fail(d, "%s: %s", d->config.general.lock_file, strerror(-err));
	return 0;
}

static int open_kernel(struct daemon *d)
{
	const char *what;
	int err;

	if (!d->config.general.poll_s)
		hear_every_flow();
	err = kernel_open(
		&d->kernel, &d->loop, d->engine, &d->stats, &d->record, &d->config, &what);
	if (err)
		return fail(d, "%s: %s", what, strerror(-err));
	return 0;
}

static int open_stats(struct daemon *d)
{
	int err = stats_open(&d->stats, &d->config, d->engine);

	if (err)
		return fail(d, "%s: %s", d->config.stats.log_file, strerror(-err));
	return 0;
}

static void set_scheduler(const struct daemon *d)
{
	uint32_t line = d->config.loc[CONFIG_SET_SCHEDULER_TYPE].line;
	int err;

	if (!line)
		return;
	err = scheduler_set(d->config.general.scheduler == CONFIG_SCHED_FIFO,
		d->config.general.scheduler_priority);
	if (err)
		log_warning("%s:%u: Scheduler: %s", d->config_path, line, strerror(-err));
}

static int drop_privileges(struct daemon *d)
{
	const char *user = d->config.general.user, *group = d->config.general.group;
	int err = privs_drop(user[0] ? user : NULL, group[0] ? group : NULL);

	if (err == -ENOENT && !group[0])
		return fail(d, "%s:%u: there is no user '%s'", d->config_path,
			d->config.loc[CONFIG_SET_USER].line, user);
	if (err == -ENOENT)
		return fail(d, "%s:%u: there is no group '%s'%s%s", d->config_path,
			d->config.loc[CONFIG_SET_GROUP].line, group, user[0] ? " or no user " : "",
			user);
	if (err)
		return fail(d, "cannot give up privileges: %s", strerror(-err));
	return 0;
}

static int set_up(struct daemon *d)
{
	struct log_config log;
	int err;

	settings_log(&d->config, true, &log);
	err = log_open(&log);
	if (err)
		return fail(d, "%s: %s", d->config.general.log_file, strerror(-err));
	err = loop_init(&d->loop);
	if (!err)
		err = loop_catch_signals(&d->loop, on_signal, d);
	if (err)
		return fail(d, "event loop: %s", strerror(-err));
	if (d->config.general.systemd && notify_init(&d->notify, loop_now(&d->loop)))
		log_warning("NOTIFY_SOCKET is unusable");
	if (take_lock(d) || open_links(d) || open_engine(d))
		return DAEMON_FAILED;
	err = links_start(&d->links, &d->loop, d->engine);
	if (err)
		return fail(d, "event loop: %s", strerror(-err));
	if (open_control(d) || open_stats(d) || open_kernel(d))
		return DAEMON_FAILED;
	set_scheduler(d);
	return drop_privileges(d);
}

static void become_ready(struct daemon *d)
{
	d->ready = true;
	notify_ready(&d->notify);
	log_notice("ready");
	if (d->detached) {
		int err;

		log_set_stderr(false);
		err = daemonize_ready(d->daemonize);
		if (err) {
			d->status = fail(d, "cannot detach: %s", strerror(-err));
			d->stopping = true;
		}
	}
}

static void tell_status(struct daemon *d, mono now)
{
	struct engine_status status;
	char line[512];
	struct text t = text_of(line, sizeof(line));

	if (!mono_reached(now, d->status_at))
		return;
	d->status_at = MONO_NEVER;
	if (d->notify.fd < 0)
		return;
	d->status_at = mono_add_sec(now, DAEMON_STATUS_INTERVAL_S);
	engine_get_status(d->engine, now, &status);
	report_status(&t, &status, is_sync(d));
	notify_status(&d->notify, line);
}

static void take_events(struct daemon *d, mono now)
{
	struct engine_event event;

	while (engine_next_event(d->engine, &event)) {
		/* The engine's clock stands still while the kernel takes what it is given. */
		if (event.kind == ENGINE_EVENT_DONE)
			event.took_ns += mono_diff_ns(loop_clock(), now);
		report_event(&event);
		links_report(&d->links, &event);
		if (event.kind == ENGINE_EVENT_DONE) {
			service_on_done(&d->service, &event);
			d->kernel.ops_left = true; /* it may have begun the next command */
		}
		if (event.kind == ENGINE_EVENT_KERNEL_SYNCED && !d->ready)
			become_ready(d);
	}
}

/* A page that could not be given back is as good as it was. */
static void empty_pages(struct daemon *d)
{
	size_t bytes;
	void *start;

	while (engine_next_release(d->engine, &start, &bytes))
		if (!memory_empty(start, bytes))
			d->released_bytes += bytes;
}

static mono next_deadline(const struct daemon *d, mono now)
{
	mono t = engine_deadline(d->engine);

	t = mono_min(t, kernel_deadline(&d->kernel, now));
	t = mono_min(t, record_deadline(&d->record, now));
	t = mono_min(t, stats_deadline(&d->stats, now));
	t = mono_min(t, links_deadline(&d->links, now));
	t = mono_min(t, control_deadline(&d->service.control));
	t = mono_min(t, notify_deadline(&d->notify));
	return mono_min(t, d->status_at);
}

static int run(struct daemon *d)
{
	mono now = loop_now(&d->loop);

	d->status_at = d->started = now;
	while (!d->stopping) {
		int err = loop_run_once(&d->loop, next_deadline(d, now));

		if (err < 0) {
			log_error("event loop: %s", strerror(-err));
			return DAEMON_FAILED;
		}
		now = loop_now(&d->loop);
		if (d->reload) {
			d->reload = false;
			notify_reloading(&d->notify, now);
			reload_config(d);
			d->reloads++;
			notify_ready(&d->notify);
		}
		if (mono_reached(now, engine_deadline(d->engine))) {
			engine_tick(d->engine, now);
			empty_pages(d);
		}
		kernel_run(&d->kernel, now);
		record_run(&d->record, now);
		stats_run(&d->stats, now);
		links_run(&d->links, now);
		take_events(d, now);
		control_tick(&d->service.control, now);
		notify_tick(&d->notify, now);
		tell_status(d, now);
	}
	log_notice("stopping");
	notify_stopping(&d->notify);
	return d->status;
}

static void tell_start(const struct daemon *d)
{
	char what[128];
	struct text t = text_of(what, sizeof(what));

	if (d->links.count == 0)
		text_puts(&t, "statistics");
	for (unsigned i = 0; i < d->links.count; i++) {
		text_puts(&t, i ? ", " : d->links.count > 1 ? "sync links " : "sync link ");
		text_puts(&t, d->links.link[i].config->interface);
	}
	log_notice("ctsyncd %s, pid %d, %s", PACKAGE_VERSION, (int)getpid(), what);
}

int daemon_main(struct daemon *d, const struct config *config, const char *config_path,
	struct daemonize *daemonize)
{
	int status;

	d->config = *config;
	d->config_path = config_path;
	d->daemonize = daemonize;
	d->detached = daemonize->fd >= 0;
	d->lock.fd = -1;
	d->record.journal.fd = -1;
	d->notify.fd = -1;
	status = set_up(d);
	if (!status) {
		tell_start(d);
		status = run(d);
	}
	service_close(&d->service);
	kernel_close(&d->kernel);
	stats_close(&d->stats);
	record_close(&d->record);
	links_close(&d->links);
	if (d->engine)
		engine_fini(d->engine);
	memory_release(d->memory, d->memory_bytes);
	lockfile_release(&d->lock);
	notify_fini(&d->notify);
	loop_fini(&d->loop);
	log_close();
	return status;
}
