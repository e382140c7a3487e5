# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmark reads and sets on the host: processors, memory, the kernel's limits, loads."""

import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from netns import Failed, built  # noqa: E402

REAL_TIME = ("chrt", "--rr", "99")
LIMIT = "/proc/sys/net/netfilter/nf_conntrack_max"
BUCKETS = "/proc/sys/net/netfilter/nf_conntrack_buckets"
# Before any of us is pinned.
AFFINITY = os.sched_getaffinity(0)


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def cpus():
    """(active daemon, backup daemon, generator): processor numbers."""
    have = sorted(AFFINITY)
    return have[0], have[min(1, len(have) - 1)], have[min(2, len(have) - 1)]


@contextlib.contextmanager
def beside_active():
    """This program and what it starts, off the backup's processor: a daemon in real time leaves the
    one who waits for its answer none until it has nothing more to do."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpus()[0]})
    yield
    os.sched_setaffinity(0, before)


def cpu_ns(pid):
    """Processor time that a process has taken [ns], by the scheduler's own account."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total


def memory_bytes(pid):
    """Memory that belongs to a process alone."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return 1024 * sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as f:
        return os.sysconf("SC_PAGE_SIZE") * int(f.read().split()[1])


def read_number(path):
    with open(path) as f:
        return int(f.read())


def write_number(path, value):
    with open(path, "w") as f:
        f.write(str(value))


def raise_limit(lab, flows):
    """
    The first namespace's limit bounds every namespace's table, and all share one hash table.
    While it is needed, both are raised for so many flows: a firewall that holds them would be
    set up so. A figure and its floor have to call this alike, for longer chains cost time.
    """
    before, buckets = read_number(LIMIT), read_number(BUCKETS)
    if flows * 1.01 <= before:
        return
    note(f"nf_conntrack_max is {before}, nf_conntrack_buckets {buckets}: raised to {flows * 2} "
         f"and {max(buckets, flows)} for the time of the run")
    lab.defer(lambda: write_number(BUCKETS, buckets))
    lab.defer(lambda: write_number(LIMIT, before))
    # The limit follows the buckets when these change.
    if flows > buckets:
        write_number(BUCKETS, flows)
    write_number(LIMIT, flows * 2)


def generate(space, verb, flows, *options, before=()):
    """Runs the load generator; Failed unless the kernel took all. before: words of a command that
    runs it."""
    done = space.run(*before, built("flowload"), verb, str(flows), *options, check=False,
                     deadline_s=600)
    if done.returncode != 0:
        raise Failed(f"the kernel did not take the load: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def pace(args):
    """The generator's options for how the load comes."""
    return ["--batch", str(args.batch), *(["--rate", str(args.rate)] if args.rate else [])]


def burden(space, cpu, name):
    """A program that takes all the time it gets on a processor; to be killed."""
    return space.spawn("taskset", "-c", str(cpu), sys.executable, "-c", "while True: pass",
                       name=name)
