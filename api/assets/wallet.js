// Wallets in this browser: found by EIP-6963, asked by EIP-1193. What they say is shown as text, and bounded.

import { Trouble } from "./service.js";

const LONGEST_NAME = 40;
const LONGEST_MESSAGE = 300;

/** Calls `found({id, name, icon, provider})` for every wallet, those that come late included. */
function discover(found) {
  const seen = new Set();
  addEventListener("eip6963:announceProvider", ({ detail }) => {
    const { info, provider } = detail ?? {};
    if (typeof provider?.request !== "function" || seen.has(provider)) return;
    seen.add(provider);
    const icon = String(info?.icon ?? "");
    found({
      id: `wallet-${seen.size}`,
      name: shortened(info?.name || "A wallet", LONGEST_NAME),
      // From elsewhere it would tell who reads this; the page's policy refuses it anyway.
      icon: icon.startsWith("data:image/") ? icon : null,
      provider,
    });
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
  // Older wallets do not announce themselves.
  const old = globalThis.ethereum;
  if (seen.size === 0 && typeof old?.request === "function") {
    seen.add(old);
    found({ id: "wallet-0", name: "Browser wallet", icon: null, provider: old });
  }
}

/** Lists the wallets of this browser in a fieldset, telling `found` of each; gives back who asks for the chosen one. */
export function choice(fieldset, found = () => {}) {
  const wallets = new Map();
  discover(wallet => {
    wallets.set(wallet.id, wallet.provider);
    fieldset.querySelector(".none")?.remove();
    const line = document.createElement("div");
    line.className = "wallet";
    const label = document.createElement("label");
    label.append(
      Object.assign(document.createElement("input"), {
        type: "radio",
        name: "wallet",
        value: wallet.id,
        checked: wallets.size === 1,
      }),
    );
    if (wallet.icon) label.append(Object.assign(document.createElement("img"), { src: wallet.icon, alt: "" }));
    label.append(wallet.name);
    line.append(label);
    fieldset.append(line);
    found();
  });
  return {
    any: () => wallets.size > 0,
    chosen() {
      const provider = wallets.get(fieldset.querySelector("input[name=wallet]:checked")?.value);
      if (!provider) throw new Trouble("Choose a wallet first.");
      return provider;
    },
  };
}

/** Whether a text is an account's address. */
export const isAddress = text => /^0x[0-9a-fA-F]{40}$/.test(text);

/** The account that a wallet offers first; asks the person where it must. */
export async function accountOf(provider) {
  const [account] = (await ask(provider, "eth_requestAccounts")) ?? [];
  if (!isAddress(account)) throw new Trouble("The wallet offers no account.");
  return account;
}

/** The chain that a wallet is on, as a number. */
export async function chainOf(provider) {
  return Number(await ask(provider, "eth_chainId"));
}

/** Has a wallet change to a chain. */
export async function switchTo(provider, chainId) {
  await ask(provider, "wallet_switchEthereumChain", [{ chainId: `0x${chainId.toString(16)}` }]);
}

/** Has a wallet sign typed data (EIP-712). */
export async function sign(provider, account, typedData) {
  const signature = await ask(provider, "eth_signTypedData_v4", [account, JSON.stringify(typedData)]);
  if (!/^0x([0-9a-fA-F]{2})+$/.test(signature)) throw new Trouble("The wallet gave back no signature.");
  return signature;
}

/** Has a wallet send a call; the transaction's hash. */
export async function send(provider, from, { to, value, data }) {
  const hash = await ask(provider, "eth_sendTransaction", [{ from, to, value: `0x${BigInt(value).toString(16)}`, data }]);
  if (!/^0x[0-9a-fA-F]{64}$/.test(hash)) throw new Trouble("The wallet gave back no transaction.");
  return hash;
}

/** What became of a transaction; `null` where it is in no block yet. */
export function receiptOf(provider, hash) {
  return ask(provider, "eth_getTransactionReceipt", [hash]);
}

/** Whether a contract signs for the account. An account that only lends itself code (EIP-7702) signs by its key. */
export async function kindOf(provider, account) {
  const code = await ask(provider, "eth_getCode", [account, "latest"]);
  return !code || code === "0x" || code.startsWith("0xef0100") ? "eoa" : "contract";
}

async function ask(provider, method, params = []) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    throw new Trouble(said(error));
  }
}

function said(error) {
  switch (error?.code ?? error?.data?.originalError?.code) {
    case 4001:
      return "You declined in the wallet. Nothing was signed.";
    case 4100:
      return "The wallet does not let this page ask. Connect the account in the wallet, then try again.";
    case 4900:
    case 4901:
      return "The wallet is not connected to its network. Try again when it is.";
    case 4902:
      return "The wallet does not know this network. Add it there, then try again.";
    case -32002:
      return "The wallet is asking already: open it and answer there.";
    default:
      return `The wallet said: ${shortened(error?.message ?? error, LONGEST_MESSAGE)}`;
  }
}

function shortened(text, longest) {
  const whole = [...String(text)];
  return whole.length > longest ? `${whole.slice(0, longest).join("")}…` : whole.join("");
}
