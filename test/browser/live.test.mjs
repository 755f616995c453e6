/** How a page keeps itself current: by the stream, or by looking; and what it must not disturb. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { startBrowser, visit } from "./support/browser.mjs";

const ORIGIN = "http://desk.test";
const SCRIPT = new URL("../../api/assets/live.js", import.meta.url);
/** Longer than anything that the page waits for. */
const LONG_MS = 61_000;

const line = n => `<p id="line-${n}">Line ${n}</p>`;

function body({ sum = "1.00", above = 0 } = {}) {
  const more = Array.from({ length: above }, (_, n) => line(`above-${n}`)).join("");
  const lines = Array.from({ length: 80 }, (_, n) => line(n)).join("");
  return `<section id="money"><h1>Paid ${sum} USDC</h1><a href="/one">Open</a> <a href="/two">Open the other</a>
    <details id="numbers"><summary>In numbers</summary><p>Numbers</p></details>${more}</section>${lines}
    <input id="amount" aria-label="Amount">`;
}

const document = content => `<!doctype html><html lang="en"><head><title>Desk</title>
  <meta name="bursar-events" content="?treasury=0x71&amp;envelope=1"><script src="/assets/live.js" defer></script></head>
  <body><header><nav></nav></header><main id="main" tabindex="-1">${content}</main></body></html>`;

describe("a page that keeps itself current", { timeout: 120_000 }, () => {
  let browser, context, page, shown, asked, streams, streamed, problems;

  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  beforeEach(async () => {
    [shown, asked, streams, streamed] = [body(), 0, [], null];
    ({ context, page, problems } = await visit(browser, { viewport: { width: 800, height: 600 } }));
    await page.clock.install();
    const script = await readFile(SCRIPT, "utf8");
    await context.route(`${ORIGIN}/**`, async route => {
      const url = new URL(route.request().url());
      if (url.pathname === "/assets/live.js") return route.fulfill({ contentType: "text/javascript", body: script });
      if (url.pathname === "/v1/events/stream") {
        streams.push(url.search);
        if (streamed === null) return route.fulfill({ status: 503, body: "streams_full" });
        // A browser comes back by itself when a stream ends; not here.
        return route.fulfill({ contentType: "text/event-stream", body: `retry: 1000000000\n\n${streamed}` });
      }
      asked += 1;
      return route.fulfill({ contentType: "text/html", body: document(shown) });
    });
  });

  afterEach(async () => {
    await context?.close();
    assert.deepEqual(problems, []);
  });

  const heading = () => page.locator("h1").innerText();
  const topOf = id => page.evaluate(id => globalThis.document.getElementById(id).getBoundingClientRect().top, id);
  /** Lets the page's own time pass, until it has asked again. */
  async function looks(ms = LONG_MS) {
    const answered = page.waitForResponse(response => response.url() === `${ORIGIN}/`);
    await page.clock.runFor(ms);
    await (await answered).finished();
  }
  const becomes = sum => page.getByRole("heading", { name: `Paid ${sum} USDC` }).waitFor();

  it("follows the stream of what it shows, and says what is new", async () => {
    streamed = "event: payment.seen\ndata: {}\n\nevent: payment.seen\ndata: {}\n\nevent: freeze.set\ndata: {}\n\n";
    await page.goto(`${ORIGIN}/`);
    shown = body({ sum: "2.00" });
    await looks(2_000);
    await becomes("2.00");
    assert.equal(streams[0], "?treasury=0x71&envelope=1");
    assert.equal(await page.getByRole("status").innerText(), "New: 2 payments, 1 freeze");
  });

  it("looks every ten seconds where as many follow as may", async () => {
    await page.goto(`${ORIGIN}/`);
    await page.locator('html[data-live="polling"]').waitFor({ state: "attached" });
    shown = body({ sum: "2.00" });
    await looks(10_500);
    await becomes("2.00");
    shown = body({ sum: "3.00" });
    await looks(10_500);
    await becomes("3.00");
  });

  it("does not move what is read, and keeps focus and what was opened", async () => {
    await page.goto(`${ORIGIN}/`);
    await page.getByText("In numbers").click();
    await page.getByRole("link", { name: "Open the other" }).focus();
    await page.evaluate(() => globalThis.document.getElementById("line-40").scrollIntoView());
    const before = await topOf("line-40");
    await page.evaluate(() => (globalThis.document.getElementById("line-41").mark = true));
    shown = body({ sum: "2.00", above: 12 });
    await looks();
    await becomes("2.00");
    assert.ok(Math.abs((await topOf("line-40")) - before) <= 1, "the page has moved under the reader");
    assert.equal(await page.evaluate(() => globalThis.document.activeElement.getAttribute("href")), "/two");
    assert.ok(await page.evaluate(() => globalThis.document.getElementById("line-41").mark), "what has not changed was made anew");
    assert.ok(await page.locator("#numbers").evaluate(details => details.open));
  });

  it("waits while somebody writes, and while it is paused", async () => {
    await page.goto(`${ORIGIN}/`);
    await page.getByLabel("Amount").fill("12");
    const before = asked;
    shown = body({ sum: "2.00" });
    await page.clock.runFor(LONG_MS);
    assert.deepEqual([asked, await heading()], [before, "Paid 1.00 USDC"]);
    assert.equal(await page.getByLabel("Amount").inputValue(), "12");

    await page.getByRole("button", { name: "Pause updates" }).click();
    await page.clock.runFor(LONG_MS);
    assert.deepEqual([asked, await heading()], [before, "Paid 1.00 USDC"]);

    const resumed = page.getByRole("button", { name: "Resume updates" });
    assert.equal(await resumed.getAttribute("aria-pressed"), "true");
    await resumed.click();
    await looks(2_000);
    await becomes("2.00");
  });
});
