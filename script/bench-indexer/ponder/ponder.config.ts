// The chain as the benchmark serves it; everything comes from the environment that script/bench-indexer sets.
import { createConfig } from "ponder";
import { parseAbi, type Hex } from "viem";

const given = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`expected ${name} in the environment, found none`);
  return value;
};

export default createConfig({
  database: { kind: "postgres", connectionString: given("DATABASE_URL") },
  chains: { base: { id: 8453, rpc: given("RPC_URLS").split(",") } },
  contracts: {
    Token: {
      chain: "base",
      abi: parseAbi([
        "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
        "event Transfer(address indexed from, address indexed to, uint256 value)",
      ]),
      address: given("TOKEN") as Hex,
      startBlock: 0,
      endBlock: Number(given("END_BLOCK")),
    },
    Proxy: {
      chain: "base",
      abi: parseAbi(["event Settled()", "event SettledWithPermit()"]),
      address: given("PROXIES").split(",") as Hex[],
      startBlock: 0,
      endBlock: Number(given("END_BLOCK")),
    },
  },
});
