// Stamps as their issuers sign them (docs/STAMPS.md): the twin of sdk/src/stamp/{token,scope}.rs.
import { hashTypedData, hexToBytes } from "./vendor/viem.js";
import { fields, treasuryDomain } from "./signed.js";

const TYPE = fields(
  "bytes32 parent, address issuer, address subject, bytes32 agentRef, bytes32 scopeHash, uint96 perPaymentMax, uint96 totalMax, " +
    "bytes32 windowsHash, uint64 notBefore, uint64 notAfter, uint8 depthLeft, bytes32 policyHash, bytes32 httpsigJkt, " +
    "bytes32 workloadHash, uint32 epoch, bytes32 salt",
);

/** A stamp's hash, whatever it is said to be. */
export function hashOfStamp(link, { chainId, payment }) {
  const domain = treasuryDomain(chainId, payment.treasury);
  return hashTypedData({ domain, types: { Stamp: TYPE }, primaryType: "Stamp", message: link });
}

/** Whether a scope, in the bytes that were signed, has a payment's token and payee. */
export function allows(scopeBytes, { asset, payee }) {
  const bytes = [...hexToBytes(scopeBytes)];
  const take = many => bytes.splice(0, many);
  const [version] = take(1);
  if (version !== 1) return false;
  const has = address => {
    const [bound] = take(1);
    if (bound === 0) return true;
    if (bound !== 1) return false;
    const [count] = take(1);
    const wanted = [...hexToBytes(address)].join();
    const listed = Array.from({ length: count ?? 0 }, () => take(20).join());
    return listed.includes(wanted);
  };
  // Both, since what comes second stands behind what comes first.
  return [has(asset), has(payee)].every(Boolean);
}
