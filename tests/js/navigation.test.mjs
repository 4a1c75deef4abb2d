import assert from "node:assert/strict";
import test from "node:test";

import { Navigation } from "../../static/js/annotator/navigation.js";

test("of two filters chosen quickly the newer one's list holds, whichever answer comes first", async () => {
  const waiting = {};
  const api = {
    position: (_, query) => new Promise((resolve) => { waiting[query] = () => resolve({ id: Number(query), position: 0, count: 1 }); }),
    window: async (id) => ({ items: [{ id }] }),
  };
  const navigation = new Navigation({ api, query: "" });
  const older = navigation.setQuery("1");
  const newer = navigation.setQuery("2");
  waiting["2"]();
  assert.equal((await newer).id, 2);
  waiting["1"]();
  assert.equal(await older, undefined);
  assert.deepEqual([navigation.current.id, navigation.query], [2, "2"]);
});
