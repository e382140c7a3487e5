/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/trace.h"

#define X(name) #name,
static const char *const kind_names[] = {TRACE_KINDS(X)};
#undef X

struct trace *trace_current;

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
	return h ^ (h >> 32);
}

uint64_t trace_hash(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = mix(UINT64_C(0x6a09e667f3bcc908), len);

	while (len > 0) {
		size_t n = len < sizeof(uint64_t) ? len : sizeof(uint64_t);
		uint64_t v = 0;

		memcpy(&v, p, n);
		h = mix(h, v);
		p += n;
		len -= n;
	}
	return h;
}

void trace_put(
	struct trace *t, enum trace_kind kind, unsigned node, uint64_t a, uint64_t b, uint64_t c)
{
	t->hash = mix(t->hash, (uint64_t)t->now.ns);
	t->hash = mix(t->hash, (uint64_t)kind << 8 | node);
	t->hash = mix(mix(mix(t->hash, a), b), c);
	if (t->verbose)
		printf("%10.6f n%u %-12s %" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
			(double)t->now.ns / NS_PER_SEC, node, kind_names[kind], a, b, c);
}

_Noreturn void trace_fail(struct trace *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(t->why, sizeof(t->why), format, ap);
	va_end(ap);
	longjmp(t->way_out, 1);
}

/* Takes the place of libbase's, so that a failed assertion fails its seed and not the whole run. */
_Noreturn void check_failed(const char *file, int line, const char *what)
{
	if (!trace_current) {
		fprintf(stderr, "%s:%d: CHECK(%s)\n", file, line, what);
		exit(2);
	}
	trace_fail(trace_current, "%s:%d: CHECK(%s)", file, line, what);
}
