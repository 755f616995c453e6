/** What most tests here stand on: a treasury on a chain, a shop that sells, `bursar serve` over it all, and a browser. */
import { startChain } from "../../reference/support/chain.mjs";
import { startFacilitator, startShop } from "../../reference/support/shop.mjs";
import { people, POLICY, setUpTreasury, UNIT } from "../../reference/support/treasury.mjs";
import { startBrowser } from "./browser.mjs";
import { startBursar } from "./bursar.mjs";

/** No calendar window, so that no test depends on when it runs. */
export const RULES = { ...POLICY, windows: [], lifetimeLimit: 400n * UNIT };

/**
 * @param goods What the shop sells, as `startShop` has it; without any there is none.
 * @param policy The envelope's.
 * @param configure What the service is told besides, given the treasury; as `startBursar` has it.
 */
export async function setStage({ goods, policy = RULES, configure = () => ({}) }) {
  const started = [];
  const begun = thing => (started.push(thing), thing);
  async function stop() {
    for (const thing of started.reverse()) await (thing.stop ? thing.stop() : thing.close());
  }
  try {
    // Agents hold the chain's time against their own clock.
    const chain = begun(await startChain(Math.floor(Date.now() / 1000)));
    const org = await setUpTreasury(chain, policy);
    const facilitator = goods && begun(await startFacilitator(chain, people.facilitator));
    const shop = goods && begun(await startShop(facilitator.url, org.token, goods));
    const bursar = begun(await startBursar(chain, org, configure(org)));
    const browser = begun(await startBrowser());
    return { chain, org, shop, bursar, browser, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
