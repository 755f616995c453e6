/** A person's wallet in the page: announced by EIP-6963, asked by EIP-1193, on a chain of its own choice. */
import { CHAIN_ID } from "../../reference/support/chain.mjs";

const DECLINED = { code: 4001, message: "User rejected the request." };
const ICON = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4.5" cy="4.5" r="4.5" fill="#7a4fd0"/></svg>')}`;

/**
 * Puts a wallet into every page of a browser context.
 * @param account Who holds it. A test may change this, `chainId`, `declines`, and what it `asks` for before it sends, as a
 * person would.
 */
export async function installWallet(context, chain, account) {
  const wallet = { account, chainId: CHAIN_ID, declines: false, asks: null, signed: [], sent: [] };

  const verbs = {
    eth_requestAccounts: async () => [wallet.account.address],
    eth_chainId: async () => `0x${wallet.chainId.toString(16)}`,
    async wallet_switchEthereumChain([{ chainId }]) {
      if (wallet.declines) throw DECLINED;
      wallet.chainId = Number(chainId);
      return null;
    },
    async eth_signTypedData_v4([address, json]) {
      if (wallet.declines) throw DECLINED;
      if (address !== wallet.account.address) throw { code: 4100, message: "Unknown account." };
      const { domain, types, primaryType, message } = JSON.parse(json);
      if (Number(domain.chainId) !== wallet.chainId) throw { code: -32602, message: "Another chain." };
      wallet.signed.push({ primaryType, message });
      const { EIP712Domain: _, ...own } = types;
      return wallet.account.signTypedData({ domain, types: own, primaryType, message });
    },
    async eth_sendTransaction([{ from, to, value, data }]) {
      await wallet.asks;
      if (wallet.declines) throw DECLINED;
      if (from.toLowerCase() !== wallet.account.address.toLowerCase()) throw { code: 4100, message: "Unknown account." };
      if (wallet.chainId !== CHAIN_ID) throw { code: 4901, message: "Another chain." };
      const hash = await chain.wallet(wallet.account).sendTransaction({ to, value: BigInt(value), data });
      wallet.sent.push({ to, data, hash });
      return hash;
    },
  };

  await context.exposeBinding("askWallet", async (_, { method, params }) => {
    try {
      const verb = verbs[method];
      return { result: verb ? await verb(params) : await chain.reader.request({ method, params }) };
    } catch ({ code, message }) {
      return { error: { code, message } };
    }
  });
  await context.addInitScript(icon => {
    const provider = {
      async request({ method, params = [] }) {
        const { result, error } = await globalThis.askWallet({ method, params });
        if (error) throw Object.assign(new Error(error.message), { code: error.code });
        return result;
      },
    };
    const info = { uuid: crypto.randomUUID?.() ?? "1", name: "Test wallet", icon, rdns: "example.wallet" };
    const detail = Object.freeze({ info, provider });
    const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
    addEventListener("eip6963:requestProvider", announce);
    announce();
  }, ICON);
  return wallet;
}
