import assert from "node:assert/strict";
import test from "node:test";

import { Api } from "../../static/js/annotator/api.js";

function serverThatAnswers(body, sent = []) {
  globalThis.document = { cookie: "csrftoken=x", querySelector: () => null };
  globalThis.fetch = async (url, options) => {
    sent.push({ url, ...options, body: options.body && JSON.parse(options.body) });
    return { status: 200, headers: new Map([["Content-Type", "application/json"]]), json: async () => structuredClone(body) };
  };
  return new Api("/api/v1", 1);
}

test("labels and classes are called by their permanent numbers, whatever their place", async () => {
  const api = serverThatAnswers({ class_keys: [7, 3], annotations: [{ class_id: 1 }, { class_id: 0 }] });
  assert.deepEqual((await api.annotations(5)).annotations, [{ class_id: 3 }, { class_id: 7 }]);
  const classes = serverThatAnswers({ classes: [{ id: 0, key: 7, name: "a" }, { id: 1, key: 3, name: "b" }] });
  assert.deepEqual((await classes.classes()).classes.map((c) => c.id), [7, 3]);
});

test("a save says which classes its ids are positions in", async () => {
  const sent = [];
  const api = serverThatAnswers({ class_keys: [3, 7], revision: 2, annotations: [{ class_id: 1 }] }, sent);
  const answer = await api.putAnnotations(5, { revision: 1, labeled: true, annotations: [{ class_id: 7 }, { class_id: 3 }, { class_id: 7 }] });
  assert.deepEqual(sent[0].body.class_keys, [7, 3]);
  assert.deepEqual(sent[0].body.annotations.map((a) => a.class_id), [0, 1, 0]);
  assert.equal(answer.body.annotations[0].class_id, 7);
});

test("an empty set names no class", async () => {
  const sent = [];
  await serverThatAnswers({ class_keys: [3], annotations: [] }, sent).putAnnotations(5, { revision: 1, annotations: [] });
  assert.deepEqual(sent[0].body, { revision: 1, class_keys: [], annotations: [] });
});
