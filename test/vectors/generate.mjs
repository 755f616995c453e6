/** Writes the vectors next to this file: `node test/vectors/generate.mjs`. */
import { writeFileSync } from "node:fs";

import { build } from "./build.mjs";

for (const [name, text] of Object.entries(await build())) {
  writeFileSync(new URL(name, import.meta.url), text);
}
