# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections with any attribute, put into a namespace's table or read from it by ctnetlink.

    from ctnl import add_flows, allow_labels, flow, kernel_table, same_tables, zoo
    add_flows(space, [flow(6, "10.0.0.1", "10.0.0.2", 1000, 80, tcp="ESTABLISHED", mark=5)])
    add_flows(space, zoo().values())       # one of each kind
    same_tables(kernel_table(b), kernel_table(a), "b against a")

The conntrack tool shows less (labels only with names from /etc, no window scale, no sequence
adjustment); this shows all. A socket that is made in the namespace serves the caller's process: a
program's start would take longer than all it has to do. Numbers of attributes are those of
linux/netfilter/nfnetlink_conntrack.h.
"""

import errno
import socket
import struct
import sys

NETLINK_NETFILTER = 12
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
CT_NEW, CT_DELETE = (1 << 8) | 0, (1 << 8) | 2
EXP_NEW, EXP_DELETE = (2 << 8) | 0, (2 << 8) | 2
NESTED = 0x8000

TCP_STATES = ["NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK",
              "TIME_WAIT", "CLOSE", "SYN_SENT2"]
SCTP_STATES = ["NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT",
               "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT"]
SEEN_REPLY, ASSURED, CONFIRMED, FIXED_TIMEOUT = 2, 4, 8, 1 << 10
SETTLED = SEEN_REPLY | ASSURED | CONFIRMED

ICMP, IGMP, TCP, UDP, DCCP, GRE, ESP, ICMPV6, SCTP, UDPLITE = 1, 2, 6, 17, 33, 47, 50, 58, 132, 136
ICMP_ANSWERS = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129}


def flow(proto, src, dst, a=None, b=None, **more):
    """A connection: ports (or GRE keys) a and b; for ICMP a is (type, code) and b the id.

    more: tcp=STATE, wscale=(o, r), sctp=(STATE, vtag, vtag), status=bits, timeout=s, mark=n,
    labels=[bit, ...], zone=n, orig_zone=n, reply_zone=n, helper=NAME, snat=(address, port or None),
    dnat=likewise, master=flow, seqadj=(position, before, after), synproxy=(isn, its, tsoff).
    """
    return {"proto": proto, "src": src, "dst": dst, "a": a, "b": b, **more}


def zoo():
    """{name: flow}: every kind of connection that this kernel takes from user space."""
    v4, v6 = ("10.1.0.1", "10.2.0.1"), ("2001:db8:1::1", "2001:db8:2::1")
    settled = {"status": SETTLED}
    tcp = {"tcp": "ESTABLISHED", **settled}
    flows = {}
    for name, ends in (("4", v4), ("6", v6)):
        flows[f"tcp{name}"] = flow(TCP, *ends, 1000, 80, wscale=(7, 9), **tcp)
        for n, state in enumerate(TCP_STATES[1:9]):
            flows[f"tcp{name} {state}"] = flow(TCP, *ends, 1100 + n, 80, tcp=state, status=SETTLED)
        flows[f"udp{name}"] = flow(UDP, *ends, 1000, 53, **settled)
        flows[f"udp{name} unreplied"] = flow(UDP, *ends, 1001, 53)
        flows[f"udplite{name}"] = flow(UDPLITE, *ends, 1000, 53, **settled)
        flows[f"sctp{name}"] = flow(SCTP, *ends, 1000, 36412, sctp=("ESTABLISHED", 11, 22),
                                    **settled)
        flows[f"gre{name}"] = flow(GRE, *ends, 0x1111, 0x2222, **settled)
        flows[f"esp{name}"] = flow(ESP, *ends, **settled)
    flows["icmp"] = flow(ICMP, *v4, (8, 0), 77)
    flows["icmp timestamp"] = flow(ICMP, *v4, (13, 0), 78)
    flows["icmpv6"] = flow(ICMPV6, *v6, (128, 0), 79)
    flows["tcp4 snat"] = flow(TCP, *v4, 2000, 80, snat=("192.0.2.1", 4000), **tcp)
    flows["tcp4 dnat"] = flow(TCP, v4[0], "192.0.2.9", 2001, 80, dnat=("10.3.0.1", 8080), **tcp)
    flows["tcp4 both"] = flow(TCP, v4[0], "192.0.2.9", 2002, 80, snat=("192.0.2.1", 4002),
                              dnat=("10.3.0.1", 8080), **tcp)
    flows["udp4 snat"] = flow(UDP, *v4, 2000, 53, snat=("192.0.2.1", 4003), **settled)
    flows["icmp snat"] = flow(ICMP, *v4, (8, 0), 80, snat=("192.0.2.1", None))
    flows["tcp6 snat"] = flow(TCP, *v6, 2000, 80, snat=("2001:db8:9::1", 4000), **tcp)
    flows["tcp6 dnat"] = flow(TCP, v6[0], "2001:db8:9::9", 2001, 80, dnat=("2001:db8:3::1", 8080),
                              **tcp)
    flows["mark"] = flow(TCP, *v4, 3000, 80, mark=0x80000055, **tcp)
    flows["labels"] = flow(TCP, *v4, 3001, 80, labels=[0, 5, 127], **tcp)
    flows["zone"] = flow(TCP, *v4, 3002, 80, zone=7, **tcp)
    flows["zone, same tuple"] = flow(TCP, *v4, 1000, 80, zone=7, **tcp)
    flows["zone of the original direction"] = flow(UDP, *v4, 3003, 53, orig_zone=8)
    flows["zone of the reply direction"] = flow(UDP, *v4, 3004, 53, reply_zone=9)
    flows["helper"] = flow(TCP, *v4, 3005, 21, helper="ftp", **tcp)
    flows["master"] = flow(TCP, *reversed(v4), 20, 3050, master=flow(TCP, *v4, 3005, 21), **tcp)
    flows["sequence adjustment"] = flow(TCP, *v4, 3006, 21, seqadj=(1000, 3, 5),
                                        snat=("192.0.2.1", 4006), **tcp)
    flows["synproxy"] = flow(TCP, *v4, 3007, 80, synproxy=(11, 12, 13), **tcp)
    for n, one in enumerate(flows.values()):
        one.setdefault("timeout", 1000 + n)
    return flows


def carried_zoo():
    """Those of zoo() that version 1 of the protocol carries whole and that a commit writes."""
    return {name: f for name, f in zoo().items()
            if f["proto"] not in (GRE, UDPLITE) and f.get("tcp") not in ("SYN_SENT", "SYN_RECV")
            and "orig_zone" not in f and "reply_zone" not in f}


def expectation(master, dport, **more):
    """What a master (a flow) is expected to be followed by: from its server to its client's dport.

    more: src, dst (of the expected tuple), helper (NAME, default the master's), cls=n, flags=bits,
    timeout=s, fn=NAME, zone=n, nat=(address, port, direction).
    """
    return {"master": master, "src": master["dst"], "dst": master["src"], "dport": dport, **more}


def add_expects(space, expects, check=True):
    """Creates expectations, as add_flows() does flows; their masters have to be there."""
    return tell_kernel(space, "add-expects", expects, check)


def delete_expects(space, expects, check=True):
    return tell_kernel(space, "delete-expects", expects, check)


def expect_table(space, ignore=("timeout", "id")):
    """{expected tuple and mask: {attribute path: value}}: as kernel_table() of expectations."""
    with space.inside(netlink) as nl:
        table = dump(nl, EXP_GET, EXP_NEW, EXPECT_NAMES, ("expected.", "mask."))
    return {key: {p: v for p, v in fields.items() if p.split(".")[0] not in ignore}
            for key, fields in table.items()}


def allow_labels(space):
    """The kernel keeps labels only where a rule may set one; this one matches nothing."""
    space.nft("table inet labels { chain unused { type filter hook input priority filter; "
              "meta l4proto 255 ct label set 127; }; }")


def add_flows(space, flows, check=True):
    """Creates them in that order; errno names, "" for each that was taken. check: Failed if not."""
    return tell_kernel(space, "add", flows, check)


def change_flows(space, flows, check=True):
    """Updates flows that exist: the attributes that are given, the timeout and the mark."""
    return tell_kernel(space, "change", flows, check)


def delete_flows(space, flows, check=True):
    """Deletes them, named by their original tuples and zones."""
    return tell_kernel(space, "delete", flows, check)


def tell_kernel(space, verb, flows, check):
    from netns import Failed
    flows = list(flows)
    with space.inside(netlink) as nl:
        errors = tell(nl, REQUESTS[verb], flows)
    refused = [f"{e}: {f}" for e, f in zip(errors, flows) if e]
    if check and refused:
        raise Failed("the kernel refused\n" + "\n".join(refused))
    return errors


VOLATILE = ("timeout", "counters_orig", "counters_reply", "use", "id", "timestamp")


def kernel_table(space, ignore=VOLATILE):
    """{"zone/original tuple": {attribute path: value}} as the kernel tells it.

    A path is NAME or NAME.number.number (the numbers of nested attributes). ignore: NAMEs.
    For up to some ten thousand entries: it takes 0.1 ms each; Namespace.flows is faster.
    """
    with space.inside(netlink) as nl:
        table = dump(nl)
    return {key: {p: v for p, v in fields.items() if p.split(".")[0] not in ignore}
            for key, fields in table.items()}


def same_tables(found, expected, what, shown=5):
    """Compares two kernel_tables to the attribute; Failed names the first differences."""
    from netns import Failed
    wrong = [f"missing {k}: {v}" for k, v in expected.items() if k not in found]
    wrong += [f"too many {k}: {v}" for k, v in found.items() if k not in expected]
    for key in found.keys() & expected.keys():
        wrong += [f"{key}: {p}: found {found[key].get(p)}, expected {expected[key].get(p)}"
                  for p in sorted(found[key].keys() | expected[key].keys())
                  if found[key].get(p) != expected[key].get(p)]
    if wrong:
        more = [f"... and {len(wrong) - shown} more"] if len(wrong) > shown else []
        raise Failed("\n  ".join([f"{what}: {len(wrong)} differences", *wrong[:shown], *more]))


def attr(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


def nest(kind, *attrs):
    return attr(kind | NESTED, b"".join(attrs))


def be(size, kind, value):
    return attr(kind, value.to_bytes(size, "big"))


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def tuple_attr(kind, proto, src, dst, a, b, zone=None):
    v6 = 2 if ":" in src else 0
    ip = nest(1, attr(1 + v6, address(src)), attr(2 + v6, address(dst)))
    parts = [attr(1, bytes([proto]))]
    if proto in (ICMP, ICMPV6):
        base = 4 if proto == ICMP else 7
        parts += [be(2, base, b), attr(base + 1, bytes([a[0]])), attr(base + 2, bytes([a[1]]))]
    elif a is not None:
        parts += [be(2, 2, a), be(2, 3, b)]
    zones = [be(2, 3, zone)] if zone is not None else []
    return nest(kind, ip, nest(2, *parts), *zones)


def reply_tuple(f):
    """(src, dst, a, b) of the reply direction; the kernel applies the NAT attributes itself."""
    if f["proto"] in (ICMP, ICMPV6):
        return f["dst"], f["src"], (ICMP_ANSWERS[f["a"][0]], f["a"][1]), f["b"]
    return f["dst"], f["src"], f["b"], f["a"]


def nat_attr(kind, nat):
    to, port = nat
    low, high = (4, 5) if ":" in to else (1, 2)
    parts = [attr(low, address(to)), attr(high, address(to))]
    if port is not None:
        parts.append(nest(3, be(2, 1, port), be(2, 2, port)))
    return nest(kind, *parts)


def protoinfo(f):
    if f.get("tcp"):
        parts = [attr(1, bytes([TCP_STATES.index(f["tcp"])]))]
        if f.get("wscale"):
            parts += [attr(2, bytes([f["wscale"][0]])), attr(3, bytes([f["wscale"][1]])),
                      attr(4, bytes([3, 3])), attr(5, bytes([3, 3]))]
        return nest(4, nest(1, *parts))
    if f.get("sctp"):
        state, orig, reply = f["sctp"]
        return nest(4, nest(3, attr(1, bytes([SCTP_STATES.index(state)])), be(4, 2, orig),
                            be(4, 3, reply)))
    return b""


def more_attrs(f):
    parts = []
    if "labels" in f:
        bits = sum(1 << bit for bit in f["labels"]).to_bytes(16, sys.byteorder)
        parts += [attr(22, bits), attr(23, bits)]
    if "helper" in f:
        parts.append(nest(5, attr(1, f["helper"].encode() + b"\0")))
    if "master" in f:
        m = f["master"]
        parts.append(tuple_attr(14, m["proto"], m["src"], m["dst"], m["a"], m["b"]))
    if "seqadj" in f:
        adjust = [be(4, k, v & 0xffffffff) for k, v in enumerate(f["seqadj"], 1)]
        parts += [nest(15, *adjust), nest(16, *adjust)]
    if "synproxy" in f:
        parts.append(nest(24, *(be(4, k, v) for k, v in enumerate(f["synproxy"], 1))))
    for kind, key in ((6, "snat"), (13, "dnat")):
        if key in f:
            parts.append(nat_attr(kind, f[key]))
    return b"".join(parts)


def header(f, seq, kind, flags, body):
    family = socket.AF_INET6 if ":" in f["src"] else socket.AF_INET
    flags |= NLM_F_REQUEST | NLM_F_ACK
    return struct.pack("=IHHIIBBH", 20 + len(body), kind, flags, seq, 0, family, 0, 0) + body


def identity(f):
    zone = be(2, 18, f["zone"]) if "zone" in f else b""
    return zone + tuple_attr(1, f["proto"], f["src"], f["dst"], f["a"], f["b"], f.get("orig_zone"))


def add_request(f, seq):
    src, dst, a, b = reply_tuple(f)
    body = identity(f) + tuple_attr(2, f["proto"], src, dst, a, b, f.get("reply_zone"))
    body += be(4, 3, f.get("status", 0) | CONFIRMED) + protoinfo(f)
    body += be(4, 7, f.get("timeout", 600)) + be(4, 8, f.get("mark", 0)) + more_attrs(f)
    return header(f, seq, CT_NEW, NLM_F_CREATE | NLM_F_EXCL, body)


def change_request(f, seq):
    # NAT, master and helper are fixed; so is a status, but for the bits that may come.
    rest = {k: v for k, v in f.items() if k not in ("snat", "dnat", "master", "helper")}
    body = identity(f) + protoinfo(f) + be(4, 7, f.get("timeout", 600))
    body += be(4, 8, f.get("mark", 0)) + more_attrs(rest)
    return header(f, seq, CT_NEW, 0, body)


def delete_request(f, seq):
    return header(f, seq, CT_DELETE, 0, identity(f))


def expect_tuple(e):
    return tuple_attr(2, e["master"]["proto"], e["src"], e["dst"], 0, e["dport"])


def expect_request(e, seq):
    m = e["master"]
    full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if ":" in e["src"] else "255.255.255.255"
    body = expect_tuple(e) + tuple_attr(3, m["proto"], full, full, 0, 0xffff)
    body += tuple_attr(1, m["proto"], m["src"], m["dst"], m["a"], m["b"])
    body += be(4, 4, e.get("timeout", 300)) + be(4, 8, e.get("flags", 0))
    body += be(4, 9, e.get("cls", 0))
    body += attr(6, e.get("helper", m.get("helper", "")).encode() + b"\0")
    if "zone" in e:
        body += be(2, 7, e["zone"])
    if "nat" in e:
        address, port, direction = e["nat"]
        body += nest(10, be(4, 1, direction),
                     tuple_attr(2, m["proto"], address, "::" if ":" in address else "0.0.0.0",
                                port, 0))
    if "fn" in e:
        body += attr(11, e["fn"].encode() + b"\0")
    return header(e, seq, EXP_NEW, NLM_F_CREATE | NLM_F_EXCL, body)


def expect_delete_request(e, seq):
    zone = be(2, 7, e["zone"]) if "zone" in e else b""
    return header(e, seq, EXP_DELETE, 0, expect_tuple(e) + zone)


REQUESTS = {"add": add_request, "change": change_request, "delete": delete_request,
            "add-expects": expect_request, "delete-expects": expect_delete_request}


NAMES = {1: "orig", 2: "reply", 3: "status", 4: "protoinfo", 5: "helper", 7: "timeout", 8: "mark",
         9: "counters_orig", 10: "counters_reply", 11: "use", 12: "id", 14: "master",
         15: "seqadj_orig", 16: "seqadj_reply", 18: "zone", 19: "secctx", 20: "timestamp",
         22: "labels", 24: "synproxy"}
EXPECT_NAMES = {1: "master", 2: "expected", 3: "mask", 4: "timeout", 5: "id", 6: "helper",
                7: "zone", 8: "flags", 9: "class", 10: "nat", 11: "function"}
NLMSG_ERROR, NLMSG_DONE, NLM_F_DUMP = 2, 3, 0x300
CT_GET, EXP_GET = (1 << 8) | 1, (2 << 8) | 1


def attrs_of(data, prefix="", names=NAMES):
    """(path, value bytes) of each attribute that is not a nest, those in nests included."""
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        name = str(kind & 0x3fff)
        path = f"{prefix}.{name}" if prefix else names.get(kind & 0x3fff, name)
        value = data[at + 4:at + length]
        if kind & NESTED:
            yield from attrs_of(value, path)
        else:
            yield path, value
        at += (length + 3) & ~3


def readable(path, value):
    """Addresses as text, numbers as such, labels and what is unknown as hex."""
    name, *numbers = path.split(".")
    if name == "labels" or len(value) > 8 and not numbers and name not in ("helper", "function"):
        return value.hex()
    if name == "nat" and numbers[0] == "2":
        numbers = numbers[1:]
    if name in ("orig", "reply", "master", "expected", "mask", "nat") and numbers[:1] == ["1"] and \
            len(value) in (4, 16) and len(numbers) == 2:
        return socket.inet_ntop(socket.AF_INET6 if len(value) == 16 else socket.AF_INET, value)
    if name in ("helper", "function"):
        return value.decode(errors="replace").rstrip("\0")
    return int.from_bytes(value, "big")


def dump(nl, get=CT_GET, new=CT_NEW, names=NAMES, keys=("orig.",)):
    table, done = {}, False
    nl.send(struct.pack("=IHHIIBBH", 20, get, NLM_F_REQUEST | NLM_F_DUMP, 1, 0, 0, 0, 0))
    while not done:
        data, at = nl.recv(1 << 20), 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            done = done or kind in (NLMSG_DONE, NLMSG_ERROR)
            if kind == new:
                fields = {p: readable(p, v)
                          for p, v in attrs_of(data[at + 20:at + length], names=names)}
                key = [str(fields.get("zone", 0))]
                key += [str(v) for p, v in fields.items() if p.startswith(keys)]
                table["/".join(key)] = fields
            at += (length + 3) & ~3
    return table


def tell(nl, request, flows):
    errors = []
    for seq, f in enumerate(flows, 1):
        nl.send(request(f, seq))
        answer = nl.recv(65536)
        err = -struct.unpack_from("=i", answer, 16)[0]
        errors.append(errno.errorcode.get(err, str(err)) if err else "")
    return errors


def netlink():
    nl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    nl.bind((0, 0))
    nl.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    return nl
