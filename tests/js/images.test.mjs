import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

let asked, letsIn;
globalThis.fetch = async (url) => {
  asked.push(url);
  if (url.includes("from=store") && !letsIn) throw new TypeError("Failed to fetch");
  return { ok: true, blob: async () => "bytes" };
};
globalThis.createImageBitmap = async () => ({ width: 64, height: 48, close() {} });
const { Source } = await import("../../static/js/annotator/images.js");
beforeEach(() => { asked = []; letsIn = true; });

test("pictures come from the server where its addresses are not signed", async () => {
  await new Source(false).load("/file");
  assert.deepEqual(asked, ["/file"]);
});

test("pictures come from the store where the server leads there", async () => {
  const picture = await new Source(true).load("/file");
  assert.deepEqual([asked, picture.width], [["/file?from=store"], 64]);
});

test("a store that does not let the page in is tried once, and every picture comes all the same", async () => {
  letsIn = false;
  const source = new Source(true);
  for (let n = 0; n < 3; n += 1) assert.equal((await source.load("/file")).width, 64);
  assert.deepEqual(asked, ["/file?from=store", "/file", "/file", "/file"]);
});
