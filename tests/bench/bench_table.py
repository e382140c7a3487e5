# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of several runs, beside each other, and what is expected of them."""

import operator
import statistics

PHASES = ("create", "update", "delete")
DAEMONS = ("conntrackd", "ctsyncd")

TAXES = [f"tax{kind}{listener}" for listener in ("", "_without_new")
         for kind in ("", "_answered", "_tcp")]

# (key, what of it: its "ratio" to conntrackd's, its share of the "floor", or the "value"; relation,
# bound)
EXPECTED = [
    *((f"active_{phase}_cpu_us", "ratio", "<=", 0.33) for phase in PHASES),
    *((f"backup_{phase}_cpu_us", "ratio", "<=", 0.15) for phase in PHASES),
    *((f"{node}_memory_bytes", "value", "<=", 160) for node in ("active", "backup")),
    *((f"{node}_memory6_bytes", "value", "<=", 200) for node in ("active", "backup")),
    *((f"{node}_memory_left", "value", "<=", 1.2) for node in ("active", "backup")),
    *((f"link_{phase}_flows_per_datagram", "value", ">=", 15) for phase in PHASES),
    ("commit_per_s", "floor", ">=", 0.9),
    ("commit_large_per_s", "floor", ">=", 0.9),
    ("commit_known", "value", ">=", 1),
    ("commit_large_known", "value", ">=", 1),
    ("promotion_warm_ms", "value", "<=", 50),
    ("latency_wire_p50_us", "ratio", "<=", 1),
    ("latency_wire_p99_us", "ratio", "<=", 1),
    ("loaded_wire_p99_us", "value", "<=", 3000),
    ("bulk_s", "ratio", "<=", 0.5),
    ("tax", "value", ">=", 0.85),
    ("tax_without_new", "value", ">=", 0.85),
    ("growth_active", "value", "<=", 1.3),
    ("growth_backup", "value", "<=", 1.3),
    ("overload_recovery_s", "value", "<=", 5),
    ("overload_wrong", "value", "<=", 0),
]
# The floor's figure that stands beside a daemon's. A commit's is that of a kernel whose events
# somebody listens to.
FLOORS = {
    **{f"active_{phase}_cpu_us": f"receive_{phase}_cpu_us" for phase in PHASES},
    **{name: name for name in TAXES},
    "commit_per_s": "create_listened_per_s",
    "commit_cpu_us": "create_listened_cpu_us",
    "commit_large_per_s": "large_create_listened_per_s",
    "commit_large_cpu_us": "large_create_listened_cpu_us",
}
# Shares of the floor of a kernel that nobody listens to.
UNHEARD = {
    "commit_of_unheard_floor": ("commit_per_s", "create_per_s"),
    "commit_large_of_unheard_floor": ("commit_large_per_s", "large_create_per_s"),
}
# The rows of doc/PERFORMANCE.md.
ROWS = [
    *(f"{node}_{phase}_cpu_us" for node in ("active", "backup") for phase in PHASES),
    "active_memory_bytes", "backup_memory_bytes", "active_memory6_bytes", "backup_memory6_bytes",
    "active_memory_left", "backup_memory_left", "link_create_payload_bytes",
    "link_create_frame_bytes", *(f"link_{phase}_flows_per_datagram" for phase in PHASES),
    "commit_per_s", "commit_cpu_us", "commit_known", "commit_large_per_s", "commit_large_cpu_us",
    "commit_large_known", "promotion_cold_ms", "promotion_warm_ms", "promotion_warm_written",
    "taken_over_s", "latency_wire_p50_us", "latency_wire_p99_us", "loaded_events_per_s",
    "loaded_wire_p50_us", "loaded_wire_p99_us",
    *(f"warm_kernel_age{age}_kernel_{p}_us" for age in (0, 1) for p in ("p50", "p99")),
    "bulk_s", "tax_without_per_s", "tax_listening_per_s", *TAXES, "growth_active", "growth_backup",
    "overload_events_per_s", "overload_active_share", "overload_overruns", "overload_recovery_s",
    "overload_wrong",
    *(f"delay{ms}_{what}" for ms in (0, 500, 2000)
      for what in ("events", "messages", "bytes", "datagrams", "active_cpu_us", "backup_cpu_us")),
]
RELATIONS = {"<=": operator.le, ">=": operator.ge}


def medians(runs):
    """The runs' figures, each the median; what is a count of losses is the sum."""
    figures = {}
    for key, value in runs[0].items():
        values = [run[key] for run in runs]
        if isinstance(value, dict):
            names = sorted({name for v in values for name in v})
            figures[key] = {n: sum(v.get(n, 0) for v in values) for n in names}
        else:
            figures[key] = float(f"{statistics.median(values):.4g}")
    return figures


def divide(a, b):
    return float(f"{a / b:.3g}") if a is not None and b else None


def ratios(found, floor):
    """ctsyncd / conntrackd for each figure that both have, and commits beside their floors."""
    ours, theirs = found.get("ctsyncd", {}), found.get("conntrackd", {})
    result = {k: divide(v, theirs[k]) for k, v in ours.items()
              if isinstance(v, float) and k in theirs and not k.endswith("_samples")}
    for key, beside in FLOORS.items():
        if key.startswith("commit") and beside in floor and key in ours:
            result[f"{key}_of_floor"] = divide(ours[key], floor[beside])
    for key, (what, beside) in UNHEARD.items():
        if beside in floor and what in ours:
            result[key] = divide(ours[what], floor[beside])
    return result


def expectations(found, floor):
    """(key, text of what is expected, value, met) of each expected figure that was measured."""
    ratio = ratios(found, floor)
    for key, kind, relation, bound in EXPECTED:
        if kind == "value":
            value = found.get("ctsyncd", {}).get(key)
        else:
            value = ratio.get(f"{key}_of_floor" if kind == "floor" else key)
        text = f"{relation} {bound}" + {"floor": " of the floor", "ratio": " of conntrackd's",
                                        "value": ""}[kind]
        if value is not None:
            yield key, text, value, RELATIONS[relation](value, bound)


def cell(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10000 else f"{value:.4g}"


def print_table(found, floor):
    """The rows of doc/PERFORMANCE.md that were measured."""
    expected = {key: text + ("" if met else " (not met)")
                for key, text, _, met in expectations(found, floor)}
    ratio = ratios(found, floor)
    print("| figure | conntrackd | ctsyncd | ratio | floor | expected |")
    print("|---|---:|---:|---:|---:|---|")
    for key in ROWS:
        daemons = [found.get(kind, {}).get(key) for kind in DAEMONS]
        if daemons == [None, None]:
            continue
        values = [*daemons, ratio.get(key), floor.get(FLOORS.get(key))]
        print(f"| {key} | {' | '.join(map(cell, values))} | {expected.get(key, '')} |")
