/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/check.h"
#include "tests/sim/chance.h"
#include "tests/sim/scenario.h"

/* The random run with its mode given: a seed alone chooses one, and FTFW most often. */
static void params_of(uint64_t seed, struct sim_params *p, enum engine_mode mode)
{
	chance_params(seed, p);
	p->config.mode = mode;
	p->config.internal_cache_off = p->config.polling = false;
	p->config.refresh_s = 1 + (uint32_t)(seed % 5);
	p->config.cache_timeout_s = 3 * p->config.refresh_s;
}

static void params_notrack(uint64_t seed, struct sim_params *p)
{
	params_of(seed, p, ENGINE_MODE_NOTRACK);
}

static void params_no_cache(uint64_t seed, struct sim_params *p)
{
	params_of(seed, p, ENGINE_MODE_NOTRACK);
	p->config.internal_cache_off = true;
	p->config.standby_warm = false; /* the engine has none then, nor in ALARM */
}

static void params_alarm(uint64_t seed, struct sim_params *p)
{
	params_of(seed, p, ENGINE_MODE_ALARM);
	p->config.standby_warm = false;
}

static void params_polling(uint64_t seed, struct sim_params *p)
{
	params_of(seed, p, seed % 2 ? ENGINE_MODE_FTFW : ENGINE_MODE_NOTRACK);
	p->config.polling = true;
	p->config.poll_s = 1;
}

static void run(struct sim *s)
{
	scenario_chance.run(s);
}

static const struct scenario modes[] = {
	{"chance: NOTRACK", params_notrack, run},
	{"chance: no internal cache", params_no_cache, run},
	{"chance: ALARM", params_alarm, run},
	{"chance: polling", params_polling, run},
};

const struct scenario_group scenarios_modes = {modes, ARRAY_SIZE(modes)};
