import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const ROOT = new URL("../../../", import.meta.url);

/** ABI and creation code of the contracts in one file of tests, which imports nothing; by the pinned compiler. */
export function compile(path) {
  const solc = createRequire(import.meta.url)("solc");
  const { contracts, errors = [] } = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: "Solidity",
        sources: { [path]: { content: readFileSync(new URL(path, ROOT), "utf8") } },
        settings: {
          optimizer: { enabled: true },
          outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
        },
      }),
    ),
  );
  const failed = errors.filter(({ severity }) => severity === "error");
  if (failed.length > 0) throw new Error(failed.map(error => error.formattedMessage).join("\n"));
  return Object.fromEntries(
    Object.entries(contracts[path]).map(([name, { abi, evm }]) => [
      name,
      { abi, bytecode: `0x${evm.bytecode.object}` },
    ]),
  );
}
