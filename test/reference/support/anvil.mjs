import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"];

const LAUNCHERS = fileURLToPath(new URL("../../../script/tools/bin", import.meta.url));

/**
 * What npm installed for this platform, or what is on PATH; but never a launcher, which would put a process
 * between anvil and the signal that ends it.
 */
function binary() {
  const name = process.platform === "win32" ? "anvil.exe" : "anvil";
  const platform = `${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${platform}/package.json`);
    return join(dirname(manifest), "bin", name);
  } catch {
    const elsewhere = (process.env.PATH ?? "").split(delimiter).filter(directory => directory !== LAUNCHERS);
    const found = elsewhere.map(directory => join(directory, name)).find(existsSync);
    if (!found) throw new Error(`expected anvil in @foundry-rs/anvil-${platform} or on PATH: run \`make setup\``);
    return found;
  }
}

/**
 * Starts anvil on a free port of 127.0.0.1.
 * @param {number} timestamp The first block's time, in unix seconds.
 * @returns Its address, and `stop`, which resolves once it has gone.
 */
export async function startAnvil(timestamp) {
  const child = spawn(binary(), ["--host", "127.0.0.1", "--port", "0", "--timestamp", String(timestamp)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const unguard = guard(child);

  const url = await listening(child);
  return {
    url,
    async stop() {
      unguard();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** A test run that is ended early must not leave a chain behind. */
function guard(child) {
  const kill = () => child.kill("SIGKILL");
  const relay = signal => {
    kill();
    process.kill(process.pid, signal);
  };
  process.once("exit", kill);
  for (const signal of ENDINGS) process.once(signal, relay);
  return () => {
    process.off("exit", kill);
    for (const signal of ENDINGS) process.off(signal, relay);
  };
}

function listening(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`anvil ended with ${code ?? signal} before it listened`));
    });
    // The reader stays attached: a full pipe would stall anvil.
    createInterface({ input: child.stdout }).on("line", line => {
      const address = /^Listening on (\S+)$/.exec(line)?.[1];
      if (address) resolve(`http://${address}`);
    });
  });
}
