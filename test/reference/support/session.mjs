/** What the agent's identity key signs (EIP-712), under its treasury's domain. */

export const treasuryDomain = (chainId, treasury) => ({
  name: "Bursar Treasury",
  version: "1",
  chainId,
  verifyingContract: treasury,
});

export function openSessionTypedData(chainId, treasury, request) {
  return {
    domain: treasuryDomain(chainId, treasury),
    types: {
      OpenSession: [
        { name: "envelope", type: "uint24" },
        { name: "purseIndex", type: "uint16" },
        { name: "sequence", type: "uint24" },
        { name: "key", type: "address" },
        { name: "budget", type: "uint96" },
        { name: "expiry", type: "uint32" },
        { name: "scope", type: "Scope" },
        { name: "stampHash", type: "bytes32" },
      ],
      Scope: [
        { name: "paymentCap", type: "uint96" },
        { name: "approvalThreshold", type: "uint96" },
        { name: "payeeList", type: "uint16" },
      ],
    },
    primaryType: "OpenSession",
    message: request,
  };
}

export function closeSessionTypedData(chainId, treasury, message) {
  return {
    domain: treasuryDomain(chainId, treasury),
    types: {
      CloseSession: [
        { name: "purse", type: "address" },
        { name: "sequence", type: "uint24" },
      ],
    },
    primaryType: "CloseSession",
    message,
  };
}
