/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "tests/sim/net.h"
#include "wire/v1.h"

static void print_control(const struct wire_v1_message *m)
{
	struct wire_v1_mark mark;

	if (m->flags & WIRE_V1_ACK)
		printf(" ack %x-%x", m->from, m->to);
	else if (m->flags & WIRE_V1_NACK)
		printf(" nack %x-%x", m->from, m->to);
	else if (m->flags & WIRE_V1_RESYNC)
		printf(" resync");
	else if (wire_v1_get_mark(m, &mark))
		printf(" mark %u %x %u", mark.kind, mark.value, mark.value2);
	else
		printf(" alive");
}

void net_print(const uint8_t *bytes, size_t len)
{
	static const char *const kinds[] = {"new", "upd", "del"};
	struct rbuf r = rbuf_of(bytes, len);
	struct wire_v1_message m;
	enum wire_v1_result res;
	struct flow f;

	printf("          ");
	while ((res = wire_v1_next(&r, &m)) != WIRE_V1_END) {
		if (res != WIRE_V1_OK) {
			printf(" (bad %d)", res);
			continue;
		}
		printf(" [%x", m.seq);
		if (m.flags & WIRE_V1_HELLO)
			printf(" hello");
		if (m.flags & WIRE_V1_HELLO_BACK)
			printf(" hello_back");
		if (m.type == WIRE_V1_CTL)
			print_control(&m);
		else if (m.type <= WIRE_V1_CT_DEL && wire_v1_get_flow(&m, &f) == WIRE_V1_OK)
			printf(" %s slot %d v%u", kinds[m.type], traffic_slot(&f), f.mark);
		printf("]");
	}
	printf("\n");
}
