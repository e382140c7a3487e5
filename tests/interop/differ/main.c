/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfct_differ: two builds of libnetfilter_conntrack in one process, the same random operations on
 * both, and whatever can be seen of them compared.
 *
 *	nfct_differ OURS THEIRS [--episodes N] [--from K] [--verbose]
 *
 * OURS and THEIRS are paths of shared objects; where they are the same, no exception is expected.
 * CTSYNC_SEED=N repeats a run; an episode that failed is repeated by --from K --episodes 1.
 * Exit status: 0 nothing differs but the listed exceptions, each of which was seen; 1 something
 * else differs, or an exception was not seen; 2 usage.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/interop/differ/differ.h"
#include "tests/lib/seed.h"

enum { EPISODES_DEFAULT = 4000, MIX = 0x9e3779b9 };

static const struct {
	const char *name;
	unsigned weight;
	void (*run)(struct differ *);
} kinds[] = {
	{"ct", 50, episode_ct},
	{"exp", 15, episode_exp},
	{"bitmask", 4, episode_bitmask},
	{"labelmap", 6, episode_labelmap},
	{"filter", 8, episode_filter},
	{"filter_dump", 7, episode_filter_dump},
	{"handle", 12, episode_handle},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char *const function_names[] = {
#define API_NAME(name) #name,
	API_FUNCTIONS(API_NAME)
#undef API_NAME
};

static bool load(enum side side, const char *path)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void **slots = (void **)&api_of[side];

	if (!dl) {
		fprintf(stderr, "nfct_differ: %s\n", dlerror());
		return false;
	}
	for (size_t i = 0; i < sizeof(function_names) / sizeof(function_names[0]); i++) {
		slots[i] = dlsym(dl, function_names[i]);
		if (!slots[i]) {
			fprintf(stderr, "nfct_differ: %s lacks %s\n", path, function_names[i]);
			return false;
		}
	}
	return true;
}

static void run_episode(struct differ *d, uint64_t seed, const char *only)
{
	unsigned total = 0, pick, k;

	d->rng = rng_of(seed + d->episode * MIX);
	d->differed = false;
	for (k = 0; k < KINDS; k++)
		total += kinds[k].weight;
	pick = below(d, total);
	for (k = 0; pick >= kinds[k].weight; k++)
		pick -= kinds[k].weight;
	if (only && strcmp(only, kinds[k].name) != 0)
		return;
	if (d->verbose)
		printf("episode %llu: %s\n", (unsigned long long)d->episode, kinds[k].name);
	kinds[k].run(d);
}

static int usage(void)
{
	fprintf(stderr, "usage: nfct_differ OURS THEIRS [--episodes N] [--from K] [--kind KIND] "
			"[--verbose]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"episodes", required_argument, NULL, 'e'},
		{"from", required_argument, NULL, 'f'},
		{"kind", required_argument, NULL, 'k'},
		{"verbose", no_argument, NULL, 'v'},
		{0},
	};
	uint64_t episodes = EPISODES_DEFAULT, from = 0, seed;
	char tmp[] = "/tmp/nfct-differ-XXXXXX";
	static struct differ d;
	const char *only = NULL;
	bool whole;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (opt == 'e')
			episodes = strtoull(optarg, NULL, 0);
		else if (opt == 'f')
			from = strtoull(optarg, NULL, 0);
		else if (opt == 'k')
			only = optarg;
		else if (opt == 'v')
			d.verbose = true;
		else
			return usage();
	}
	if (argc - optind != 2)
		return usage();
	if (!load(OURS, argv[optind]) || !load(THEIRS, argv[optind + 1]))
		return 1;
	may_leak[OURS] = d.same_library = api_of[OURS].nfct_new == api_of[THEIRS].nfct_new;
	d.tmp = mkdtemp(tmp);
	if (!d.tmp)
		return 1;
	seed = seed_get("nfct_differ");
	fflush(stdout);
	side_on_death(&d);
	for (d.episode = from; d.episode < from + episodes; d.episode++)
		run_episode(&d, seed, only);
	rmdir(tmp);
	whole = episodes >= EPISODES_DEFAULT && !only && !d.same_library;
	return differ_summary(whole) ? 0 : 1;
}
