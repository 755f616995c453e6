// Syntax trees of contracts/, with types, as the pinned compiler has them; and what else it says about a set of sources.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const REMAPPINGS = [...readFileSync(join(ROOT, "foundry.toml"), "utf8").matchAll(/^ +"(\S+=\S+)",$/gm)].map((m) => m[1]);

/** The paths of all sources under a folder, from the root of the repository. */
export function sourcesOf(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => name.endsWith(".sol"))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** Analyses sources (path => text), whatever they import read from the repository: trees by path, and errors. */
export function analyse(sources) {
  const solc = createRequire(join(ROOT, "package.json"))("solc");
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: { remappings: REMAPPINGS, evmVersion: "cancun", outputSelection: { "*": { "": ["ast"] } } },
  };
  const read = (path) => {
    try {
      return { contents: readFileSync(join(ROOT, path), "utf8") };
    } catch (error) {
      return { error: error.message };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
  return {
    errors: (output.errors ?? []).filter((error) => error.severity === "error"),
    trees: Object.fromEntries(Object.entries(output.sources ?? {}).map(([path, { ast }]) => [path, ast])),
  };
}

/** Calls `visit(node, parents)` for a tree's nodes, outer before inner; where it answers false, not for the inner ones. */
export function walk(node, visit, parents = []) {
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit, parents);
  } else if (node !== null && typeof node === "object") {
    if (node.nodeType !== undefined) {
      if (visit(node, parents) === false) return;
      parents = [...parents, node];
    }
    for (const [name, inner] of Object.entries(node)) {
      if (typeof inner === "object" && name !== "typeDescriptions") walk(inner, visit, parents);
    }
  }
}

/** Where a node stands in its source, in bytes. */
export function spanOf(node) {
  const [start, length] = node.src.split(":").map(Number);
  return { start, stop: start + length };
}
