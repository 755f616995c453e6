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

/** A build of Chromium without a window, for machines that have none. */
async function fromNpm() {
  // What it needs of shared libraries it unpacks where it believes itself on this platform, and a bare machine lacks.
  process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
  const { default: packed } = await import("@sparticuz/chromium");
  return { executablePath: await packed.executablePath(), args: packed.args };
}

export async function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? onPath();
  // Inside a container there is no sandbox to be had, and nothing but our own pages is opened.
  return chromium.launch(executablePath ? { executablePath, args: ["--no-sandbox"] } : await fromNpm());
}
