import { getAddress, keccak256, stringToHex } from "viem";

import { CHAIN_ID } from "./chain.mjs";
import {
  APPROVAL_CONTRACT,
  APPROVAL_EOA,
  approvalDigest,
  commitment,
  encodeBlob,
  sessionId,
  terms,
  transferDigest,
} from "./payment.mjs";

/**
 * The exact scheme of an x402 client whose payer is a purse. The stock class draws a random nonce and hands on
 * 65 bytes; a purse wants a nonce that commits to the decision and a blob that says so.
 */
export class PurseScheme {
  scheme = "exact";

  /**
   * @param options.session What `openSession` gave.
   * @param options.decision What the agent decided; its hash is committed.
   * @param options.now The chain's time, in unix seconds.
   * @param options.approver Signs an approval of the payment; or a contract, with the `proof` it wants
   * to see, or what makes one of the digest.
   * @param options.signer Signs instead of the session key.
   * @param options.nonce Takes the commitment's place.
   */
  constructor(options) {
    this.options = options;
  }

  async createPaymentPayload(x402Version, requirements) {
    const { session, approver, signer = session.key } = this.options;
    const payment = this.payment(requirements);
    const nonce = this.options.nonce ?? this.nonce(payment.decisionHash);
    const digest = this.digest(requirements, payment, nonce);
    const approval = approver && (await this.approve(approver, payment, digest));
    const signature = encodeBlob(payment, await signer.sign({ hash: digest }), approval);
    return { x402Version, payload: { ...this.authorization(requirements, payment, nonce), signature } };
  }

  payment(requirements) {
    return {
      payee: getAddress(requirements.payTo),
      amount: BigInt(requirements.amount),
      validAfter: 0n,
      validBefore: this.options.now + BigInt(requirements.maxTimeoutSeconds),
      decisionHash: keccak256(stringToHex(this.options.decision)),
    };
  }

  digest(requirements, payment, nonce) {
    const token = { address: getAddress(requirements.asset), ...requirements.extra };
    return transferDigest({ token, chainId: CHAIN_ID, purse: this.options.session.purse, payment, nonce });
  }

  authorization(_, payment, nonce) {
    return {
      authorization: {
        from: this.options.session.purse,
        to: payment.payee,
        value: payment.amount.toString(),
        validAfter: payment.validAfter.toString(),
        validBefore: payment.validBefore.toString(),
        nonce,
      },
    };
  }

  nonce(decisionHash) {
    const { epoch, policyVersion, purse, sequence } = this.options.session;
    return commitment(terms(epoch, policyVersion), sessionId(purse, sequence), decisionHash);
  }

  async approve(approver, payment, digest) {
    const { treasury, purse } = this.options.session;
    const hash = approvalDigest({ treasury, chainId: CHAIN_ID, purse, payment, digest });
    if (!approver.proof) return { kind: APPROVAL_EOA, signature: await approver.sign({ hash }) };
    const { address, proof } = approver;
    const signature = typeof proof === "function" ? await proof(hash) : proof;
    return { kind: APPROVAL_CONTRACT, approver: address, signature };
  }
}
