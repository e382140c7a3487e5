# SPDX-License-Identifier: GPL-2.0-or-later
# The deterministic simulation: a cluster as a function of a seed. See doc/TESTING-sim.md.
check_PROGRAMS += tests/sim/sim
TESTS += tests/sim/run-seeds tests/sim/run-scenarios
dist_check_SCRIPTS = tests/sim/run-seeds tests/sim/run-scenarios
tests_sim_sim_SOURCES = \
	tests/sim/agenda.h tests/sim/agenda.c \
	tests/sim/chance.h tests/sim/chance.c tests/sim/chance_params.c \
	tests/sim/decode.c \
	tests/sim/coverage.h tests/sim/coverage.c \
	tests/sim/expect_check.h tests/sim/expect_check.c \
	tests/sim/expect_model.h tests/sim/expect_model.c \
	tests/sim/history.h tests/sim/history.c \
	tests/sim/invariants.h tests/sim/invariants.c tests/sim/converge.c \
	tests/sim/kernel_model.h tests/sim/kernel_model.c \
	tests/sim/keeper.h tests/sim/keeper.c \
	tests/sim/main.c \
	tests/sim/net.h tests/sim/net.c \
	tests/sim/node.h tests/sim/node.c \
	tests/sim/dice.h \
	tests/sim/oldpeer.h tests/sim/oldpeer.c \
	tests/sim/scenario.h tests/sim/scenario.c tests/sim/scenario_mixed.c \
	tests/sim/scenario_inject.c tests/sim/scenario_modes.c \
	tests/sim/scenario_restart.c \
	tests/sim/scenario_stress.c tests/sim/scenario_takeover.c \
	tests/sim/scenario_warm.c \
	tests/sim/sim.h tests/sim/sim.c \
	tests/sim/trace.h tests/sim/trace.c \
	tests/sim/traffic.h tests/sim/traffic.c tests/sim/traffic_compare.c
tests_sim_sim_LDADD = src/core/libcore.a src/wire/libwire.a tests/lib/libtest.a src/flow/libflow.a src/base/libbase.a

# More seeds than the regular check's: make check-sim SEEDS=100000 FROM=1
SEEDS = 2000
FROM = 1
.PHONY: check-sim
check-sim: tests/sim/sim
	tests/sim/sim --seeds $(SEEDS) --from $(FROM)
