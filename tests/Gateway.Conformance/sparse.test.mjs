import test from 'node:test';
import assert from 'node:assert/strict';
import { fresh, ids, nameOf, refused } from './support.mjs';

const sparse = { type: '{}f16', sparse_knn: { distance_metric: 'dot_product' } };
const schema = { sv: sparse, text: { type: 'string', full_text_search: true } };

async function animals(name) {
  const ns = fresh(name);
  await ns.write({
    upsert_rows: [
      { id: 1, sv: { walrus: 2, ice: 0.5 }, text: 'a walrus on ice', kind: 'seal' },
      { id: 2, sv: { walrus: 1, tusk: 4 }, text: 'its tusks', kind: 'seal' },
      { id: 3, sv: { ice: 1.5 }, text: 'ice alone', kind: 'none' },
      { id: 4, text: 'nothing of all this' },
    ],
    schema,
  });
  return ns;
}

const near = (weights) => ['sv', 'SparseKNN', weights];

test('sparse: the greatest dot product first, rows without a common dimension not at all', async () => {
  const ns = await animals('sparse');
  const answer = await ns.query({ rank_by: near({ tusk: 2, walrus: 1, unheard: 9 }), top_k: 10 });
  assert.deepEqual(answer.rows, [{ id: 2, $dist: 9 }, { id: 1, $dist: 2 }]);
  assert.deepEqual(ids(await ns.query({ rank_by: near({ walrus: 1 }), filters: ['id', 'Gt', 1], top_k: 10 })), [2]);
  assert.deepEqual(ids(await ns.query({ rank_by: near({}), top_k: 10 })), []);
});

test('sparse: vectors come back as objects of f16 numbers', async () => {
  const ns = await animals('sparse-attributes');
  const get = async (id) => (await ns.query({
    rank_by: ['id', 'asc'], filters: ['id', 'Eq', id], top_k: 1, include_attributes: ['sv'],
  })).rows[0];
  assert.deepEqual(await get(1), { id: 1, sv: { walrus: 2, ice: 0.5 } });
  assert.deepEqual(await get(4), { id: 4 });
  await ns.write({ upsert_columns: { id: [5, 6], sv: [{ tenth: 0.1 }, null] } });
  assert.deepEqual(await get(5), { id: 5, sv: { tenth: 0.099975586 } });
  assert.deepEqual(await get(6), { id: 6 });
});

test('sparse: patched as a whole, cleared by null, deleted', async () => {
  const ns = await animals('sparse-writes');
  const find = async (weights) => ids(await ns.query({ rank_by: near(weights), top_k: 10 }));
  await ns.write({ patch_rows: [{ id: 1, sv: { tusk: 9 } }, { id: 3, sv: null }] });
  assert.deepEqual(await find({ ice: 1 }), []);
  assert.deepEqual(await find({ tusk: 1 }), [1, 2]);
  await ns.write({ patch_by_filter: { filters: ['id', 'Gte', 3], patch: { sv: { ice: 1 } } } });
  assert.deepEqual(await find({ ice: 1 }), [3, 4]);
  await ns.write({ deletes: [3], delete_by_filter: ['kind', 'Eq', 'seal'] });
  assert.deepEqual(await find({ ice: 1, tusk: 1 }), [4]);
});

test('sparse: inside of other rankings, fused, computed, limited per group', async () => {
  const ns = await animals('sparse-hybrid');
  const hybrid = ['Sum', [['Product', 2, near({ ice: 1 })], ['text', 'BM25', 'walrus']]];
  assert.deepEqual(ids(await ns.query({ rank_by: hybrid, top_k: 10 })), [3, 1]);
  const saturated = await ns.query({ rank_by: ['Saturate', near({ walrus: 1 }), { midpoint: 1 }], top_k: 10 });
  assert.deepEqual(saturated.rows.map((row) => row.$dist), [0.6666667, 0.5]);
  const fused = await ns.multiQuery({
    queries: [{ rank_by: near({ tusk: 1 }), limit: 5 }, { rank_by: ['text', 'BM25', 'walrus'], limit: 5 },
      { rank_by: near({ walrus: 1 }), limit: 5 }],
    rerank_by: ['RRF'],
  });
  assert.deepEqual(ids(fused.results[0]), [1, 2]);
  const computed = await ns.query({
    rank_by: ['text', 'BM25', 'ice'], top_k: 10, compute_attributes: { sparse: near({ walrus: 3 }) },
  });
  assert.deepEqual(Object.fromEntries(computed.rows.map((row) => [row.id, row.sparse])), { 1: 6, 3: 0 });
  const capped = await ns.query({
    rank_by: near({ walrus: 1, ice: 1 }), limit: { total: 10, per: { attributes: ['kind'], limit: 1 } },
    include_attributes: ['kind'],
  });
  assert.deepEqual(ids(capped), [1, 3]);
});

test('sparse: copied with their namespace, and said in its schema', async () => {
  const ns = await animals('sparse-copy');
  const copy = fresh('sparse-copy-of');
  await copy.write({ copy_from_namespace: nameOf('sparse-copy') });
  assert.deepEqual(ids(await copy.query({ rank_by: near({ ice: 1 }), top_k: 10 })), [3, 1]);
  assert.deepEqual((await copy.schema()).sv, { ...sparse, filterable: null, full_text_search: null });
  assert.deepEqual((await ns.metadata()).schema.sv, sparse);
  await ns.updateSchema({ schema: { late: sparse } });
  await ns.write({ patch_rows: [{ id: 4, late: { a: 1 } }] });
  assert.deepEqual(ids(await ns.query({ rank_by: ['late', 'SparseKNN', { a: 2 }], top_k: 10 })), [4]);
});

test('sparse: what cannot be is refused', async () => {
  const ns = await animals('sparse-refused');
  const write = (sv) => ns.write({ upsert_rows: [{ id: 9, sv }] });
  const many = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`d${i}`, 1]));
  await refused(write(many), 400, '1025 dimensions, limit is 1024');
  await refused(write({ a: 1e6 }), 400, 'limit of its magnitude is 65504');
  await refused(write({ ['n'.repeat(255)]: 1 }), 400, '255 bytes');
  await refused(write({ a: 'x' }), 422, 'invalid type: string "x", expected f64');
  await refused(write('walrus'), 400, 'must be {}f16');
  await refused(ns.write({ upsert_rows: [{ id: 9, odd: { a: 1 } }] }), 400, 'declare it in the schema');
  await refused(ns.updateSchema({ schema: { odd: { type: '{}f16' } } }), 400, 'needs sparse_knn');
  await refused(ns.updateSchema({ schema: { odd: { ...sparse, filterable: true } } }), 400, 'cannot be filterable');
  await refused(ns.query({ rank_by: ['kind', 'SparseKNN', { a: 1 }], top_k: 1 }), 400, 'cannot be used there');
  await refused(ns.query({ rank_by: ['id', 'asc'], filters: ['sv', 'Eq', null], top_k: 1 }), 400, 'not filterable');
});
