/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>

#include "daemon/names.h"
#include "daemon/reply.h"
#include "flow/print.h"
#include "flow/status.h"

static json_t *peer_object(const struct engine_peer_status *peer)
{
	char addr[NAME_ADDR_BYTES];

	return json_pack("{s:s, s:s, s:b, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "address",
		name_addr(&peer->addr, addr), "sync", name_sync(peer->sync), "in_sync",
		peer->sync == ENGINE_SYNCED, "why", explain_sync(peer->sync), "ctsync",
		peer->is_ctsync, "flows", (json_int_t)peer->flows, "bulk_flows",
		(json_int_t)peer->bulk_flows, "bulk_total", (json_int_t)peer->bulk_total, "unacked",
		(json_int_t)peer->unacked, "lost", (json_int_t)peer->lost, "heard_ago_ms",
		(json_int_t)peer->heard_ago_ms);
}

/*
 * An address that was heard once, is silent and holds nothing here (a node that was renumbered, a
 * stray datagram) does not count while another peer is in step.
 */
static bool all_in_sync(const struct engine_status *status)
{
	unsigned synced = 0, behind = 0;

	for (unsigned i = 0; i < status->peers_count; i++) {
		const struct engine_peer_status *peer = &status->peers[i];

		if (peer->sync == ENGINE_SYNCED)
			synced++;
		else if (peer->sync == ENGINE_SYNC_SILENT && peer->flows == 0)
			continue;
		else
			behind++;
	}
	return status->kernel_synced && synced > 0 && behind == 0;
}

json_t *reply_status(const struct engine_status *status)
{
	json_t *peers = json_array();
	bool in_sync = all_in_sync(status);

	for (unsigned i = 0; i < status->peers_count; i++)
		json_array_append_new(peers, peer_object(&status->peers[i]));
	return json_pack("{s:s, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"role", name_role(status->role), "in_sync", in_sync, "kernel_synced",
		status->kernel_synced, "committing", status->committing, "purge_scheduled",
		status->purge_scheduled, "purge_in_ms", (json_int_t)status->purge_in_ms,
		"local_flows", (json_int_t)status->local_flows, "local_silent",
		(json_int_t)status->local_silent, "remote_flows", (json_int_t)status->remote_flows,
		"tombstones", (json_int_t)status->tombstones, "send_queue",
		(json_int_t)status->send_queue, "memory_bytes", (json_int_t)status->memory_bytes,
		"peers", peers);
}

json_t *reply_counters(const uint64_t counters[COUNTERS])
{
	json_t *object = json_object();

	for (unsigned i = 0; i < COUNTERS; i++)
		json_object_set_new(
			object, counter_info[i].name, json_integer((json_int_t)counters[i]));
	return object;
}

json_t *reply_done(const struct engine_event *event)
{
	json_t *errnos = json_object();

	for (unsigned i = 0; i < ENGINE_ERRNOS_MAX && event->errnos[i].count; i++)
		json_object_set_new(errnos, name_errno(event->errnos[i].err),
			json_integer((json_int_t)event->errnos[i].count));
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:o}", "command",
		name_command(event->command), "outcome", name_outcome(event->outcome), "written",
		(json_int_t)event->written, "refused", (json_int_t)event->refused, "skipped",
		(json_int_t)event->skipped, "took_ms", (double)event->took_ns / 1e6, "errnos",
		errnos);
}

void reply_flow_text(struct text *t, const struct engine_flow_view *view)
{
	flow_print(t, &view->flow, 0);
}

static void json_member(struct text *t, const char *name)
{
	text_puts(t, ", \"");
	text_puts(t, name);
	text_puts(t, "\": ");
}

static void json_number(struct text *t, const char *name, uint64_t v)
{
	json_member(t, name);
	text_u64(t, v);
}

/* Only for words that need no escaping: our own names and the kernel's helper names. */
static void json_word(struct text *t, const char *name, const char *word)
{
	json_member(t, name);
	text_putc(t, '"');
	for (; *word; word++)
		text_putc(t, *word == '"' || *word == '\\' || *word < ' ' ? '?' : *word);
	text_putc(t, '"');
}

static void json_addr(struct text *t, const char *name, uint8_t l3, const union flow_addr *addr)
{
	char buf[INET6_ADDRSTRLEN] = "";

	if (inet_ntop(l3 == AF_INET6 ? AF_INET6 : AF_INET, addr->bytes, buf, sizeof(buf)))
		json_word(t, name, buf);
}

static void json_tuple(struct text *t, const char *name, const struct flow_tuple *tuple)
{
	json_member(t, name);
	text_puts(t, "{\"l3\": ");
	text_u64(t, tuple->l3);
	json_addr(t, "src", tuple->l3, &tuple->src);
	json_addr(t, "dst", tuple->l3, &tuple->dst);
	if (flow_l4_is_icmp(tuple->l4)) {
		json_number(t, "icmp_type", tuple->icmp_type);
		json_number(t, "icmp_code", tuple->icmp_code);
		json_number(t, "icmp_id", ntohs(tuple->icmp_id_be));
	} else if (flow_l4_has_ports(tuple->l4)) {
		json_number(t, "sport", ntohs(tuple->sport_be));
		json_number(t, "dport", ntohs(tuple->dport_be));
	} else if (tuple->l4 == IPPROTO_GRE) {
		json_number(t, "srckey", ntohs(tuple->sport_be));
		json_number(t, "dstkey", ntohs(tuple->dport_be));
	}
	text_putc(t, '}');
}

void reply_flow_json(struct text *t, const struct engine_flow_view *view)
{
	const struct flow *f = &view->flow;

	/* One line a flow, written straight: a table of millions is shown this way. */
	text_puts(t, "{\"protocol\": \"");
	text_puts(t, flow_l4_name(f->tuple[FLOW_ORIG].l4));
	text_putc(t, '"');
	json_number(t, "protonum", f->tuple[FLOW_ORIG].l4);
	json_tuple(t, "original", &f->tuple[FLOW_ORIG]);
	if (flow_has(f, FLOW_REPL_L3PROTO))
		json_tuple(t, "reply", &f->tuple[FLOW_REPL]);
	if (flow_has(f, FLOW_TIMEOUT))
		json_number(t, "timeout", f->timeout);
	if (flow_has(f, FLOW_TCP_STATE))
		json_word(t, "state", flow_tcp_state_name(f->tcp.state));
	if (flow_has(f, FLOW_SCTP_STATE))
		json_word(t, "state", flow_sctp_state_name(f->sctp.state));
	if (flow_has(f, FLOW_DCCP_STATE))
		json_word(t, "state", flow_dccp_state_name(f->dccp.state));
	if (flow_has(f, FLOW_STATUS))
		json_number(t, "status", f->status);
	if (flow_has(f, FLOW_MARK))
		json_number(t, "mark", f->mark);
	if (flow_has(f, FLOW_ZONE))
		json_number(t, "zone", f->zone);
	if (flow_has(f, FLOW_ORIG_ZONE))
		json_number(t, "zone_orig", f->tuple[FLOW_ORIG].zone);
	if (flow_has(f, FLOW_REPL_ZONE))
		json_number(t, "zone_reply", f->tuple[FLOW_REPL].zone);
	if (flow_has(f, FLOW_HELPER_NAME))
		json_word(t, "helper", f->helper_name);
	if (flow_has(f, FLOW_ID))
		json_number(t, "id", f->id);
	json_number(t, "age_ms", (uint64_t)view->age_ms);
	text_puts(t, view->silent ? ", \"silent\": true" : ", \"silent\": false");
	json_number(t, "peer", view->peer);
	text_putc(t, '}');
}
