import { keccak256, parseEventLogs, stringToHex, zeroHash } from "viem";

import { artifact, REFUSALS } from "./artifacts.mjs";
import { CHAIN_ID, person } from "./chain.mjs";
import { openSessionTypedData } from "./session.mjs";

export const UNIT = 1_000_000n;

export const ROLE = { owner: 1, policyManager: 2, guardian: 4, approver: 8, stamper: 32 };
const PAYEE_LIST = 1;
const ESCROW = 500n * UNIT;
const SESSION_SECONDS = 3_600n;

const NAMES = ["owner", "policyManager", "guardian", "approver", "agent", "relayer", "facilitator", "stranger"];
export const people = Object.fromEntries(NAMES.map(name => [name, person(name)]));
export const shopkeeper = person("listed payee").address;
export const outsider = person("unlisted payee").address;

/** Cap 20, approval above 10, session 50, day 100, week 300; listed payees only. */
export const POLICY = {
  paymentCap: 20n * UNIT,
  approvalThreshold: 10n * UNIT,
  sessionLimit: 50n * UNIT,
  maxSessionSeconds: 4 * 3_600,
  payeeList: PAYEE_LIST,
  lifetimeLimit: 0n,
  policyHash: keccak256(stringToHex("policy document")),
  windows: [
    { period: 86_400, limit: 100n * UNIT },
    { period: 604_800, limit: 300n * UNIT },
  ],
};

/** Deploys token, factory and treasury; sets roles, policy, payees; funds one agent's envelope. */
export async function setUpTreasury(chain, policy = POLICY) {
  const { owner, policyManager, guardian, approver, agent, relayer } = people;
  await chain.fund(...Object.values(people));

  const usdc = await chain.deploy(relayer, artifact("TestUSDC"));
  const views = await chain.deploy(relayer, artifact("TreasuryViews"));
  const desk = await chain.deploy(relayer, artifact("TreasuryDesk"), [views.address]);
  const factory = await chain.deploy(relayer, artifact("TreasuryFactory"), [desk.address]);
  const creation = await chain.send(relayer, factory, "createTreasury", [owner.address, zeroHash]);
  const [{ args: created }] = parseEventLogs({ ...factory, eventName: "TreasuryCreated", logs: creation.logs });
  const treasury = { abi: artifact("Treasury").abi, address: created.treasury };

  await chain.send(owner, treasury, "grantRole", [policyManager.address, ROLE.policyManager]);
  await chain.send(owner, treasury, "grantRole", [guardian.address, ROLE.guardian]);
  await chain.send(owner, treasury, "grantRole", [approver.address, ROLE.approver]);
  await chain.send(owner, treasury, "setSeparationOfDuties", [true]);
  await chain.send(owner, treasury, "addAsset", [usdc.address]);
  await chain.send(policyManager, treasury, "listPayee", [PAYEE_LIST, shopkeeper]);
  const creating = [agent.address, usdc.address, policy];
  const setUp = await chain.send(policyManager, treasury, "createEnvelope", creating);
  const [{ args: purse }] = parseEventLogs({ ...treasury, eventName: "PurseCreated", logs: setUp.logs });

  await chain.send(relayer, usdc, "mint", [relayer.address, ESCROW]);
  await chain.send(relayer, usdc, "approve", [treasury.address, ESCROW]);
  await chain.send(relayer, treasury, "topUp", [purse.envelope, ESCROW]);

  const token = { ...usdc, name: await chain.read(usdc, "name"), version: await chain.read(usdc, "version") };
  const { envelope, purse: address } = purse;
  return { ...verbs(chain, treasury, token), factory: factory.address, treasury, token, envelope, purse: address };

  function verbs(chain, treasury, token) {
    return {
      balanceOf: holder => chain.read(token, "balanceOf", [holder]),

      /** Opens the envelope's next session; the agent signs, a relayer submits. */
      async openSession(budget, signer = agent) {
        const { sequence: last } = await chain.read(treasury, "session", [purse.purse]);
        const sequence = Number(last) + 1;
        const key = person(`session key ${sequence}`);
        const request = {
          envelope: purse.envelope,
          purseIndex: 0,
          sequence,
          key: key.address,
          budget,
          expiry: Number((await chain.now()) + SESSION_SECONDS),
          scope: { paymentCap: 0n, approvalThreshold: 0n, payeeList: 0 },
          stampHash: zeroHash,
        };
        const signature = await signer.signTypedData(openSessionTypedData(CHAIN_ID, treasury.address, request));
        await chain.send(relayer, treasury, "openSession", [request, signature]);
        const { epoch, policyVersion } = await chain.read(treasury, "session", [purse.purse]);
        return {
          treasury: treasury.address,
          purse: purse.purse,
          sequence,
          epoch,
          policyVersion,
          key,
          expiry: BigInt(request.expiry),
        };
      },

      /** Lets the envelope's purse pay through Permit2, or no more; ends its sessions. */
      async setPermit2(on) {
        await chain.send(policyManager, treasury, "setPermit2", [purse.envelope, on]);
        await chain.send(people.stranger, treasury, "levelPermit2", [purse.envelope, 0]);
      },

      /** The same session, once it runs on after a release. */
      async refresh(session) {
        const { epoch, policyVersion } = await chain.read(treasury, "session", [session.purse]);
        return { ...session, epoch, policyVersion };
      },

      /** The reason that facilitators cannot tell. */
      async diagnose(from, digest, blob) {
        const [reason] = await chain.read(treasury, "diagnosePayment", [from, digest, blob]);
        return REFUSALS[reason];
      },

      async preview(payee, amount) {
        const question = [purse.purse, payee, amount, false];
        const [reason, limit, actual] = await chain.read(treasury, "previewPayment", question);
        return { refusal: REFUSALS[reason], limit, actual };
      },
    };
  }
}
