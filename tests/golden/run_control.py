#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ctsyncctl asks for and prints, byte by byte, against a control socket with set answers; the
same of the conntrackd command, if it was built.

usage: run_control.py [--update]      run in a build folder; srcdir is taken from the environment

control/NAME.case and compat/NAME.case hold lines of: `args ARG...`; `request JSON`, what must be asked; `reply LINE`, what is
answered (`reply @FILE`: a file beside it, on one line); `status N`, `stdout`/`stderr`, followed by the expected text, each line indented by a tab.
--update writes what was printed into the files, to be read before it is committed.
"""

import glob
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from xml.etree import ElementTree


CONF = """\
General {
	LockFile %s.lock
	UNIX {
		Path %s
	}
}
Sync {
	Mode FTFW {
	}
	Multicast {
		IPv4_address 225.0.0.50
		IPv4_interface 127.0.0.1
		Group 3780
		Interface lo
	}
}
"""


def one_line(path, name):
    """A file of JSON as a line of data."""
    with open(os.path.join(os.path.dirname(path), name), encoding="utf-8") as f:
        return "+" + json.dumps(json.load(f))


def read_case(path):
    case = {"args": [], "request": None, "reply": [], "status": 0, "stdout": "", "stderr": ""}
    stream = None
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("\t"):
                case[stream] += line[1:]
                continue
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "args":
                case["args"] = rest.split()
            elif word == "request":
                case["request"] = json.loads(rest)
            elif word == "reply":
                case["reply"].append(one_line(path, rest[1:]) if rest.startswith("@") else rest)
            elif word == "status":
                case["status"] = int(rest)
            elif word in ("stdout", "stderr"):
                stream = word
            elif word and not word.startswith("#"):
                raise ValueError(f"{path}: {word}?")
    return case


def write_case(path, result):
    with open(path, encoding="utf-8") as f:
        kept = [line for line in f if not line.startswith("\t")
                and line.split(" ")[0].strip() not in ("status", "stdout", "stderr")]
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(kept)
        f.write(f"status {result['status']}\n")
        for stream in ("stdout", "stderr"):
            if result[stream]:
                f.write(f"{stream}\n" + "".join(f"\t{s}\n" for s in result[stream].splitlines()))


def serve(listener, case, asked):
    conn, _ = listener.accept()
    with conn:
        asked.append(json.loads(conn.makefile("r").readline()))
        conn.sendall("".join(line + "\n" for line in case["reply"]).encode())


def run(program, case):
    asked = []
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "ctl")
        thread = None
        with socket.socket(socket.AF_UNIX) as listener:
            if case["request"] is not None:
                listener.bind(path)
                listener.listen(1)
                thread = threading.Thread(target=serve, args=(listener, case, asked), daemon=True)
                thread.start()
            done = subprocess.run([*program(path), *case["args"]], capture_output=True, text=True,
                                  timeout=30, check=False)
            if thread:
                thread.join(5)
        stdout, stderr = (re.sub(r"\[.{24}\] \(pid=\d+\)", "[TIME] (pid=N)",
                                 text.replace(path, "SOCKET")) for text in (done.stdout, done.stderr))
        return {"status": done.returncode, "stdout": stdout, "stderr": stderr,
                "request": asked[0] if asked else None}


def ctsyncctl(socket_path):
    return ["./ctsyncctl", "-s", socket_path]


def conntrackd(socket_path):
    conf = socket_path + ".conf"
    with open(conf, "w", encoding="utf-8") as f:
        f.write(CONF % (socket_path, socket_path))
    return ["./conntrackd", "-C", conf]


def main():
    top = os.path.join(os.environ.get("srcdir", "."), "tests/golden")
    update, passed, failed = "--update" in sys.argv, 0, 0
    cases = [(ctsyncctl, p) for p in sorted(glob.glob(os.path.join(top, "control", "*.case")))]
    if os.access("./conntrackd", os.X_OK):
        cases += [(conntrackd, p) for p in sorted(glob.glob(os.path.join(top, "compat", "*.case")))]
    for program, path in cases:
        case = read_case(path)
        result = run(program, case)
        if update:
            write_case(path, result)
            case = read_case(path)
        if result["stdout"] and {"-x", "--xml"} & set(case["args"]) and program is ctsyncctl:
            ElementTree.fromstring(result["stdout"])
        wrong = [k for k in ("request", "status", "stdout", "stderr") if result[k] != case[k]]
        for k in wrong:
            print(f"{path}: {k}\n  expected {case[k]!r}\n  found    {result[k]!r}")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"control: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
