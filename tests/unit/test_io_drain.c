/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "io/drain.h"
#include "unit.h"

static mono at_us(int64_t us)
{
	return (mono){us * NS_PER_US};
}

static void drain_wakes_at_once_when_idle(void)
{
	struct drain d;

	drain_init(&d, 16, NS_PER_MS);
	CU_ASSERT_TRUE(drain_wants_wake(&d));
	CU_ASSERT_TRUE(mono_is_never(drain_deadline(&d)));
	/* One message every 2 ms is idle for ever. */
	for (int i = 0; i < 1000; i++)
		drain_done(&d, at_us(i * 2000), 1);
	CU_ASSERT_TRUE(drain_wants_wake(&d));
	CU_ASSERT_EQUAL(d.switches, 0);
}

static void drain_gathers_after_one_large_reading(void)
{
	struct drain d;

	drain_init(&d, 16, NS_PER_MS);
	drain_done(&d, at_us(500), 16);
	CU_ASSERT_FALSE(drain_wants_wake(&d));
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(1500).ns);
}

static void drain_sees_a_rate_that_reading_keeps_up_with(void)
{
	struct drain d;
	int i = 0;

	drain_init(&d, 16, NS_PER_MS);
	while (drain_wants_wake(&d) && i < 100)
		drain_done(&d, at_us(10 * i++), 1); /* 100,000 a second, one by one */
	CU_ASSERT_EQUAL(i, 16);
	CU_ASSERT_EQUAL(d.switches, 1);
}

static void drain_window_does_not_add_up_over_time(void)
{
	struct drain d;

	drain_init(&d, 16, NS_PER_MS);
	for (int i = 0; i < 15; i++)
		drain_done(&d, at_us(i), 1);
	drain_done(&d, at_us(1000), 1); /* the next window */
	CU_ASSERT_TRUE(drain_wants_wake(&d));
	drain_done(&d, at_us(1001), 14);
	CU_ASSERT_TRUE(drain_wants_wake(&d));
	drain_done(&d, at_us(1002), 1);
	CU_ASSERT_FALSE(drain_wants_wake(&d));
}

static void drain_stays_busy_and_goes_idle_by_itself(void)
{
	struct drain d;

	drain_init(&d, 16, NS_PER_MS);
	drain_done(&d, at_us(0), 20);
	drain_done(&d, at_us(1100), 16);
	CU_ASSERT_FALSE(drain_wants_wake(&d));
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(2100).ns);
	for (unsigned i = 1; i < DRAIN_QUIET_GATHERINGS; i++) {
		drain_done(&d, at_us(2100), 15);
		CU_ASSERT_FALSE(drain_wants_wake(&d));
	}
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(3100).ns);
	drain_done(&d, at_us(3100), 15);
	CU_ASSERT_TRUE(drain_wants_wake(&d));
	CU_ASSERT_TRUE(mono_is_never(drain_deadline(&d)));
	CU_ASSERT_EQUAL(d.switches, 1);
}

static void drain_gathers_longer_where_little_comes(void)
{
	struct drain d;

	drain_init(&d, 16, NS_PER_MS);
	drain_stretch(&d, 64);
	drain_done(&d, at_us(0), 20);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(1000).ns);
	drain_done(&d, at_us(1000), 63);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(3000).ns);
	/* as many in twice the time are not many */
	drain_done(&d, at_us(3000), 127);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(5000).ns);
	drain_done(&d, at_us(5000), 128);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(6000).ns);
	/* read twice at once, since one reading did not take all */
	drain_done(&d, at_us(5000), 0);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, at_us(6000).ns);
}

static void drain_stays_busy_between_bursts(void)
{
	struct drain d;

	drain_init(&d, 16, NS_PER_MS);
	drain_done(&d, at_us(0), 64);
	for (unsigned burst = 0; burst < 100; burst++) {
		for (unsigned i = 1; i < DRAIN_QUIET_GATHERINGS; i++)
			drain_done(&d, drain_deadline(&d), 0);
		drain_done(&d, drain_deadline(&d), 64);
	}
	CU_ASSERT_FALSE(drain_wants_wake(&d));
	CU_ASSERT_EQUAL(d.switches, 1);
}

/* One that overflows is gathered for less, and for as long as before once that has passed. */
static void drain_gathers_no_more_than_it_is_told(void)
{
	struct drain d;
	int64_t now = 0;

	drain_init(&d, 4, 8 * NS_PER_MS);
	drain_bound(&d, 64);
	drain_done(&d, at_us(0), 4);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns, 8 * NS_PER_MS / DRAIN_FIRST_PART);
	for (unsigned i = 0; i < 10; i++)
		drain_done(&d, drain_deadline(&d), 10);
	now = drain_deadline(&d).ns;
	drain_done(&d, drain_deadline(&d), 10);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns - now, 8 * NS_PER_MS);
	now = drain_deadline(&d).ns;
	drain_done(&d, drain_deadline(&d), 256);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns - now, 2 * NS_PER_MS);
	for (unsigned i = 0; i < 10; i++) {
		now = drain_deadline(&d).ns;
		drain_done(&d, drain_deadline(&d), 64);
		CU_ASSERT_EQUAL(drain_deadline(&d).ns - now, 2 * NS_PER_MS);
	}
	for (unsigned i = 0; i < 100; i++)
		drain_done(&d, drain_deadline(&d), 100000);
	now = drain_deadline(&d).ns;
	drain_done(&d, drain_deadline(&d), 100000);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns - now, 8 * NS_PER_MS / DRAIN_LEAST_PART);
	for (unsigned i = 0; i < DRAIN_QUIET_GATHERINGS; i++)
		drain_done(&d, drain_deadline(&d), 3);
	CU_ASSERT_TRUE(drain_wants_wake(&d));
}

/* Read sooner, for its own reasons, a socket has not shown yet how much comes. */
static void drain_learns_nothing_from_what_is_read_early(void)
{
	struct drain d;
	mono next;

	drain_init(&d, 4, 8 * NS_PER_MS);
	drain_bound(&d, 64);
	drain_done(&d, at_us(0), 4);
	for (unsigned i = 1; i <= 100; i++)
		drain_done(&d, at_us(100 * i), 16); /* 160,000 a second */
	next = drain_deadline(&d);
	CU_ASSERT_EQUAL(next.ns - at_us(100 * 100).ns, 8 * NS_PER_MS / DRAIN_FIRST_PART);
	/* but from too many, it does */
	drain_done(&d, at_us(10100), 128);
	CU_ASSERT_EQUAL(
		drain_deadline(&d).ns - at_us(10100).ns, 8 * NS_PER_MS / DRAIN_FIRST_PART / 2);
	next = drain_deadline(&d);
	drain_done(&d, next, 16);
	CU_ASSERT_EQUAL(drain_deadline(&d).ns - next.ns, 8 * NS_PER_MS / DRAIN_FIRST_PART);
}

static const struct unit_test tests[] = {
	{"drain wakes at once when idle", drain_wakes_at_once_when_idle},
	{"drain gathers after one large reading", drain_gathers_after_one_large_reading},
	{"drain sees a rate that reading keeps up with",
		drain_sees_a_rate_that_reading_keeps_up_with},
	{"drain's window does not add up over time", drain_window_does_not_add_up_over_time},
	{"drain stays busy and goes idle by itself", drain_stays_busy_and_goes_idle_by_itself},
	{"drain gathers longer where little comes", drain_gathers_longer_where_little_comes},
	{"drain stays busy between bursts", drain_stays_busy_between_bursts},
	{"drain gathers no more than it is told", drain_gathers_no_more_than_it_is_told},
	{"drain learns nothing from what is read early",
		drain_learns_nothing_from_what_is_read_early},
};

UNIT_MAIN("io drain", tests)
