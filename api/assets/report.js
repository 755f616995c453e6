// A treasury's report: asked for, waited for, and taken away. The service makes it; this page only says how far it is.
import { make } from "./page.js";
import { Trouble, answerOf, post } from "./service.js";

const EVERY_MS = 1_000;

const form = document.getElementById("report");
const [status, trouble, file] = ["status", "trouble", "file"].map(name => document.getElementById(`report-${name}`));
const button = form?.querySelector("button");

const pause = () => new Promise(resolve => setTimeout(resolve, EVERY_MS));
const size = bytes => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

async function made() {
  const { treasury, height, words } = Object.fromEntries(new FormData(form));
  const reports = `/v1/treasuries/${treasury}/reports`;
  const wish = { height: height === "" ? null : Number(height), words: words !== undefined };
  const began = Date.now();
  let report = await post(reports, JSON.stringify(wish));
  while (report.state === "working") {
    const seconds = Math.round((Date.now() - began) / 1_000);
    status.textContent = `Being made up to block ${report.height}: ${size(report.bytes)} written in ${seconds} s.`;
    await pause();
    report = await answerOf(await fetch(`${reports}/${report.id}`));
  }
  if (report.state !== "ready") throw new Trouble(`There is no report: ${report.error}.`);
  return report;
}

// Before this runs, a press would ask for a page.
if (button) button.disabled = false;
form?.addEventListener("submit", async event => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  trouble.textContent = "";
  file.replaceChildren();
  try {
    const report = await made();
    status.textContent = `Ready, up to block ${report.height}. SHA-256 of its report.json: ${report.sha256}`;
    const link = make("a", `Download it (${size(report.bytes)})`, { className: "button", href: report.file });
    file.append(link);
    link.focus();
  } catch (error) {
    status.textContent = "";
    trouble.textContent = error instanceof Trouble ? error.message : `Not made: ${error.message}.`;
  } finally {
    button.disabled = false;
  }
});
