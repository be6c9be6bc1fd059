// Decodes Sparkplug B payloads with a package that nobody here wrote: one payload in hex a line in,
// one JSON object a line out. Whole numbers come as numbers: ours are below 2^53.
"use strict";

const readline = require("node:readline");
const sparkplug = require("sparkplug-payload").get("spBv1.0");

function plain(_name, value) {
  return value !== null && typeof value === "object" && typeof value.toNumber === "function"
    ? value.toNumber()
    : value;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const payload = sparkplug.decodePayload(Buffer.from(line, "hex"));
  process.stdout.write(`${JSON.stringify(payload, plain)}\n`);
});
