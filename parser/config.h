/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CTSYNC_PARSER_CONFIG_H
#define CTSYNC_PARSER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "flow/expect_filter.h"
#include "flow/filter.h"
#include "flow/flow.h"

/*
 * The settings of one conntrackd.conf. A flat value: copied by assignment, nothing to free. All
 * strings are NUL-terminated; an empty one means "not given". Zero numbers have been replaced by
 * their defaults where the language says that 0 is the default.
 */
enum {
	CONFIG_PATH_MAX = 256, /* LogFile, LockFile: without the NUL */
	CONFIG_UNIX_PATH_MAX = 107, /* what fits a sockaddr_un with its NUL */
	CONFIG_INTERFACE_MAX = 15, /* IFNAMSIZ with its NUL is 16 */
	CONFIG_USER_MAX = 32, /* LOGIN_NAME_MAX is far larger, but useradd stops here */
	CONFIG_LINKS_MAX = 4,
	CONFIG_FILE_BYTES_MAX = 1 << 20,
	CONFIG_WARM_AGE_S_MAX = 3600,
	CONFIG_SYNC_DELAY_MS_MAX = 60000,
};

enum {
	CONFIG_DEFAULT_HASH_SIZE = 65536,
	CONFIG_DEFAULT_HASH_LIMIT = 262144,
	CONFIG_DEFAULT_OVERRUN_RESYNC_S = 30,
	CONFIG_DEFAULT_EVENT_ITERATION_LIMIT = 1024,
	CONFIG_DEFAULT_SCHED_PRIORITY = 99,
	CONFIG_DEFAULT_RESEND_QUEUE_SIZE = 131072,
	CONFIG_DEFAULT_ACK_WINDOW_SIZE = 300,
	CONFIG_DEFAULT_PURGE_TIMEOUT_S = 60,
	CONFIG_DEFAULT_REFRESH_S = 60,
	CONFIG_DEFAULT_CACHE_TIMEOUT_S = 180,
	CONFIG_DEFAULT_ERROR_QUEUE_LENGTH = 128,
	CONFIG_DEFAULT_WARM_AGE_S = 1,
	CONFIG_DEFAULT_WARM_RATE = 50000,
};

#define CONFIG_DEFAULT_FILE	  "/etc/conntrackd/conntrackd.conf"
#define CONFIG_DEFAULT_LOG_FILE	  "/var/log/conntrackd.log"
#define CONFIG_DEFAULT_STATS_FILE "/var/log/conntrackd-stats.log"
#define CONFIG_DEFAULT_LOCK_FILE  "/var/lock/conntrackd.lock"

/* Where something was said: a line of the configuration file, or 0 for a default. */
struct config_loc {
	uint32_t line;
};

/* One number per setting, to keep its line: config.loc[CONFIG_SET_USER].line. */
enum config_setting {
	CONFIG_SET_HASH_SIZE,
	CONFIG_SET_HASH_LIMIT,
	CONFIG_SET_LOG_FILE,
	CONFIG_SET_SYSLOG,
	CONFIG_SET_LOCK_FILE,
	CONFIG_SET_UNIX_PATH,
	CONFIG_SET_NETLINK_BUFFER_SIZE,
	CONFIG_SET_NETLINK_BUFFER_SIZE_MAX,
	CONFIG_SET_NETLINK_OVERRUN_RESYNC,
	CONFIG_SET_NETLINK_EVENTS_RELIABLE,
	CONFIG_SET_EVENT_ITERATION_LIMIT,
	CONFIG_SET_SCHEDULER_TYPE,
	CONFIG_SET_SCHEDULER_PRIORITY,
	CONFIG_SET_SYSTEMD,
	CONFIG_SET_USER,
	CONFIG_SET_GROUP,
	CONFIG_SET_FILTER, /* From Userspace|Kernelspace */
	CONFIG_SET_FILTER_PROTOCOL,
	CONFIG_SET_FILTER_ADDRESS,
	CONFIG_SET_FILTER_STATE,
	CONFIG_SET_MODE,
	CONFIG_SET_RESEND_QUEUE_SIZE,
	CONFIG_SET_ACK_WINDOW_SIZE,
	CONFIG_SET_COMMIT_TIMEOUT,
	CONFIG_SET_PURGE_TIMEOUT,
	CONFIG_SET_STARTUP_RESYNC,
	CONFIG_SET_TCP_WINDOW_TRACKING,
	CONFIG_SET_COMMIT_HALF_OPEN,
	CONFIG_SET_NEW_EVENTS,
	CONFIG_SET_POLL_SECS,
	CONFIG_SET_REFRESH_TIME,
	CONFIG_SET_CACHE_TIMEOUT,
	CONFIG_SET_DISABLE_INTERNAL_CACHE,
	CONFIG_SET_DISABLE_EXTERNAL_CACHE,
	CONFIG_SET_STANDBY_TABLE,
	CONFIG_SET_WARM_AGE,
	CONFIG_SET_WARM_RATE,
	CONFIG_SET_SYNC_DELAY,
	CONFIG_SET_EXPECTATION_SYNC,
	CONFIG_SET_FILTER_MARK,
	CONFIG_SET_STATS_LOG_FILE,
	CONFIG_SET_STATS_SYSLOG,
	CONFIG_SET_LINKS, /* the line of the first one */
	CONFIG_SET_COUNT,
};

/* What the daemon is for: a Sync section, or Stats (also of a file with neither). */
enum config_purpose { CONFIG_SYNC, CONFIG_STATS };

enum config_mode { CONFIG_MODE_FTFW, CONFIG_MODE_ALARM, CONFIG_MODE_NOTRACK };

enum config_transport { CONFIG_MULTICAST, CONFIG_UDP, CONFIG_TCP };

enum config_scheduler { CONFIG_SCHED_RR, CONFIG_SCHED_FIFO };

/* A dedicated link: one Multicast, UDP or TCP section. */
struct config_link {
	enum config_transport transport;
	bool is_default;
	char interface[CONFIG_INTERFACE_MAX +
		       1]; /* never empty in a configuration without errors */
	uint8_t l3; /* AF_INET or AF_INET6 */
	union flow_addr addr; /* Multicast: the group's address; else the local one */
	union flow_addr dest; /* UDP and TCP: the peer's address */
	uint32_t interface_addr_be; /* Multicast over IPv4: IPv4_interface; 0 = choose by name */
	uint16_t port; /* host order */
	uint32_t sndbuf_bytes, rcvbuf_bytes; /* 0 = the system's default */
	bool checksum; /* UDP checksums on what is sent */
	uint32_t error_queue_length; /* TCP; read for compatibility: the tables are our queue */
	struct config_loc loc, interface_loc, addr_loc, port_loc;
};

struct config_general {
	uint32_t hash_size; /* read for compatibility; our tables have no fixed buckets */
	uint32_t hash_limit; /* flows per table */
	char log_file[CONFIG_PATH_MAX + 1]; /* empty: no log file */
	bool syslog;
	int syslog_facility; /* LOG_DAEMON or LOG_LOCAL0..LOG_LOCAL7 of syslog.h */
	char lock_file[CONFIG_PATH_MAX + 1];
	char unix_path[CONFIG_UNIX_PATH_MAX + 1]; /* empty: no control socket */
	/* 0 = the system's default, also if the file's is above netlink_buffer_max_bytes */
	uint32_t netlink_buffer_bytes;
	uint32_t netlink_buffer_max_bytes; /* bound for growing after an overrun */
	uint32_t netlink_overrun_resync_s; /* 0 = never */
	bool netlink_events_reliable;
	uint32_t poll_s; /* PollSecs: no events, but a dump this often; 0 = events */
	uint32_t event_iteration_limit;
	enum config_scheduler scheduler; /* a default unless its setting has a line */
	uint8_t scheduler_priority; /* 0..99 */
	bool systemd;
	char user[CONFIG_USER_MAX + 1]; /* empty: stay who started us */
	char group[CONFIG_USER_MAX + 1]; /* empty: the user's own */
	bool filter_kernelspace;
	struct flow_filter filter;
};

struct config_sync {
	enum config_mode mode;
	uint32_t resend_queue_size;
	uint32_t ack_window_size;
	uint32_t commit_timeout_s; /* 0 = estimate from the timeout received */
	uint32_t purge_timeout_s;
	uint32_t refresh_s; /* ALARM */
	uint32_t cache_timeout_s; /* ALARM */
	bool disable_internal_cache; /* NOTRACK */
	bool disable_external_cache; /* FTFW and NOTRACK */
	bool standby_warm; /* StandbyTable Warm; FTFW and NOTRACK */
	uint32_t warm_age_s; /* WarmAge; the default unless standby_warm */
	uint32_t warm_rate; /* WarmRate: writes a second; the default unless standby_warm */
	uint32_t sync_delay_ms; /* SyncDelay; FTFW and NOTRACK */
	struct expect_filter expectation_sync;
	bool startup_resync;
	bool tcp_window_tracking;
	bool commit_half_open;
	bool new_events; /* NewEvents: false only without poll_s and disable_internal_cache */
	struct config_link links[CONFIG_LINKS_MAX];
	uint8_t links_count; /* at least 1 in a configuration without errors */
};

/* Stats: a line for each flow that ends. */
struct config_stats {
	char log_file[CONFIG_PATH_MAX + 1]; /* empty: no such file */
	bool syslog;
	int syslog_facility;
};

struct config {
	enum config_purpose purpose;
	struct config_general general;
	struct config_sync sync;
	struct config_stats stats;
	struct config_loc loc[CONFIG_SET_COUNT];
};

struct diag;

/* The defaults, all lines 0. */
void config_init(struct config *);

/*
 * Reads text (len bytes, no NUL needed) into c, defaults included, and checks it. name is what
 * problems are reported under, usually the file's path. d is initialised here and gets everything
 * that is wrong; a configuration with warnings only is usable.
 *
 * Returns 0, -EINVAL if d has at least one error (c is then valid memory, but not to be used as
 * a configuration), -EFBIG beyond CONFIG_FILE_BYTES_MAX or -ENOMEM; the latter two are in d too.
 */
int config_parse(struct config *c, const char *name, const char *text, size_t len, struct diag *d);

/* The same for the file path; also the negative errno of opening or reading it, told in d. */
int config_load(struct config *c, const char *path, struct diag *d);

/* The link that is used: the one marked Default, else the first. NULL without links. */
const struct config_link *config_link_used(const struct config *);

/* True if both say the same, lines apart. */
bool config_equal(const struct config *, const struct config *);

/*
 * Writes the settings in force as a configuration file that parses to an equal value; needs at
 * most about 20 KiB (text's len tells). Defined for configurations without errors.
 */
void config_print(const struct config *, struct text *);

/* A setting that differs between two configurations. */
struct config_change {
	enum config_setting setting;
	const char *name; /* as in the file, e.g. "PurgeTimeout" */
	uint32_t line; /* in the new file; 0 if it is a default there */
	bool at_runtime; /* can be taken over by a running daemon; else it needs a restart */
};

/*
 * Lists what changed from old to new, in the order of enum config_setting; returns how many,
 * which is 0 exactly if config_equal().
 */
size_t config_diff_reload(const struct config *old, const struct config *new,
	struct config_change changes[CONFIG_SET_COUNT]);

/* Names for messages: "FTFW"; "Multicast"; "LogFile". */
const char *config_mode_name(enum config_mode);
const char *config_transport_name(enum config_transport);
const char *config_setting_name(enum config_setting);

#endif
