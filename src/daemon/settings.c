/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/settings.h"
#include "wire/v1.h"

enum {
	SETTINGS_SILENT_POLL_S = 10, /* while there are flows that send no events */
	SETTINGS_UNHEARD_POLL_S = 5, /* while no births are heard */
	SETTINGS_MEMORY_KEEP_BYTES = 64 * 1024, /* beyond, what a burst has left goes back */
};

static int draw_random(void *buf, size_t len)
{
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}

static enum engine_mode engine_mode_of(enum config_mode mode)
{
	switch (mode) {
	case CONFIG_MODE_FTFW:
		break;
	case CONFIG_MODE_ALARM:
		return ENGINE_MODE_ALARM;
	case CONFIG_MODE_NOTRACK:
		return ENGINE_MODE_NOTRACK;
	}
	return ENGINE_MODE_FTFW;
}

/* How often the kernel's table is looked at, where it is. */
static uint32_t poll_s_of(const struct config *config)
{
	if (config->general.poll_s > 0)
		return config->general.poll_s;
	return config->purpose == CONFIG_SYNC && !config->sync.new_events ? SETTINGS_UNHEARD_POLL_S
									  : SETTINGS_SILENT_POLL_S;
}

/* Of a daemon that has peers; without links the engine keeps its own table alone. */
static void set_sync(const struct config *config, struct engine_config *out)
{
	const struct config_sync *sync = &config->sync;

	out->mode = engine_mode_of(sync->mode);
	out->links = sync->links_count;
	out->link_default = (unsigned)(config_link_used(config) - sync->links);
	out->one_peer = true;
	for (unsigned i = 0; i < sync->links_count; i++)
		out->one_peer = out->one_peer && sync->links[i].transport != CONFIG_MULTICAST;
	out->births_unheard = !sync->new_events;
	out->refresh_s = sync->refresh_s;
	out->cache_timeout_s = sync->cache_timeout_s;
	out->internal_cache_off = sync->disable_internal_cache;
	out->external_cache_off = sync->disable_external_cache;
	out->standby_warm = sync->standby_warm;
	out->warm_age_ms = sync->warm_age_s * 1000;
	out->warm_rate = sync->warm_rate;
	out->sync_delay_ms = sync->sync_delay_ms;
	out->expect_filter = sync->expectation_sync;
}

int settings_engine(const struct config *config, uint32_t datagram_bytes, struct engine_config *out)
{
	int err;

	*out = (struct engine_config){
		.flows_max = config->general.hash_limit,
		.datagram_bytes = datagram_bytes,
		.ack_window = config->sync.ack_window_size,
		.resend_max = config->sync.resend_queue_size,
		.commit_timeout_s = config->sync.commit_timeout_s,
		.purge_timeout_s = config->sync.purge_timeout_s,
		.polling = config->general.poll_s > 0,
		.poll_s = poll_s_of(config),
		.startup_resync = config->sync.startup_resync,
		.tcp_window_tracking = config->sync.tcp_window_tracking,
		.commit_half_open = config->sync.commit_half_open,
		.memory_keep_bytes = SETTINGS_MEMORY_KEEP_BYTES,
		.first_seq = (uint32_t)time(NULL),
		.filter = config->general.filter,
	};
	out->tells_ended = config->purpose == CONFIG_STATS;
	if (config->purpose == CONFIG_SYNC)
		set_sync(config, out);
	err = draw_random(&out->boot_id, sizeof(out->boot_id));
	if (!err)
		err = draw_random(out->hash_key, sizeof(out->hash_key));
	return err;
}

static struct channel_addr addr_of(uint8_t l3, const union flow_addr *addr)
{
	struct in_addr v4 = {.s_addr = addr->v4_be};
	struct in6_addr v6;

	if (l3 == AF_INET)
		return channel_addr_of_v4(v4);
	memcpy(v6.s6_addr, addr->bytes, sizeof(v6.s6_addr));
	return channel_addr_of_v6(&v6);
}

/* No address to listen at: all of them. */
static bool is_any(const struct config_link *link)
{
	const union flow_addr none = {0};

	return link->l3 == AF_INET ? link->addr.v4_be == 0
				   : memcmp(&link->addr, &none, sizeof(none)) == 0;
}

static enum channel_kind channel_kind_of(enum config_transport transport)
{
	switch (transport) {
	case CONFIG_MULTICAST:
		break;
	case CONFIG_UDP:
		return CHANNEL_UDP;
	case CONFIG_TCP:
		return CHANNEL_TCP;
	}
	return CHANNEL_MULTICAST;
}

void settings_channel(const struct config_link *link, struct channel_config *out)
{
	*out = (struct channel_config){
		.kind = channel_kind_of(link->transport),
		.family = link->l3,
		.port = link->port,
		.sndbuf_bytes = link->sndbuf_bytes,
		.rcvbuf_bytes = link->rcvbuf_bytes,
		.checksum = link->checksum,
		.frame = wire_v1_stream,
	};
	memcpy(out->interface, link->interface, sizeof(out->interface));
	if (link->transport != CONFIG_MULTICAST) {
		out->group = addr_of(link->l3, &link->dest);
		if (!is_any(link))
			out->local = addr_of(link->l3, &link->addr);
		return;
	}
	out->group = addr_of(link->l3, &link->addr);
	if (link->l3 == AF_INET && link->interface_addr_be)
		out->local = channel_addr_of_v4((struct in_addr){link->interface_addr_be});
}

void settings_log(const struct config *config, bool to_stderr, struct log_config *out)
{
	*out = (struct log_config){
		.ident = "ctsyncd",
		.level = LOG_LEVEL_INFO,
		.to_stderr = to_stderr,
		.file = config->general.log_file,
		.syslog_facility = config->general.syslog ? config->general.syslog_facility : -1,
	};
}
