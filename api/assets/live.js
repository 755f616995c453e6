// Keeps the page current without moving it: fetches itself and swaps the ledger in place. Waits while the
// reader looks elsewhere, has selected text, or has paused it.
(() => {
  "use strict";
  const EVERY_MS = 10_000;
  let paused = false;

  const button = document.createElement("button");
  button.type = "button";
  button.className = "pause";
  const label = () => {
    button.textContent = paused ? "Resume updates" : "Pause updates";
    button.setAttribute("aria-pressed", String(paused));
  };
  button.addEventListener("click", () => {
    paused = !paused;
    label();
  });
  label();
  document.querySelector("header nav")?.append(button);

  const busy = () =>
    paused ||
    document.hidden ||
    String(document.getSelection() ?? "") !== "" ||
    document.querySelector("main")?.contains(document.activeElement);

  const refresh = async () => {
    if (!busy()) {
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        if (answer.ok) {
          const next = new DOMParser().parseFromString(await answer.text(), "text/html");
          const main = next.querySelector("main");
          if (main && !busy()) document.querySelector("main")?.replaceWith(main);
        }
      } catch {
        // The service may be restarting; the next round tells.
      }
    }
    setTimeout(refresh, EVERY_MS);
  };
  setTimeout(refresh, EVERY_MS);
})();
