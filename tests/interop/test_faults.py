#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctsyncd beside conntrackd 1.4.7 when datagrams are lost, daemons die, and roles change."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True

from cases import equal, run_cases, same_flows  # noqa: E402
from ctnl import add_flows, carried_zoo, change_flows, delete_flows, flow, zoo  # noqa: E402
from netns import Failed, Lab, built, wait_for  # noqa: E402
from peers import SETTLE_S, Pair, load  # noqa: E402

BURST = 20000
RATE = "20000"
# conntrackd tells no end of its table: what it no longer names is dropped this long after a resync.
SWEEP_S = 60


def background(space, verb, count, *more):
    return space.spawn(built("flowload"), verb, str(count), "--rate", RATE, *more,
                       name=f"load-{verb}")


def finish(*loads):
    for one in loads:
        wait_for(lambda one=one: not one.alive(), SETTLE_S, f"{one.name} ends")
        equal(one.popen.returncode, 0, f"{one.name}: exit status: {one.log_text()}")


def bursts(name, active, backup):
    with Lab(name) as lab:
        pair = Pair(lab, active, backup, loss=5)
        load(pair.a, "create", BURST, "--rate", RATE)
        load(pair.a, "update", BURST, "--rate", RATE, "--mark", "5")
        load(pair.a, "delete", BURST // 2, "--first", str(BURST // 4), "--rate", RATE)
        # born, changed and gone within one burst
        load(pair.a, "create", 3000, "--first", str(BURST))
        load(pair.a, "delete", 3000, "--first", str(BURST))
        pair.settle()
        equal(pair.two.remote_count(), BURST // 2, "flows on the backup")
        stats = (pair.one if active == "ctsyncd" else pair.two).stats()
        if not stats["nacks_sent"] + stats["nacks_received"]:
            raise Failed("nothing was lost: the case shows nothing")
        pair.commit()


def test_bursts_ctsyncd_active():
    bursts("ba", "ctsyncd", "conntrackd")


def test_bursts_conntrackd_active():
    bursts("bb", "conntrackd", "ctsyncd")


def test_conntrackd_backup_restarts_in_the_middle():
    """It asks for nothing when it starts; ctsyncd hears that it is new and sends its table."""
    with Lab("ra") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd", loss=5)
        load(pair.a, "create", 3000, "--first", str(BURST))
        births = background(pair.a, "create", BURST)
        wait_for(lambda: pair.two.remote_count() > 5000, SETTLE_S, "a part has arrived")
        pair.two.kill()
        deaths = background(pair.a, "delete", 3000, "--first", str(BURST))
        pair.two.start()
        finish(births, deaths)
        pair.settle()


def test_conntrackd_active_restarts_in_the_middle():
    """ctsyncd asks the new process for its table, and drops what that does not name."""
    with Lab("rb") as lab:
        pair = Pair(lab, "conntrackd", "ctsyncd", loss=5)
        load(pair.a, "create", 3000, "--first", str(BURST))
        births = background(pair.a, "create", BURST)
        wait_for(lambda: pair.two.remote_count() > 5000, SETTLE_S, "a part has arrived")
        pair.one.kill()
        load(pair.a, "delete", 1000, "--first", str(BURST))  # nobody tells of these
        pair.one.start()
        finish(births)
        # Flows that were born while it started are in neither its first dump nor its events.
        pair.one.resync_kernel()
        pair.one.send_bulk()
        pair.settle(deadline_s=SWEEP_S)


def test_ctsyncd_active_killed_in_the_middle():
    """What began while it was dead is in its start-up dump, which conntrackd is sent unasked."""
    with Lab("ka") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd", loss=5)
        births = background(pair.a, "create", BURST)
        wait_for(lambda: pair.two.remote_count() > 5000, SETTLE_S, "a part has arrived")
        pair.one.kill()
        pair.one.start()
        finish(births)
        pair.settle()
        load(pair.a, "delete", 2000, "--rate", RATE)
        pair.settle()


def test_ctsyncd_backup_killed_in_the_middle():
    with Lab("kb") as lab:
        pair = Pair(lab, "conntrackd", "ctsyncd", loss=5)
        load(pair.a, "create", 3000, "--first", str(BURST))
        births = background(pair.a, "create", BURST)
        wait_for(lambda: pair.two.remote_count() > 5000, SETTLE_S, "a part has arrived")
        pair.two.kill()
        deaths = background(pair.a, "delete", 3000, "--first", str(BURST))
        pair.two.start()
        finish(births, deaths)
        pair.settle(deadline_s=SWEEP_S)


def test_tables_on_request():
    """Either side gives its table when asked for it, and unasked when told to."""
    for kinds in (("ctsyncd", "conntrackd"), ("conntrackd", "ctsyncd")):
        with Lab("rq") as lab:
            pair = Pair(lab, *kinds)
            load(pair.a, "create", 2000)
            pair.settle()
            pair.two.flush()
            equal(pair.two.remote_count(), 0, "flows after a flush")
            pair.two.request_resync()
            pair.settle()
            pair.two.flush()
            pair.one.send_bulk()
            pair.settle()


def test_roles_change():
    """Each node in turn is promoted; its predecessor's kernel is purged and follows it."""
    flows = list(carried_zoo().values())
    with Lab("rc") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd", options="\tPurgeTimeout 1\n")
        old, new = pair.one, pair.two
        old.promote()
        # Neither tells of the flows it purges: b must hold none of a's, by a late first table.
        wait_for(lambda: old.status()["in_sync"], SETTLE_S, "the first tables are exchanged")
        add_flows(pair.a, flows)
        for turn in range(4):
            pair.settle(old, new)
            new.promote()
            pair.same_kernels(old, new)
            old.demote()
            wait_for(lambda n=old: n.space.count() == 0, SETTLE_S, f"{old.name} is purged")
            # the new one's flows live on and end, and others are born
            mine = [flow(6, "10.4.0.1", "10.5.0.1", 1000 + turn, 80, tcp="ESTABLISHED",
                         timeout=1000, mark=turn)]
            add_flows(new.space, mine)
            change_flows(new.space, [{**flows[0], "mark": turn}])
            delete_flows(new.space, [flows.pop()])
            old, new = new, old
        pair.settle(old, new)


def test_table_sent_before_a_purge():
    """conntrackd tells of no flow that it purges: what it has named before goes when roles change."""
    flows = list(carried_zoo().values())
    with Lab("rp") as lab:
        pair = Pair(lab, "conntrackd", "ctsyncd", options="\tPurgeTimeout 1\n")
        add_flows(pair.a, flows)
        pair.settle()
        pair.two.promote()
        pair.same_kernels(pair.one, pair.two)
        pair.one.send_bulk()
        wait_for(lambda: pair.two.remote_count() == len(flows), SETTLE_S, "its table is here again")
        pair.one.demote()
        wait_for(lambda: pair.a.count() == 0, SETTLE_S, "conntrackd has purged")
        delete_flows(pair.b, [flows[-1]])
        pair.settle(pair.two, pair.one)
        equal(pair.two.remote_count(), len(flows), "flows that conntrackd has named and purged")
        pair.one.promote()
        pair.same_kernels(pair.two, pair.one)
        pair.two.demote()
        wait_for(lambda: pair.b.count() == 0, SETTLE_S, "ctsyncd has purged")
        pair.settle(deadline_s=SWEEP_S)


def test_third_node_beside_a_pair_of_conntrackd():
    """conntrackd knows one peer; to ctsyncd each sender has a sequence and a table of its own."""
    with Lab("tn") as lab:
        pair = Pair(lab, "conntrackd", "conntrackd")
        third = pair.add("c", "ctsyncd", "10.9.0.3").start()
        load(pair.a, "create", 3000, "--rate", "5000")
        load(pair.b, "create", 2000, "--first", "10000", "--rate", "5000")
        load(pair.a, "delete", 500, "--rate", "5000")
        load(pair.b, "update", 500, "--first", "10000", "--mark", "3", "--rate", "5000")
        wait_for(lambda: third.remote_count() == 4500, SETTLE_S, "both tables are there", 0.1)
        ignore = ("timeout", "labels")
        both = pair.a.flows(ignore=ignore) | pair.b.flows(ignore=ignore)
        same_flows(third.remote_flows(ignore), both, "flows of both that the third node holds")
        equal(len(third.status()["peers"]), 2, "peers")
        third.commit()
        equal(third.space.count(), 4500, "flows in the third node's kernel")


def test_nothing_is_malformed():
    """Neither side counts an error in what the other sends."""
    with Lab("er") as lab:
        pair = Pair(lab, "ctsyncd", "conntrackd", windows=True)
        add_flows(pair.a, zoo().values())
        add_flows(pair.b, zoo().values())
        pair.settle()
        pair.settle(pair.two, pair.one)
        pair.one.send_bulk()
        pair.two.send_bulk()
        pair.settle()
        pair.settle(pair.two, pair.one)
        for line in pair.two.ctl("-s", "network").stdout.splitlines():
            name, _, value = line.partition(":")
            if value.strip().isdigit():
                equal(int(value), 0, f"conntrackd counts {name.strip()}")
        stats = pair.one.stats()
        wrong = {n: v for n, v in stats.items() if v and n.startswith(("bad_", "truncated"))}
        equal(wrong, {}, "ctsyncd's counters of errors")


if __name__ == "__main__":
    run_cases(globals())
