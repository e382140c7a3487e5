/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/scenario.h"

/*
 * sim --seed N [--scenario NAME] [--verbose]    one run
 * sim --seeds N [--from M] [--scenario NAME]    many, each twice
 * sim --scenarios SEEDS                         every targeted scenario, under so many seeds
 */
struct outcome {
	bool passed;
	uint64_t hash;
	char why[600];
};

static uint64_t running_seed;
static const char *running_scenario;

static void print_repeat(FILE *to)
{
	fprintf(to, "repeat with: tests/sim/sim --seed %" PRIu64, running_seed);
	if (strcmp(running_scenario, scenario_chance.name) != 0)
		fprintf(to, " --scenario \"%s\"", running_scenario);
	fprintf(to, " --verbose\n");
}

/* A sanitizer ends the process: which seed it was must not be lost. */
static void on_death(void)
{
	print_repeat(stderr);
}

extern void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

static void print_params(const struct sim_params *p)
{
	const struct engine_config *c = &p->config;

	printf("nodes %u slots %u faults_ms %u loss %u/%u/%u duplicate %u corrupt %u %s\n",
		p->nodes, p->slots, p->faults_ms, p->loss_permille[0], p->loss_permille[1],
		p->loss_permille[2], p->duplicate_permille, p->corrupt_permille,
		p->corruption == SIM_CORRUPT_DELIVERED ? "delivered" : "dropped");
	printf("delay_us %lld jitter_us %lld traffic %u per %u ms events_cap %zu dump_ahead %d\n",
		(long long)p->delay_us, (long long)p->jitter_us, p->traffic_round, p->traffic_ms,
		p->events_cap, p->dump_ahead);
	printf("refuse %u dump_abort %u ack_window %u resend_max %u commit_timeout %u purge %u "
	       "poll %u filter %u %u\n",
		p->refuse_permille, p->dump_abort_permille, c->ack_window, c->resend_max,
		c->commit_timeout_s, c->purge_timeout_s, c->poll_s, c->filter.protocol_policy,
		c->filter.state_policy);
	printf("mode %d%s%s%s%s%s\n", (int)c->mode, c->polling ? ", polling" : "",
		c->standby_warm ? ", warm" : "", c->external_cache_off ? ", no external cache" : "",
		c->internal_cache_off ? ", no internal cache" : "",
		c->births_unheard ? ", no NEW events" : "");
}

static void run(const struct scenario *sc, uint64_t seed, bool verbose, struct outcome *out,
	struct coverage *sum)
{
	static struct sim s; /* outlives the jump out of a failed run */
	struct sim_params p;

	running_seed = seed;
	running_scenario = sc->name;
	sc->params(seed, &p);
	if (verbose)
		print_params(&p);
	memset(out, 0, sizeof(*out));
	memset(&s, 0, sizeof(s));
	if (setjmp(s.trace.way_out) == 0) {
		sim_init(&s, seed, &p, verbose);
		trace_current = &s.trace;
		sc->run(&s);
		out->passed = true;
	} else {
		snprintf(out->why, sizeof(out->why), "%s (at %.3f s)", s.trace.why,
			(double)s.now.ns / NS_PER_SEC);
	}
	trace_current = NULL;
	out->hash = s.trace.hash;
	for (unsigned i = 0; i < s.params.nodes; i++)
		for (int c = 0; c < COUNTERS; c++)
			s.coverage.engine[c] += s.nodes[i].counters[c];
	if (sum)
		coverage_add(sum, &s.coverage);
	sim_fini(&s);
}

/* Runs a seed twice: it has to pass, and to be the same run. */
static bool run_twice(const struct scenario *sc, uint64_t seed, struct coverage *sum)
{
	struct outcome first, second;

	run(sc, seed, false, &first, sum);
	run(sc, seed, false, &second, NULL);
	if (first.passed && second.passed && first.hash == second.hash)
		return true;
	if (!first.passed)
		printf("seed %" PRIu64 ": %s\n", seed, first.why);
	if (first.hash != second.hash)
		printf("seed %" PRIu64 ": two runs differ: traces %016" PRIx64 " and %016" PRIx64
		       "\n",
			seed, first.hash, second.hash);
	print_repeat(stdout);
	return false;
}

static int run_many(const struct scenario *sc, uint64_t from, uint64_t count)
{
	struct coverage sum = {0};
	uint64_t failed = 0;
	bool enough = true;

	for (uint64_t seed = from; seed < from + count; seed++)
		failed += !run_twice(sc, seed, &sum);
	coverage_print(&sum);
	if (sc == &scenario_chance && count >= COVERAGE_SEEDS / 2)
		enough = coverage_enough(&sum, count);
	printf("sim %s: %" PRIu64 " passed, %" PRIu64 " failed\n", sc->name, count - failed,
		failed);
	return failed == 0 && enough ? 0 : 1;
}

static int run_one(const struct scenario *sc, uint64_t seed, bool verbose)
{
	struct coverage sum = {0};
	struct outcome out;

	run(sc, seed, verbose, &out, &sum);
	if (verbose)
		coverage_print(&sum);
	printf("seed %" PRIu64 " trace %016" PRIx64 ": %s\n", seed, out.hash,
		out.passed ? "passed" : out.why);
	return out.passed ? 0 : 1;
}

static const struct scenario_group *const groups[] = {&scenarios_takeover, &scenarios_restart,
	&scenarios_mixed, &scenarios_modes, &scenarios_stress, &scenarios_inject, &scenarios_warm};

static int run_scenarios(uint64_t seeds)
{
	unsigned passed = 0, failed = 0;

	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		for (unsigned i = 0; i < groups[g]->count; i++) {
			const struct scenario *sc = &groups[g]->scenarios[i];
			bool ok = true;

			for (uint64_t seed = 1; seed <= seeds; seed++)
				ok = run_twice(sc, seed, NULL) && ok;
			printf("%s: %s\n", sc->name, ok ? "passed" : "FAILED");
			passed += ok;
			failed += !ok;
		}
	}
	printf("sim scenarios: %u passed, %u failed\n", passed, failed);
	return failed == 0 ? 0 : 1;
}

static const struct scenario *scenario_find(const char *name)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (unsigned i = 0; i < groups[g]->count; i++)
			if (strcmp(groups[g]->scenarios[i].name, name) == 0)
				return &groups[g]->scenarios[i];
	return strcmp(name, scenario_chance.name) == 0 ? &scenario_chance : NULL;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim --seed N | --seeds N [--from M] | --scenarios SEEDS\n"
			"           [--scenario NAME] [--verbose]\n");
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (unsigned i = 0; i < groups[g]->count; i++)
			fprintf(stderr, "  \"%s\"\n", groups[g]->scenarios[i].name);
	return 2;
}

int main(int argc, char **argv)
{
	const struct scenario *sc = &scenario_chance;
	uint64_t seed = 0, seeds = 0, from = 1, each = 0;
	bool verbose = false;

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(on_death);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
			continue;
		}
		if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--seeds") == 0)
			seeds = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--from") == 0)
			from = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--scenarios") == 0)
			each = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--scenario") == 0)
			sc = scenario_find(value);
		else
			return usage();
		i++;
	}
	if (!sc)
		return usage();
	if (each > 0)
		return run_scenarios(each);
	if (seeds > 0)
		return run_many(sc, from, seeds);
	return seed > 0 ? run_one(sc, seed, verbose) : usage();
}
