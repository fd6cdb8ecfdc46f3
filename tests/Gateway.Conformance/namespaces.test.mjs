import test from 'node:test';
import assert from 'node:assert/strict';
import { NotFoundError } from '@turbopuffer/turbopuffer';
import { client, fresh, ids, nameOf, raw, refused } from './support.mjs';

const fullText = (changes) => ({
  k1: 1.2, k3: 8, b: 0.75, language: 'english', stemming: false, max_token_length: 39, remove_stopwords: false,
  ascii_folding: false, case_sensitive: false, tokenizer: 'word_v4', ...changes,
});

async function library(name) {
  const ns = fresh(name);
  await ns.write({
    upsert_rows: [
      { id: 1, vector: [0.1, 0.1], title: 'first', secret: true, tags: ['a', 'b'] },
      { id: 2, vector: [0.2, 0.2], title: null, secret: null, tags: [] },
    ],
    distance_metric: 'cosine_distance',
    schema: {
      title: { type: 'string', full_text_search: { stemming: true, remove_stopwords: true } },
      tags: { type: '[]string', full_text_search: { stemming: false, case_sensitive: true } },
      vector: { type: '[2]f16', ann: true },
    },
  });
  return ns;
}

const title = fullText({ stemming: true, remove_stopwords: true });
const tags = fullText({ case_sensitive: true });

test('schema: every attribute, with explicit nulls', async () => {
  assert.deepEqual(await (await library('schema')).schema(), {
    id: { type: 'uint', filterable: null, full_text_search: null },
    title: { type: 'string', filterable: false, full_text_search: title },
    tags: { type: '[]string', filterable: false, full_text_search: tags },
    secret: { type: 'bool', filterable: true, full_text_search: null },
    vector: { type: '[2]f16', ann: true, filterable: null, full_text_search: null },
  });
});

test('metadata: exactly these keys; deviation: the approximate sizes are exact at once', async () => {
  const { created_at, updated_at, last_write_at, approx_logical_bytes, ...rest } =
    await (await library('metadata')).metadata();
  for (const time of [created_at, updated_at, last_write_at])
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
  assert.ok(approx_logical_bytes > 0);
  assert.deepEqual(rest, {
    approx_row_count: 2, encryption: { mode: 'default' }, index: { status: 'up-to-date' },
    schema: {
      id: { type: 'uint' },
      title: { type: 'string', filterable: false, full_text_search: title },
      tags: { type: '[]string', filterable: false, full_text_search: tags },
      secret: { type: 'bool', filterable: true },
      vector: { type: '[2]f16', ann: { distance_metric: 'cosine_distance' } },
    },
  });
});

test('metadata of a namespace without vectors', async () => {
  const ns = fresh('no-vectors');
  await ns.write({
    upsert_rows: [{ id: '3ad8c7a1-55d2-4fdc-8b4e-1f2a3b4c5d6e', s: 'x', n: 1 }],
    schema: { id: 'uuid', s: { type: 'string', filterable: false }, n: { type: 'uint', filterable: true } },
  });
  assert.deepEqual((await ns.metadata()).schema, {
    id: { type: 'uuid' }, s: { type: 'string', filterable: false }, n: { type: 'uint', filterable: true },
  });
});

test('update_schema: answers the whole schema after the change', async () => {
  const ns = await library('update-schema');
  const updated = await ns.updateSchema({
    schema: {
      tags: { type: '[]string', filterable: true, full_text_search: { case_sensitive: true, tokenizer: 'word_v3' } },
      secret: { type: 'bool', filterable: false, full_text_search: false },
    },
  });
  assert.deepEqual(updated.tags,
    { type: '[]string', filterable: true, full_text_search: { ...tags, tokenizer: 'word_v3' } });
  assert.deepEqual(updated.secret, { type: 'bool', filterable: false, full_text_search: null });
  assert.deepEqual(await ns.schema(), updated);
});

test('deviation: tokenizers word_v0 and word_v2 are refused', async () => {
  const ns = await library('tokenizers');
  await refused(
    ns.updateSchema({ schema: { title: { type: 'string', full_text_search: { tokenizer: 'word_v2' } } } }), 400,
    '"word_v2" is not supported by this release');
});

test('full-text search that is not said is off; an empty object means the defaults', async () => {
  const ns = fresh('fts-defaults');
  await ns.write({
    upsert_rows: [{ id: 1, a: 'x', b: 'y' }],
    schema: { a: { type: 'string' }, b: { type: 'string', full_text_search: {} } },
  });
  const schema = await ns.schema();
  assert.equal(schema.a.full_text_search, null);
  assert.deepEqual(schema.b.full_text_search, fullText({}));
});

test('namespaces: two pages of five, with different cursors', async () => {
  for (let i = 0; i < 11; i++) await fresh(`page-${i}`).write({ upsert_rows: [{ id: 1 }] });
  const first = await client.namespaces({ page_size: 5 });
  const second = await client.namespaces({ page_size: 5, cursor: first.next_cursor });
  assert.deepEqual([first.namespaces.length, second.namespaces.length], [5, 5]);
  assert.notEqual(first.next_cursor, second.next_cursor);
  const all = [];
  for await (const namespace of client.namespaces({ prefix: nameOf('page-'), page_size: 4 })) all.push(namespace.id);
  assert.equal(all.length, 11);
  assert.deepEqual(all, [...all].sort());
});

test('hint_cache_warm', async () => {
  const ns = fresh('hint');
  await ns.write({ upsert_rows: [{ id: 1 }] });
  const answer = await ns.hintCacheWarm();
  assert.equal(answer.status, 'ACCEPTED');
  assert.equal(typeof answer.message, 'string');
});

test('exists: by the schema that is or is not there', async () => {
  const ns = fresh('exists');
  assert.equal(await ns.exists(), false);
  await assert.rejects(ns.schema(), NotFoundError);
  await ns.write({ upsert_rows: [{ id: 1 }] });
  assert.equal(await ns.exists(), true);
  assert.equal((await ns.deleteAll()).status, 'OK');
  assert.equal(await ns.exists(), false);
});

test('errors have turbopuffer\'s shape', async () => {
  const answer = await raw('POST', `/v2/namespaces/${nameOf('none')}/query`, { top_k: 1 });
  assert.equal(answer.status, 404);
  assert.deepEqual(Object.keys(answer.body), ['status', 'error']);
  assert.equal(answer.body.status, 'error');
});

test('explain_query: a text that tells how the query is carried out', async () => {
  const ns = fresh('explain');
  await ns.write({
    upsert_rows: [{ id: 1, vector: [1, 0], n: 1 }, { id: 2, vector: [0, 1], n: 2 }, { id: 3, n: 3 }],
    distance_metric: 'cosine_distance',
  });
  const { plan_text: text } = await ns.explainQuery({ rank_by: ['vector', 'ANN', [1, 0]], top_k: 1, filters: ['n', 'Gt', 1] });
  assert.match(text, /^read: strong/);
  assert.match(text, /filter: 3 documents in 1 window -> 2 candidates in 1 window/);
  assert.match(text, /`n` Gt, scan of the column: 3 -> 2/);
  assert.match(text, /exact: computed for the 1 of 2 candidates with a vector/);
  await assert.rejects(fresh('none').explainQuery({ rank_by: ['id', 'asc'], top_k: 1 }), NotFoundError);
});

test('pinning: that a namespace is not pinned is granted', async () => {
  const ns = fresh('pinning');
  await ns.write({ upsert_rows: [{ id: 1 }] });
  assert.equal((await ns.updateMetadata({ pinning: null })).approx_row_count, 1);
});

test('branch_from_namespace: what the source is now, and independent of it', async () => {
  const trunk = fresh('trunk');
  await trunk.write({ upsert_rows: [{ id: 1, n: 1 }, { id: 2, n: 2 }] });
  const branch = fresh('branch');
  await branch.branchFrom({ source_namespace: nameOf('trunk') });
  await trunk.write({ deletes: [1] });
  await branch.write({ upsert_rows: [{ id: 3, n: 3 }] });
  const all = { rank_by: ['id', 'asc'], top_k: 9 };
  assert.deepEqual(ids(await branch.query(all)), [1, 2, 3]);
  assert.deepEqual(ids(await trunk.query(all)), [2]);
  assert.deepEqual(await branch.schema(), await trunk.schema());
});

test('deviation: pinning is refused', async () => {
  const ns = fresh('refused');
  await ns.write({ upsert_rows: [{ id: 1 }] });
  await refused(ns.updateMetadata({ pinning: true }), 400, 'pinning is not supported by this release');
});
