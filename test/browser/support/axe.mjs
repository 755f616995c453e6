/** axe-core in the page: what keeps people from reading or working it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BAD = ["serious", "critical"];

/** The serious and critical findings on the page as it stands, one line each. */
export async function findings(page) {
  // As the debugger does it: the page's own policy lets nobody else's script in.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => BAD.includes(impact))
    .map(({ id, impact, nodes }) => `${impact}: ${id} at ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
