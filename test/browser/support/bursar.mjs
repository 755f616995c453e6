/** The `bursar` binary: its service over a chain, and agents that pay from the command line. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { keyOf } from "../../reference/support/chain.mjs";

const BINARY = fileURLToPath(new URL("../../../target/debug/bursar", import.meta.url));
const STORE = "ledger.sqlite";
const POLLING_MS = 50;

const pause = () => new Promise(resolve => setTimeout(resolve, POLLING_MS));

/**
 * Serves the API over the chain on a free port; `agent` runs an agent's verbs against it.
 * @param settings Texts that `bursar.toml` has besides, by name.
 * @param tables TOML that comes after them.
 * @param secrets Files that nobody else reads, by name.
 */
export async function startBursar(chain, org, { settings = {}, tables = "", secrets = {} } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "bursar-browser-"));
  const keys = ["agent", "relayer", "owner", "guardian", "log"].map(name => [`${name}.key`, keyOf(name)]);
  for (const [name, secret] of [...keys, ...Object.entries(secrets)]) {
    const file = join(directory, name);
    writeFileSync(file, `${secret}\n`);
    chmodSync(file, 0o600);
  }
  const all = {
    rpc_url: chain.url,
    factory: org.factory,
    asset: org.token.address,
    treasury: org.treasury.address,
    listen: "127.0.0.1:0",
    store: STORE,
    log_name: "log.test",
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = "${value}"\n`);
  writeFileSync(join(directory, "bursar.toml"), lines.join("") + tables);

  const children = new Set();
  /** Ends what was started and runs still. */
  function end(started) {
    return Promise.all(
      started.map(async child => {
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }),
    );
  }
  function run(args) {
    const env = { PATH: process.env.PATH, NO_COLOR: "1", BURSAR_LOG_KEY_FILE: "log.key" };
    const child = spawn(BINARY, args, { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    child.once("exit", () => children.delete(child));
    return child;
  }
  const abandon = () => children.forEach(child => child.kill("SIGKILL"));
  process.once("exit", abandon);

  const service = run(["serve"]);
  const url = await listening(service);
  const credential = {};

  return {
    url,

    /** Asks with a key of its own from now on, where one is asked for: an auditor's, for all treasuries. */
    async askWithKey() {
      const grant = ["--name", "test", "--role", "auditor", "--all-treasuries"];
      const { code, stderr, facts } = await ended(run(["--json", "key", "create", ...grant]));
      if (code !== 0) throw new Error(`the key was not made: ${stderr}`);
      credential.authorization = `Bearer ${facts.key}`;
    },

    /** Runs an agent's verb; `ended` tells how it came out. */
    agent(verb, ...args) {
      const who = ["--envelope", String(org.envelope), "--gas-key-file", "relayer.key"];
      const child = run(["--json", "--key-file", "agent.key", "--api-url", url, "agent", verb, ...who, ...args]);
      return { ended: ended(child) };
    },

    /** Has the guardian vouch for the agent, who is to hold the stamper's role; the file with the stamp. */
    async stamp(terms) {
      writeFileSync(join(directory, "terms.json"), JSON.stringify(terms));
      const { code, stderr, facts } = await ended(run(["--json", "--key-file", "guardian.key", "stamp", "issue", "terms.json"]));
      if (code !== 0) throw new Error(`the stamp was not issued: ${stderr}`);
      writeFileSync(join(directory, "agent.stamp"), facts.stamp);
      return "agent.stamp";
    },

    /** Puts the root of the transparency log on chain. */
    async anchor() {
      const key = ["--key-file", "owner.key"];
      const { code, stderr } = await ended(run(["--json", ...key, "log", "anchor"]));
      if (code !== 0) throw new Error(`the log was not anchored: ${stderr}`);
    },

    /** Changes the store behind the service's back, as whoever has its file can; Python brings SQLite with it. */
    tamper(sql) {
      const script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: print(db.execute(sys.argv[2]).rowcount)";
      const changed = execFileSync("python3", ["-c", script, join(directory, STORE), sql], { encoding: "utf8" });
      if (Number(changed) !== 1) throw new Error(`expected one row changed, got ${changed}: ${sql}`);
    },

    /** A report's file, unpacked: its folder, the names in it, all of its text, and what `report.json` hashes to. */
    unpacked(file) {
      const to = mkdtempSync(join(directory, "report-"));
      execFileSync("python3", ["-m", "zipfile", "-e", file, to]);
      const folder = join(to, readdirSync(to)[0]);
      const files = readdirSync(folder).sort();
      const text = files.map(name => readFileSync(join(folder, name), "utf8")).join("\n");
      const sha256 = createHash("sha256").update(readFileSync(join(folder, "report.json"))).digest("hex");
      return { folder, files, text, sha256 };
    },

    /** Verifies a report's folder against a node, from elsewhere: without the ledger. */
    verify(folder, rpc) {
      return ended(run(["--json", "verify", folder, "--rpc", rpc]));
    },

    /** Waits until a payment has its outcome, which comes after it. */
    async recorded(purse, nonce) {
      while ((await this.json(`/v1/payments/${purse}/${nonce}`)).outcome === null) await pause();
    },

    /** Waits until the ledger holds everything that the chain holds now. */
    async caughtUp() {
      const head = Number(await chain.reader.getBlockNumber({ cacheTime: 0 }));
      while ((await this.json("/v1/status")).indexed < head) await pause();
    },

    async json(path) {
      const response = await fetch(url + path, { headers: credential });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },

    /** The last that somebody has asked of a route, once it is kept: that is a little later than it is answered. */
    async accessOf(by, route) {
      for (;;) {
        const { items } = await this.json(`/v1/access?by=${encodeURIComponent(by)}`);
        const found = items.find(item => item.route === route);
        if (found) return found;
        await pause();
      }
    },

    async post(path, body) {
      const headers = { "content-type": "application/json", ...credential };
      const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    },

    /** The digests of all requests. */
    async asked() {
      const { items } = await this.json("/v1/approval-requests?limit=200");
      return items.map(({ digest }) => digest);
    },

    /** The first request that is not among those, once there is one. */
    async askedBeside(digests) {
      for (;;) {
        const fresh = (await this.asked()).find(digest => !digests.includes(digest));
        if (fresh) return fresh;
        await pause();
      }
    },

    /** Ends agents that wait still, after a test that failed. */
    endAgents: () => end([...children].filter(child => child !== service)),

    async stop() {
      process.off("exit", abandon);
      await end([...children]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function ended(child) {
  const collected = ["", ""];
  for (const [i, stream] of [child.stdout, child.stderr].entries()) {
    stream.setEncoding("utf8").on("data", text => (collected[i] += text));
  }
  const [code] = await once(child, "close");
  const [stdout, stderr] = collected;
  return { code, stderr, facts: code === 0 ? JSON.parse(stdout) : null };
}

function listening(child) {
  const said = [];
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", code => reject(new Error(`bursar serve ended with ${code}:\n${said.join("\n")}`)));
    // The reader stays attached: a full pipe would stall the service.
    createInterface({ input: child.stderr }).on("line", line => {
      said.push(line);
      const address = /overview at .* address=(\S+)/.exec(line)?.[1];
      if (address) resolve(`http://${address}`);
    });
    child.stdout.resume();
  });
}
