// All mutants of a source in one source, each behind a switch (a "mutant schema": Untch, Offutt, Harrold 1993): it is
// compiled once, and a run of the tests says which mutant it is about. The switch is the block's PREVRANDAO, which no
// contract here reads: without mutant it is zero.
import { spanOf } from "./syntax.mjs";

/** What a woven source imports. Rules are pure, so the switch is read behind the compiler's back. */
export const SWITCH = {
  path: "contracts/Mutation.sol",
  text: `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

function isMutant(uint256 number) pure returns (bool) {
    return asPure(chosen)() == number;
}

function chosen() view returns (uint256) {
    return block.prevrandao;
}

function asPure(function() view returns (uint256) read)
    pure
    returns (function() pure returns (uint256) pureRead)
{
    assembly {
        pureRead := read
    }
}
`,
};

/** The source with all these mutants in it, each under its `number`. */
export function weave(source, mutants) {
  const bytes = Buffer.from(source);
  const sites = new Map();
  for (const mutant of mutants) {
    const key = [mutant.site.start, mutant.site.stop, mutant.kind].join();
    if (!sites.has(key)) sites.set(key, { ...mutant.site, kind: mutant.kind, outer: mutant.outer, mutants: [] });
    sites.get(key).mutants.push(mutant);
  }
  // Outer before inner; where a statement and an expression are as long, the statement is the outer one.
  const rank = { function: 0, statement: 1, expression: 2 };
  const order = [...sites.values()].sort((a, b) => a.start - b.start || b.stop - a.stop || rank[a.kind] - rank[b.kind]);

  /** The text of `start..stop` with the sites in `inner`, which lie within it. */
  function render(start, stop, inner) {
    let text = "";
    let at = start;
    for (let i = 0; i < inner.length; ) {
      const site = inner[i];
      let next = i + 1;
      while (next < inner.length && inner[next].start < site.stop) next += 1;
      text += bytes.toString("utf8", at, site.start) + switched(site, inner.slice(i + 1, next));
      at = site.stop;
      i = next;
    }
    return text + bytes.toString("utf8", at, stop);
  }

  const marked = (mutant) => `/*<${mutant.number}*/${mutant.woven}/*${mutant.number}>*/`;

  function switched(site, inner) {
    const original = render(site.start, site.stop, inner);
    if (site.kind === "function") return copies(site, inner);
    if (site.kind === "expression") {
      return `(${site.mutants.map((m) => `isMutant(${m.number}) ? (${marked(m)}) : `).join("")}(${original}))`;
    }
    return `{ ${site.mutants.map((m) => `if (isMutant(${m.number})) { ${marked(m)} } else `).join("")}{ ${original} } }`;
  }

  /** A function that only chooses, and its body once with all modifiers, and once without each. */
  function copies({ outer, start, mutants: without }, inner) {
    const text = ({ start: from, stop: to }) =>
      render(from, to, inner.filter((site) => site.start >= from && site.stop <= to));
    const body = spanOf(outer.body);
    const modifiers = outer.modifiers.map(spanOf);
    const returned = outer.returnParameters.parameters.length > 0;
    let head = "";
    let at = start;
    for (const modifier of modifiers) {
      head += bytes.toString("utf8", at, modifier.start);
      at = modifier.stop;
    }
    head += bytes.toString("utf8", at, body.start);
    const names = outer.parameters.parameters.map((parameter) => parameter.name).join(", ");
    const call = (number) => `${returned ? "return " : ""}_${outer.name}${number}(${names});`;
    const copy = (number, kept) =>
      `function _${outer.name}${number}${text(spanOf(outer.parameters))} private ` +
      `${["view", "pure"].includes(outer.stateMutability) ? outer.stateMutability : ""} ${kept.map(text).join(" ")} ` +
      `${returned ? `returns ${text(spanOf(outer.returnParameters))}` : ""} ${text(body)}`;
    const all = `All${without[0].number}`;
    return [
      `${head}{ ${without.map((m) => `if (isMutant(${m.number})) { ${call(m.number)} } else `).join("")}{ ${call(all)} } }`,
      ...without.map((m) => copy(m.number, modifiers.filter((one) => one.start !== m.start))),
      copy(all, modifiers),
    ].join("\n");
  }

  const text = render(0, bytes.length, order).replace(/^(pragma .*)$/m, `$1 import {isMutant} from "${SWITCH.path}";`);
  return mutants.length === 0 ? source : text;
}

/** The number of the innermost mutant that a place (in bytes) of a woven source is in, if it is in one. */
export function mutantAt(woven, at) {
  const before = Buffer.from(woven).toString("utf8", 0, at);
  const open = [];
  for (const [, began, ended] of before.matchAll(/\/\*<(\d+)\*\/|\/\*(\d+)>\*\//g)) {
    if (began) open.push(Number(began));
    else if (open.at(-1) === Number(ended)) open.pop();
  }
  return open.at(-1);
}
