import { readFileSync } from "node:fs";

const ROOT = new URL("../../../", import.meta.url);

/** ABI and bytecode of a contract, as committed for the bindings. */
export function artifact(name) {
  return JSON.parse(readFileSync(new URL(`sdk/abi/${name}.json`, ROOT), "utf8"));
}

/** The contract's refusals by number, read from where they are declared. */
export const REFUSALS = (() => {
  const source = readFileSync(new URL("contracts/libraries/Types.sol", ROOT), "utf8");
  const body = source.split("enum Refusal {")[1].split("}")[0];
  return body
    .split("\n")
    .map(line => line.trim().replace(/,$/, ""))
    .filter(line => line !== "" && !line.startsWith("//"));
})();
