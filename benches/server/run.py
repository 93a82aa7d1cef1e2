"""`minilm serve` under load, beside a server of FastAPI and sentence-transformers.

    cargo build --release -p minilm-cli --features serve
    pip install fastapi uvicorn sentence-transformers
    python benches/server/run.py            # --seconds 5 for each measurement, --rounds 3
    python benches/server/run.py --json benches/record/server.json      # for the book's table

Requests of one text of 16 tokens come from `wrk`, a process of its own, over 1, 8 and 64
connections. The servers take turns, so that a slow moment of the machine concerns both; the figures
are medians of the rounds. The throughput of the library is that of `minilm embed` on a file of the
same texts, between two lengths of the file, so that loading the model does not count. Without the
packages of Python, `minilm serve` is measured alone.
"""

import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "weights/all-MiniLM-L6-v2"
CONNECTIONS = [1, 8, 64]
# Each is one token, so 14 of them, [CLS] and [SEP] are 16.
WORDS = """time year people way day man thing woman life child world school state family student
group country problem hand part place case week company system program question work government
number night point home water room mother area money story fact month lot right study book eye job
word business issue side kind head house service friend father power hour game line end member law
car city community name president team minute idea body information back parent face""".split()

SCRIPT = """
local requests, next = {}, 0
init = function() -- before it, wrk has no header Host
  for line in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] =
      wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, line)
  end
end
request = function()
  next = next % #requests + 1
  return requests[next]
end
done = function(summary, latency, _)
  local e = summary.errors
  print(string.format("RESULT %d %d %f %f %f %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def texts(count, seed):
    numbers = random.Random(seed)
    return [" ".join(numbers.choices(WORDS, k=14)) for _ in range(count)]


class Server:
    """A server as a process of its own."""

    def __init__(self, command, port, **environment):
        self.url = f"http://127.0.0.1:{port}/v1/embeddings"
        env = {**os.environ, **environment}
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        body = json.dumps({"input": "one"}).encode()
        request = urllib.request.Request(
            self.url, body, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit(f"{command[0]} has ended with {self.process.returncode}")
            try:
                opener.open(request).read()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{command[0]} does not answer")

    def memory(self):
        """The resident set in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def load(self, connections, seconds, folder):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", folder / "load.lua"]
        environment = {**os.environ, "BODIES": str(folder / "bodies")}
        output = subprocess.run(
            [*map(str, command), self.url], env=environment, capture_output=True, text=True)
        found = re.search(r"RESULT (.*)", output.stdout)
        if not found:
            sys.exit(output.stdout + output.stderr)
        requests, micros, *latency, errors = map(float, found[1].split())
        return {"rate": requests / micros * 1e6, "errors": int(errors),
                **dict(zip(["p50", "p95", "p99"], (x / 1000 for x in latency)))}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def library(program, folder):
    """Texts per second of `minilm embed`."""
    times = []
    for count in [1000, 5000]:
        file = folder / f"{count}.txt"
        file.write_text("\n".join(texts(count, count)) + "\n")
        start = time.perf_counter()
        subprocess.run([program, "embed", "--quiet", "--model", MODEL, "--input", file,
                        "--output", folder / "out.npy"], check=True)
        times.append(time.perf_counter() - start)
    return 4000 / (times[1] - times[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/minilm")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="the Python with FastAPI")
    parser.add_argument("--json", type=Path, help="a record to write")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="minilm-load-"))
    (folder / "load.lua").write_text(SCRIPT)
    bodies = [json.dumps({"input": text}) for text in texts(4000, 1)]
    (folder / "bodies").write_text("\n".join(bodies) + "\n")

    servers = {"minilm serve": Server(
        [options.program, "serve", "--address", "127.0.0.1:8099", "--model", MODEL], 8099)}
    has = "import fastapi, uvicorn, sentence_transformers"
    if subprocess.run([options.python, "-c", has], capture_output=True).returncode == 0:
        servers["FastAPI + sentence-transformers"] = Server(
            [options.python, "-m", "uvicorn", "fastapi_server:app", "--port", "8098",
             "--app-dir", Path(__file__).parent, "--log-level", "warning"],
            8098, MINILM_MODEL=str(MODEL))
    before = {name: server.memory() for name, server in servers.items()}
    found = {}
    rates = []
    for _ in range(options.rounds):
        rates.append(library(options.program, folder))
        for connections in CONNECTIONS:
            for name, server in servers.items():
                result = server.load(connections, options.seconds, folder)
                found.setdefault((name, connections), []).append(result)
    rate = statistics.median(rates)
    print(f"minilm embed: {rate:.0f} texts/s\n")
    print("| server | connections | requests/s | of the library "
          "| p50 ms | p95 ms | p99 ms | errors |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    rows = []
    for (name, connections), results in found.items():
        mid = {key: statistics.median(r[key] for r in results) for key in results[0]}
        errors = sum(r["errors"] for r in results)
        rows.append({"name": name, "connections": connections, **mid, "errors": errors})
        print(f"| {name} | {connections} | {mid['rate']:.0f} | {mid['rate'] / rate:.0%} | "
              f"{mid['p50']:.2f} | {mid['p95']:.2f} | {mid['p99']:.2f} | {errors} |")
    print()
    memory = {name: [before[name], server.memory()] for name, server in servers.items()}
    for name, server in servers.items():
        print("{}: {:.0f} MB before, {:.0f} MB after".format(name, *memory[name]))
        server.stop()
    if options.json:
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
        record = {"machine": os.environ.get("MINILM_MACHINE", model),
                  "date": time.strftime("%Y-%m-%d"), "rounds": options.rounds,
                  "seconds": options.seconds, "library": rate, "rows": rows, "memory": memory}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


main()
