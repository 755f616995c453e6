/** Chromium as this machine has it. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const directories = (process.env.PATH ?? "").split(delimiter);
  const found = directories.flatMap(directory => NAMES.map(name => join(directory, name))).find(path => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`expected Chromium: one of ${NAMES.join(", ")} on PATH, or its path in CHROMIUM`);
  return found;
}

export function startBrowser() {
  // Inside a container there is no sandbox to be had, and nothing but our own pages is opened.
  return chromium.launch({ executablePath: executable(), args: ["--no-sandbox"] });
}
