import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** What npm installed for this platform; the package's own launcher would put a process in between. */
function binary() {
  const platform = `${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  const manifest = createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${platform}/package.json`);
  return join(dirname(manifest), "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
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
