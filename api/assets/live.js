// Keeps the page current without moving what is read: follows the stream of events, fetches the page again when something
// happened, and puts in what has changed. Where there is no stream it looks every ten seconds. It waits while the reader
// looks elsewhere, has selected text, writes, or has paused it.
(() => {
  "use strict";
  const EVERY_MS = 10_000;
  // With a stream, only what time alone changes.
  const EVERY_WITH_STREAM_MS = 60_000;
  // Events come in bursts: one look for all of them.
  const SETTLE_MS = 400;
  const AGAIN_MS = 30_000;
  const WORDS = new Map([
    ["payment.seen", ["payment", "payments"]],
    ["payment.refused", ["refusal", "refusals"]],
    ["approval.requested", ["approval request", "approval requests"]],
    ["freeze.set", ["freeze", "freezes"]],
    ["freeze.released", ["release", "releases"]],
    ["review.set", ["review", "reviews"]],
    ["review.cleared", ["cleared review", "cleared reviews"]],
    ["alert.raised", ["alert", "alerts"]],
    ["envelope.topped_up", ["top-up", "top-ups"]],
    ["envelope.withdrawn", ["withdrawal", "withdrawals"]],
    ["policy.changed", ["policy change", "policy changes"]],
    ["session.opened", ["session", "sessions"]],
    ["retracted", ["event taken back", "events taken back"]],
  ]);
  const SILENT = ["payment.settled", "session.closed", "decision.stored", "outcome.stored", "alert.closed",
    "approval.granted", "approval.rejected", "approval.expired", "change.announced", "role.granted", "role.revoked",
    "record.erased", "score.flagged", "score.unflagged", "webhook.disabled"];

  const filter = document.querySelector('meta[name="bursar-events"]')?.content ?? "";
  const main = () => document.querySelector("main");
  const heard = new Map();
  let paused = false;
  let stream = null;
  let timer = 0;
  let due = false;

  const button = document.createElement("button");
  button.type = "button";
  button.className = "pause";
  const news = document.createElement("span");
  news.className = "news";
  news.setAttribute("role", "status");
  news.setAttribute("aria-live", "polite");
  document.querySelector("header nav")?.append(button, news);

  const label = () => {
    button.textContent = paused ? "Resume updates" : "Pause updates";
    button.setAttribute("aria-pressed", String(paused));
    document.documentElement.dataset.live = paused ? "paused" : stream?.readyState === EventSource.OPEN ? "stream" : "polling";
  };

  const writes = () => {
    const at = document.activeElement;
    return (at?.matches("input, textarea, select") && main()?.contains(at)) || document.querySelector("dialog[open]") !== null;
  };
  const busy = () => paused || document.hidden || String(document.getSelection() ?? "") !== "" || writes();

  // What is at the top of what the reader sees, among things that keep their name.
  const landmark = () => {
    const named = [...(main()?.querySelectorAll("[id]") ?? [])];
    const seen = named.filter(element => !element.closest("svg") && element.getBoundingClientRect().bottom > 0);
    const first = seen.find(element => element.getBoundingClientRect().top >= 0) ?? seen.at(-1);
    return first && { id: first.id, top: first.getBoundingClientRect().top };
  };

  // A link or a control by what it does, to find it again.
  const path = element => {
    if (element.id) return () => document.getElementById(element.id);
    const holder = element.parentElement?.closest("[id]");
    const [tag, words] = [element.tagName, element.textContent];
    return () => [...(document.getElementById(holder?.id)?.querySelectorAll(tag) ?? [])].find(it => it.textContent === words);
  };

  const put = next => {
    const was = main();
    for (const { id, open } of was.querySelectorAll("details[id]")) next.querySelector(`#${CSS.escape(id)}`)?.toggleAttribute("open", open);
    if (next.innerHTML === was.innerHTML) return;
    const focused = was.contains(document.activeElement) && document.activeElement !== was ? path(document.activeElement) : null;
    const before = scrollY > 0 ? landmark() : null;
    // What has not changed stays: pictures are not loaded again.
    const kept = child => {
      const old = child.id ? document.getElementById(child.id) : null;
      return old?.parentElement === was && old.isEqualNode(child) ? old : child;
    };
    was.replaceChildren(...[...next.childNodes].map(kept));
    focused?.()?.focus({ preventScroll: true });
    const after = before && document.getElementById(before.id);
    if (after) scrollBy({ top: after.getBoundingClientRect().top - before.top, behavior: "instant" });
  };

  const tell = () => {
    const counted = [...heard].map(([kind, count]) => `${count} ${WORDS.get(kind)[count === 1 ? 0 : 1]}`);
    heard.clear();
    if (counted.length) news.textContent = `New: ${counted.join(", ")}`;
  };

  const look = async () => {
    clearTimeout(timer);
    if (busy()) {
      due = true;
    } else {
      due = false;
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        const next = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
        if (next && !busy()) {
          put(document.importNode(next, true));
          tell();
        }
      } catch {
        // The service may be restarting; the next round tells.
      }
    }
    clearTimeout(timer);
    const following = stream?.readyState === EventSource.OPEN;
    timer = setTimeout(look, due ? 1_000 : following ? EVERY_WITH_STREAM_MS : EVERY_MS);
  };

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, SETTLE_MS);
  };

  const follow = () => {
    if (stream || document.hidden || paused) return;
    stream = new EventSource(`/v1/events/stream${filter}`);
    stream.addEventListener("open", label);
    stream.addEventListener("error", () => {
      // Closed for good where the service turned it away: as many follow as may. Otherwise the browser comes back.
      if (stream?.readyState === EventSource.CLOSED) {
        stream = null;
        setTimeout(follow, AGAIN_MS);
      }
      label();
      soon();
    });
    for (const kind of [...WORDS.keys(), ...SILENT]) {
      stream.addEventListener(kind, () => {
        if (WORDS.has(kind)) heard.set(kind, (heard.get(kind) ?? 0) + 1);
        soon();
      });
    }
  };

  const leave = () => {
    stream?.close();
    stream = null;
  };

  // A page that nobody sees holds no connection.
  const turn = () => {
    if (paused || document.hidden) {
      leave();
    } else {
      follow();
      soon();
    }
    label();
  };
  button.addEventListener("click", () => {
    paused = !paused;
    turn();
  });
  document.addEventListener("visibilitychange", turn);
  addEventListener("pagehide", leave);

  follow();
  label();
  timer = setTimeout(look, EVERY_MS);
})();
