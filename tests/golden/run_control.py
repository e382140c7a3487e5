#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ctsyncctl asks for and prints, byte by byte, against a control socket with set answers.

usage: run_control.py [--update]      run in a build folder; srcdir is taken from the environment

control/NAME.case holds lines of: `args ARG...`; `request JSON`, what must be asked; `reply LINE`, what is
answered; `status N`, `stdout`/`stderr`, followed by the expected text, each line indented by a tab.
--update writes what was printed into the files, to be read before it is committed.
"""

import glob
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading


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
                case["reply"].append(rest)
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
            done = subprocess.run([program, "-s", path, *case["args"]], capture_output=True, text=True,
                                  timeout=30, check=False)
            if thread:
                thread.join(5)
        return {"status": done.returncode, "stdout": done.stdout.replace(path, "SOCKET"),
                "stderr": done.stderr.replace(path, "SOCKET"),
                "request": asked[0] if asked else None}


def main():
    top = os.path.join(os.environ.get("srcdir", "."), "tests/golden/control")
    update, passed, failed = "--update" in sys.argv, 0, 0
    for path in sorted(glob.glob(os.path.join(top, "*.case"))):
        case = read_case(path)
        result = run("./ctsyncctl", case)
        if update:
            write_case(path, result)
            case = read_case(path)
        wrong = [k for k in ("request", "status", "stdout", "stderr") if result[k] != case[k]]
        for k in wrong:
            print(f"{path}: {k}\n  expected {case[k]!r}\n  found    {result[k]!r}")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"control: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
