"""Mutants of the rules in Solidity: slither-mutate's mutators make them, the tests are to kill them.

Every change that the mutators think of, in the files named by FILES, is made in a copy of the repository (one per
worker) and tested there. Answers are kept under target/mutants/, so that a run that was stopped goes on where it was:
a kill for as long as contracts/ is the same, a survival for as long as the tests are the same too.

A survivor has to be explained in test/mutants/solidity.tsv (file, function, what stood there, what stands there, why).
Fails at a survivor that is not, and, after a whole run, at an explanation of a mutant that does not survive.
"""

import argparse
import glob
import hashlib
import json
import logging
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "target/mutants"
FILES = ["contracts/libraries/*.sol", "contracts/treasury/*Rules.sol"]
TESTS = ["test/treasury", "test/vectors", "test/accounting", "test/mocks", "test/Base.t.sol"]
# Not of slither-mutate's: RR (a revert in place of a statement: killed by whatever reaches it, which coverage shows), FHR
# and SBR (other function headers and types: most do not compile), MVIE, MVIV, LIR, ASOR (values that no rule here has).
MUTATORS = {"CR", "ROR", "AOR", "LOR", "BOR", "MIA", "UOR", "MWA"}
# Fewer fuzz runs than in CI: a mutant that only one input in a thousand tells apart had better get a test of its own.
FUZZ_RUNS = "32"
TIMEOUT = 300
EXPLAINED = ROOT / "test/mutants/solidity.tsv"


def sha(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def tree(*names):
    files = sorted(p for name in names for p in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*")))
    return sha(*(f"{p.relative_to(ROOT)}\0{p.read_text()}" for p in files if p.is_file()))


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def generate():
    """All mutants: dicts of file, function, start, stop, old, new."""
    kept = HOME / f"solidity-{sha(tree('contracts'), *sorted(MUTATORS))}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    from slither import Slither
    from slither.tools.mutator.mutators import all_mutators
    from slither.tools.mutator.mutators.abstract_mutator import AbstractMutator

    logging.disable(logging.ERROR)
    os.environ["FOUNDRY_OUT"] = "target/forge/slither/out"
    os.environ["FOUNDRY_CACHE_PATH"] = "target/forge/slither/cache"
    wanted = {str(ROOT / p) for pattern in FILES for p in glob.glob(pattern, root_dir=ROOT)}
    mutators = [m for m in vars(all_mutators).values() if isinstance(m, type) and issubclass(m, AbstractMutator)]
    mutators = [m for m in mutators if m.NAME in MUTATORS]
    slither = Slither(str(ROOT))
    mutants = {}
    for unit in slither.compilation_units:
        for contract in unit.contracts:
            name = contract.source_mapping.filename.absolute
            if name not in wanted:
                continue
            source = Path(name).read_bytes()
            for mutator in mutators:
                made = mutator(unit, 0, "", "", contract, None, False, HOME, [], 100)._mutate()
                for patches in made.get("patches", {}).values():
                    for patch in patches:
                        new = patch["new_string"]
                        start, stop = patch["start"], patch["end"]
                        old = source[start:stop].decode()
                        if squeeze(old) == squeeze(new):
                            continue
                        result = source[:start] + new.encode() + source[stop:]
                        function = next(
                            (
                                f.name
                                for f in contract.functions_and_modifiers_declared
                                if f.source_mapping.start <= start < f.source_mapping.start + f.source_mapping.length
                            ),
                            contract.name,
                        )
                        mutants[sha(result.decode())] = {
                            "file": str(Path(name).relative_to(ROOT)),
                            "function": function,
                            "mutator": mutator.NAME,
                            "line": source[:start].count(b"\n") + 1,
                            "start": start,
                            "stop": stop,
                            "old": old,
                            "new": new,
                        }
    mutants = sorted(mutants.values(), key=lambda m: (m["file"], m["start"], m["mutator"], m["new"]))
    kept.write_text(json.dumps(mutants))
    return mutants


def forge(where, *args):
    env = dict(os.environ, FOUNDRY_FUZZ_RUNS=FUZZ_RUNS, FOUNDRY_LINT_LINT_ON_BUILD="false", FORGE_SNAPSHOT_EMIT="false")
    for name in ("FOUNDRY_OUT", "FOUNDRY_CACHE_PATH"):
        env.pop(name, None)
    return subprocess.run(["forge", *args], cwd=where, env=env, capture_output=True, text=True, timeout=TIMEOUT)


def copy(number):
    where = HOME / f"copy-{number}"
    for name in ["contracts", "test"]:
        shutil.rmtree(where / name, ignore_errors=True)
    where.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "contracts", where / "contracts")
    shutil.copytree(ROOT / "script/tools", where / "script/tools", dirs_exist_ok=True)
    shutil.copy(ROOT / "foundry.toml", where)
    for name in TESTS:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, _made(where / name))
    if not (where / "node_modules").exists():
        (where / "node_modules").symlink_to((ROOT / "node_modules").resolve())
    built = forge(where, "test", "--fail-fast")
    if built.returncode != 0:
        sys.exit(f"the tests do not pass without a mutant:\n{built.stdout[-3000:]}{built.stderr[-2000:]}")
    return where


def _made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def judge(where, mutant):
    path = where / mutant["file"]
    source = path.read_bytes()
    path.write_bytes(source[: mutant["start"]] + mutant["new"].encode() + source[mutant["stop"] :])
    try:
        ran = forge(where, "test", "--fail-fast")
    except subprocess.TimeoutExpired:
        return "killed"
    finally:
        path.write_bytes(source)
    if ran.returncode == 0:
        return "survived"
    return "invalid" if "Compiler run failed" in ran.stdout + ran.stderr else "killed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sample", type=int, help="only this many mutants, drawn evenly (by a fixed seed)")
    parser.add_argument("--only", default="", help="only mutants whose file has this in its path")
    parser.add_argument("--minutes", type=float, help="stop after this long; a later run goes on")
    args = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    contracts, tests = tree("contracts"), tree(*TESTS)

    every = generate()
    mutants = [m for m in every if args.only in m["file"]]
    if args.sample:
        mutants = random.Random(1).sample(mutants, min(args.sample, len(mutants)))
    log = HOME / "solidity.jsonl"
    answers = {}
    for line in log.read_text().splitlines() if log.exists() else []:
        entry = json.loads(line)
        if entry["contracts"] == contracts and (entry["answer"] != "survived" or entry["tests"] == tests):
            answers[entry["id"]] = entry["answer"]

    ident = lambda m: sha(m["file"], str(m["start"]), str(m["stop"]), m["new"])
    todo = queue.Queue()
    for mutant in mutants:
        if ident(mutant) not in answers:
            todo.put(mutant)
    print(f"{len(mutants)} mutants, {len(mutants) - todo.qsize()} judged before", flush=True)
    started, lock = time.time(), threading.Lock()

    def work(number):
        where = copy(number)
        while not (args.minutes and time.time() - started > args.minutes * 60):
            try:
                mutant = todo.get_nowait()
            except queue.Empty:
                return
            answer = judge(where, mutant)
            with lock:
                answers[ident(mutant)] = answer
                entry = {"id": ident(mutant), "contracts": contracts, "tests": tests, "answer": answer}
                with log.open("a") as out:
                    out.write(json.dumps(entry) + "\n")
                done = sum(ident(m) in answers for m in mutants)
                print(f"{done}/{len(mutants)} {answer:8} {mutant['file']}:{mutant['line']} {mutant['mutator']}  "
                      f"{squeeze(mutant['old'])[:60]}  ->  {squeeze(mutant['new'])[:60]}", flush=True)

    if not todo.empty():
        workers = [threading.Thread(target=work, args=(n,)) for n in range(args.workers)]
        [w.start() for w in workers]
        [w.join() for w in workers]

    explained = {}
    for line in EXPLAINED.read_text().splitlines() if EXPLAINED.exists() else []:
        if line and not line.startswith("#"):
            *key, why = line.split("\t")
            explained[tuple(key)] = why
    key = lambda m: (m["file"], m["function"], squeeze(m["old"]), squeeze(m["new"]))
    told = lambda m: answers.get(ident(m))
    count = lambda answer: sum(told(m) == answer for m in mutants)
    survivors = [m for m in mutants if told(m) == "survived"]
    unexplained = [m for m in survivors if not explained.get(key(m))]
    left = sum(told(m) is None for m in mutants)
    for mutant in unexplained:
        print("survives, unexplained: " + "\t".join(key(mutant)))
    stale = []
    if len(mutants) == len(every) and not left:
        stale = sorted(set(explained) - {key(m) for m in survivors})
        for entry in stale:
            print("explained, but does not survive: " + "\t".join(entry))
    print(f"{len(every)} mutants in all; here {count('killed')} killed, {len(survivors)} survive "
          f"({len(survivors) - len(unexplained)} explained), {count('invalid')} do not compile, {left} not judged")
    sys.exit(1 if unexplained or stale else 0)


main()
