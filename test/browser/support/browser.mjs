/** Chromium as this machine has it, or as npm does. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

function onPath() {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return directories.flatMap(directory => NAMES.map(name => join(directory, name))).find(path => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Where npm's build of Chromium is, once unpacked. */
async function fromNpm() {
  // What it needs of shared libraries it unpacks where it believes itself on this platform, and a bare machine lacks.
  process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
  const { default: packed } = await import("@sparticuz/chromium");
  return packed.executablePath();
}

export async function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? onPath() ?? (await fromNpm());
  // Inside a container there is no sandbox to be had, and nothing but our own pages is opened.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** Longest that a page may take to show what a test waits for. */
const TIMEOUT_MS = 60_000;

/**
 * A browser of somebody's own, with nothing in it yet. What goes wrong in its pages by itself is in `problems`: errors, dialogs, what
 * the page's own policy forbids.
 */
export async function visit(browser, options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", error => problems.push(String(error)));
  page.on("dialog", dialog => problems.push(dialog.message()));
  page.on("console", message => {
    if (message.text().includes("Content Security Policy")) problems.push(message.text());
  });
  return { context, page, problems };
}
