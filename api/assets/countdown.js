// Counts down to every [data-until] (unix seconds), by the service's clock: [data-now] says what time it is there.
(() => {
  "use strict";
  let told;
  let ahead = 0;

  /** The service's time, in unix seconds, also where this machine's clock is wrong. */
  const now = () => {
    const clock = document.querySelector("[data-now]");
    if (clock && clock !== told) {
      told = clock;
      ahead = Number(clock.dataset.now) - performance.now() / 1000;
    }
    return Math.floor(performance.now() / 1000 + ahead);
  };

  const words = left => {
    const parts = [Math.floor(left / 86_400), Math.floor(left / 3_600) % 24, Math.floor(left / 60) % 60, left % 60];
    const first = parts.findIndex(part => part > 0);
    const units = ["d", "h", "min", "s"];
    return parts
      .map((part, i) => `${part} ${units[i]}`)
      .slice(first, first + 2)
      .join(" ");
  };

  const tick = () => {
    const time = now();
    for (const span of document.querySelectorAll("[data-until]")) {
      const left = Number(span.dataset.until) - time;
      span.textContent = left > 0 ? `in ${words(left)}` : "now";
    }
  };
  tick();
  setInterval(tick, 1_000);
})();
