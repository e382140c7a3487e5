# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of a takeover with a large table: bulk, commit, promotion of a cold and a warm standby."""

import time

from bench_host import beside_active, generate, note, raise_limit
from bench_load import probe
from bench_pair import WARM, Pair, table_of
from netns import Failed, wait_for

WARM_RATE = 200000  # so that there is less to wait for


def takeover(lab, kind, args):
    """args.large flows: the time until a fresh peer holds them, a commit's rate, and the time of a
    promotion when the kernel has none of them."""
    flows = args.large
    raise_limit(lab, flows)
    pair = Pair(lab, kind, args, flows=flows, started=False)
    seconds = pair.fill(flows)
    pair.rest()
    pair.expect("in a bulk", pair.backup.node.remote_count, flows)
    figures = {"bulk_s": seconds, "bulk_per_s": flows / seconds, "losses": pair.losses()}
    pair.active.node.stop()  # as in bench_load.commit()
    cpu, begin = pair.backup.cpu_ns(), time.monotonic()
    with beside_active():
        pair.backup.node.commit()
        seconds, cpu = time.monotonic() - begin, pair.backup.cpu_ns() - cpu
    pair.expect("in the backup's kernel", pair.backup.space.count, flows)
    pair.rest()
    known = pair.backup.node.local_count()
    figures |= {"commit_large_per_s": flows / seconds, "commit_large_cpu_us": cpu / flows / 1e3,
                "commit_large_known": known / flows,
                # All that conntrackd's is a part of: the kernel is complete when its commit ends.
                "promotion_cold_ms": seconds * 1e3}
    if kind == "ctsyncd":
        if known != flows:
            raise Failed(f"{known} of {flows} flows known after the commit")
        figures["promotion_cold_ms"] = promote_cold(pair, flows)
    return figures


def promote_cold(pair, flows):
    pair.backup.space.flush()
    wait_for(lambda: pair.backup.node.local_count() == 0, 120, "the flush is heard", 0.1)
    pair.rest()
    begin = time.monotonic()
    with beside_active():
        pair.backup.ask("promote")
        seconds = time.monotonic() - begin
    pair.expect("in the backup's kernel", pair.backup.space.count, flows)
    return seconds * 1e3


def start_warm(lab, args, flows, age, rate=WARM_RATE):
    """A pair whose backup has so many settled flows in its kernel."""
    pair = Pair(lab, "ctsyncd", args, flows=flows + flows // 4 + 1000,
                mode=WARM.format(age=age, rate=rate), started=False)
    pair.fill(flows)
    return pair


def is_warm(pair, flows):
    status = pair.backup.node.status()
    return status["warm_flows"] == flows == status["remote_flows"] \
        and status["warm_behind_ms"] == 0


def warm(lab, kind, args):
    """ctsyncd: args.large settled flows in the standby's kernel, 1% changed in the last second; the
    time until its kernel is complete, as its client sees it."""
    if kind != "ctsyncd":
        return {}
    flows = args.large
    raise_limit(lab, flows + flows // 4)
    begin = time.monotonic()
    pair = start_warm(lab, args, flows, age=1)
    wait_for(lambda: is_warm(pair, flows), 300, "the standby is warm", 0.2)
    figures = {"warm_s": time.monotonic() - begin}
    pair.rest()
    pair.expect("in the standby's kernel", pair.backup.space.count, flows)
    changed = change(pair, flows)
    begin = time.monotonic()
    with beside_active():
        told = pair.backup.ask("promote")
        figures["promotion_warm_ms"] = (time.monotonic() - begin) * 1e3
    figures["promotion_warm_written"] = float(told["written"])
    found = [pair.backup.space.count()] + [table_of(pair.backup.space, mark) for mark in (7, 9)]
    want = [flows + changed["created"] - changed["deleted"], changed["updated"],
            changed["created"]]
    if found != want:
        raise Failed(f"flows, updated and new ones after the promotion: {found}, expected {want}")
    begin = time.monotonic()
    wait_for(lambda: pair.backup.node.local_count() == want[0], 120, "all taken over", 0.2)
    figures["taken_over_s"] = time.monotonic() - begin
    return {**figures, "losses": pair.losses()}


def change(pair, flows):
    """1% of the table, half of it updates, a quarter each new and ended; then the node dies when
    all has been sent."""
    share = max(flows // 400, 1)
    active, before = pair.active.space, pair.backup.node.stats()
    generate(active, "update", 2 * share, "--stride", str(flows // (2 * share)), "--mark", "7",
             "--first", "1")
    generate(active, "create", share, "--first", str(flows + 10), "--mark", "9")
    # Multiples of a stride that no update has met.
    generate(active, "delete", share, "--stride", str(flows // share), "--first", "0")

    def told():
        now = pair.backup.node.stats()
        return (now["remote_created"] - before["remote_created"] == share
                and now["remote_updated"] - before["remote_updated"] >= 2 * share
                and pair.backup.node.remote_count() == flows)
    wait_for(told, 10, "the changes are told", 0.005)
    pair.active.node.kill()
    return {"updated": 2 * share, "created": share, "deleted": share}


def to_warm_kernel(lab, kind, args):
    """ctsyncd: from a flow's creation to its entry in the warm standby's kernel, WarmAge 0 and 1."""
    if kind != "ctsyncd":
        return {}
    figures = {}
    for age in (0, 1):
        pair = Pair(lab, kind, args, mode=WARM.format(age=age, rate=WARM_RATE),
                    name=f"w{age}")
        pair.rest()
        told = probe(pair, args.samples, pair.backup.space.name, "kernel")
        if told["missed"]:
            note(f"{told['missed']} flows did not come to the standby's kernel")
        figures |= {f"warm_kernel_age{age}_{k}": v for k, v in told.items()
                    if not k.startswith("ack")}
        figures["losses"] = pair.losses()
        pair.close()
    return figures
