import test from 'node:test';
import assert from 'node:assert/strict';
import { client, compressing, fresh, ids, nameOf, refused, regional } from './support.mjs';

const metric = { distance_metric: 'cosine_distance' };

test('sanity: distances, filters, performance, billing, recall, deletes, counts, the end', async () => {
  const ns = fresh('sanity');
  await ns.write({
    upsert_rows: [
      { id: 1, vector: [1, 2], color: 'red', numbers: [1, 2, 3], maybe: null, flag: true },
      { id: 2, vector: [3, 4], color: 'blue', numbers: [2, 3, 4], maybe: null, flag: true },
      { id: 3, vector: [3, 4], color: 'blue', numbers: [17], maybe: 'there', flag: true },
    ],
    ...metric,
  });
  const answer = await ns.query({ rank_by: ['vector', 'ANN', [1, 1]], filters: ['numbers', 'In', [2, 4]], top_k: 9 });
  assert.deepEqual(ids(answer), [2, 1]);
  assert.equal(answer.performance.approx_namespace_size, 3);
  assert.equal(answer.performance.exhaustive_search_count, 3);
  assert.ok(Number.isInteger(answer.performance.query_execution_ms));
  assert.ok(Number.isInteger(answer.performance.server_total_ms));
  assert.ok(answer.performance.cache_hit_ratio >= 0 && answer.performance.cache_hit_ratio <= 1);
  assert.deepEqual(answer.billing, {
    billable_logical_bytes_queried: 256000000, billable_logical_bytes_returned: 24,
  });

  const nested = ['And', [
    ['Or', [['numbers', 'In', [2, 3]], ['numbers', 'In', [1, 7]]]],
    ['Or', [['color', 'Eq', 'red'], ['numbers', 'In', [4]]]],
    ['color', 'NotEq', null], ['maybe', 'Eq', null], ['flag', 'Eq', true],
  ]];
  assert.deepEqual(ids(await ns.query({ rank_by: ['vector', 'ANN', [1, 1]], filters: nested, top_k: 9 })), [2, 1]);

  const recall = await ns.recall({ num: 1, top_k: 2 });
  assert.deepEqual([recall.avg_recall, recall.avg_exhaustive_count, recall.avg_ann_count], [1, 2, 2]);

  await ns.write({ deletes: [1] });
  assert.deepEqual(
    ids(await ns.query({ rank_by: ['vector', 'ANN', [1, 1]], filters: ['numbers', 'In', [2, 4]], top_k: 9 })), [2]);
  const count = await ns.query({ aggregate_by: { total: ['Count'] } });
  assert.equal(count.aggregations.total, 2);
  await ns.deleteAll();
  await refused(ns.query({ rank_by: ['vector', 'ANN', [1, 1]], top_k: 9 }), 404, 'was not found');
});

test('order by an attribute, both ways; equal ones by id', async () => {
  const ns = fresh('order');
  await ns.write({ upsert_rows: [5, 4, 3, 2, 1].map((n, i) => ({ id: i + 1, a: `${n}`, same: 1 })) });
  assert.deepEqual(ids(await ns.query({ rank_by: ['a', 'asc'], top_k: 10 })), [5, 4, 3, 2, 1]);
  assert.deepEqual(ids(await ns.query({ rank_by: ['a', 'desc'], top_k: 10 })), [1, 2, 3, 4, 5]);
  assert.deepEqual(ids(await ns.query({ rank_by: ['same', 'desc'], top_k: 10 })), [1, 2, 3, 4, 5]);
});

test('equal distances come in the order of ids; many rows are read page by page', async () => {
  const ns = fresh('ties');
  const rows = Array.from({ length: 92 }, (_, i) => ({ id: i, vector: [i % 4, 1], n: i }));
  await ns.write({ upsert_rows: rows, distance_metric: 'euclidean_squared' });
  const nearest = ids(await ns.query({ rank_by: ['vector', 'ANN', [3, 1]], top_k: 4 }));
  assert.deepEqual(nearest, [3, 7, 11, 15]);
  const read = [];
  for (let last = -1; ;) {
    const filters = last < 0 ? undefined : ['id', 'Gt', last];
    const page = ids(await ns.query({ rank_by: ['id', 'asc'], filters, top_k: 40 }));
    if (page.length === 0) break;
    read.push(...page);
    last = page.at(-1);
  }
  assert.deepEqual(read, rows.map((row) => row.id));
});

test('contains and its kin, with their errors', async () => {
  const ns = fresh('contains');
  await ns.write({ upsert_rows: [{ id: 1, tags: ['a', 'b'] }, { id: 2, tags: ['b', 'c'] }, { id: 3, tags: [] }] });
  const query = (...filters) => ns.query({ rank_by: ['id', 'asc'], filters, top_k: 10 });
  assert.deepEqual(ids(await query('tags', 'Contains', 'b')), [1, 2]);
  assert.deepEqual(ids(await query('tags', 'NotContains', 'a')), [2, 3]);
  assert.deepEqual(ids(await query('tags', 'ContainsAny', ['a', 'c'])), [1, 2]);
  assert.deepEqual(ids(await query('tags', 'NotContainsAny', ['a'])), [2, 3]);
  assert.deepEqual(ids(await query('tags', 'In', 'c')), [2]);
  const mismatch = (operator, type) => `filter error in key \`tags\`: type mismatch, ${operator} expects ${type}, but got`;
  await refused(query('tags', 'ContainsAny', 'a'), 400, mismatch('ContainsAny', '[]string'));
  await refused(query('tags', 'NotContainsAny', 'a'), 400, mismatch('NotContainsAny', '[]string'));
  await refused(query('tags', 'Contains', ['a']), 400, mismatch('Contains', 'string'));
  await refused(query('tags', 'NotContains', ['a']), 400, mismatch('NotContains', 'string'));
});

test('not: of not, of or', async () => {
  const ns = fresh('not');
  await ns.write({ upsert_rows: [0, 1, 2, 3].map((id) => ({ id, n: id })) });
  const filters = ['Not', ['Or', [['Not', ['id', 'In', [0, 1, 2]]], ['n', 'Eq', 1]]]];
  assert.deepEqual(ids(await ns.query({ rank_by: ['id', 'asc'], filters, top_k: 10 })), [0, 2]);
});

test('a filter on what is not filterable is refused', async () => {
  const ns = fresh('unfilterable');
  await ns.write({ upsert_rows: [{ id: 1, a: 'x' }], schema: { a: { type: 'string', filterable: false } } });
  await assert.rejects(ns.query({ rank_by: ['id', 'asc'], filters: ['a', 'Eq', 'x'], top_k: 1 }), { status: 400 });
});

test('consistency: both levels answer, others are 422', async () => {
  const ns = fresh('consistency');
  await ns.write({ upsert_rows: [{ id: 1 }] });
  for (const level of ['strong', 'eventual'])
    assert.deepEqual(ids(await ns.query({ rank_by: ['id', 'asc'], top_k: 1, consistency: { level } })), [1]);
  await refused(ns.query({ rank_by: ['id', 'asc'], top_k: 1, consistency: { level: 'weak' } }), 422,
    'unknown variant `weak`, expected `strong` or `eventual`');
});

test('several queries, alone and fused by their ranks', async () => {
  const ns = fresh('multi');
  await ns.write({
    upsert_rows: [{ id: 1, vector: [1, 0], t: 'one two' }, { id: 2, vector: [0, 1], t: 'two' }], ...metric,
    schema: { t: { type: 'string', full_text_search: true } },
  });
  const queries = [
    { rank_by: ['vector', 'ANN', [0, 1]], top_k: 2 }, { rank_by: ['t', 'BM25', 'one'], top_k: 2 },
  ];
  const both = await ns.multiQuery({ queries });
  assert.deepEqual(both.results.map(ids), [[2, 1], [1]]);
  const fused = await ns.multiQuery({ queries, rerank_by: ['RRF'] });
  assert.equal(fused.results.length, 1);
  assert.deepEqual(ids(fused.results[0]), [1, 2]);
  assert.ok(Math.abs(fused.results[0].rows[0].$dist - (1 / 62 + 1 / 61)) < 1e-6);
});

test('numbers and distances in time are bent by Saturate and Decay', async () => {
  const ns = fresh('curves');
  await ns.write({
    upsert_rows: [
      { id: 1, clicks: 100, made: '2026-01-01T00:00:00Z' }, { id: 2, clicks: 300, made: '2026-01-02T00:00:00Z' },
      { id: 3, clicks: 1 },
    ],
    schema: { clicks: 'uint', made: 'datetime' },
  });
  const ranked = async (rank_by) => (await ns.query({ rank_by, limit: 9 })).rows.map((row) => [row.id, row.$dist]);
  const clicks = ['Attribute', 'clicks'];
  const age = ['Dist', ['Attribute', 'made'], '2026-01-01'];
  assert.deepEqual((await ranked(['Saturate', clicks, { midpoint: 100 }])).slice(0, 2), [[2, 0.75], [1, 0.5]]);
  assert.deepEqual(await ranked(['Decay', age, { midpoint: '1d' }]), [[1, 1], [2, 0.5]]);
  assert.deepEqual(await ranked(['Decay', age, { midpoint: '12h', exponent: 2 }]), [[1, 1], [2, 0.2]]);
  assert.deepEqual(await ranked(['Sum', [['Max', [0, clicks]], ['Product', 1000, ['Decay', age, { midpoint: '1d' }]]]]),
    [[1, 1100], [2, 800], [3, 1]]);
  await refused(ns.query({ rank_by: ['Saturate', clicks, { midpoint: 0 }], limit: 1 }), 400, 'midpoint');
  await refused(ns.query({ rank_by: ['Decay', clicks, { midpoint: '1d' }], limit: 1 }), 400, 'datetime');
});

test('a limit per value of an attribute', async () => {
  const ns = fresh('per');
  await ns.write({
    upsert_rows: ['a', 'a', 'a', 'b', 'b', 'c'].map((author, i) => ({ id: i + 1, author, vector: [1, i] })), ...metric,
  });
  const query = (rank_by, total, limit, include_attributes = ['author']) =>
    ns.query({ rank_by, limit: { total, per: { attributes: ['author'], limit } }, include_attributes });
  assert.deepEqual(ids(await query(['id', 'asc'], 10, 1)), [1, 4, 6]);
  assert.deepEqual(ids(await query(['id', 'desc'], 4, 2)), [6, 5, 4, 3]);
  assert.deepEqual(ids(await query(['vector', 'ANN', [1, 0]], 3, 2)), [1, 2, 4]);
  await assert.rejects(query(['id', 'asc'], 2, 3), { status: 400 });
  await assert.rejects(query(['id', 'asc'], 2, 1, ['id']), { status: 400 });
});

test('computed attributes', async () => {
  const ns = fresh('computed');
  await ns.write({
    upsert_rows: [{ id: 1, vector: [3, 4], text: 'red fox' }, { id: 2, vector: [0, 1], text: 'dog' }],
    distance_metric: 'euclidean_squared', schema: { text: { type: 'string', full_text_search: true } },
  });
  const answer = await ns.query({
    rank_by: ['id', 'asc'], limit: 5,
    compute_attributes: { near: ['vector', 'VectorDist', [0, 0]], fox: ['text', 'BM25', 'fox'] },
  });
  assert.deepEqual(answer.rows.map((row) => row.near), [25, 1]);
  assert.ok(answer.rows[0].fox > 0 && answer.rows[1].fox === 0);
  const alone = await ns.query({ rank_by: ['text', 'BM25', 'fox'], limit: 5 });
  assert.equal(answer.rows[0].fox, alone.rows[0].$dist);
  await assert.rejects(
    ns.query({ rank_by: ['id', 'asc'], limit: 1, compute_attributes: { text: ['text', 'BM25', 'fox'] } }), { status: 400 });
});

test('highlights: sentences, words, offsets, errors', async () => {
  const ns = fresh('highlight');
  const text = 'The heron waits by the water. It sees a fish! A heron is patient.';
  await ns.write({
    upsert_rows: [{ id: 1, text, tags: ['water birds', 'fish'], plain: 'x' }, { id: 2, text: 'Nothing.' }],
    schema: {
      text: { type: 'string', full_text_search: true }, tags: { type: '[]string', full_text_search: true },
    },
  });
  const highlight = async (rank_by, ...expression) => (await ns.query({
    rank_by, limit: 5, compute_attributes: { h: ['Highlight', ...expression] },
  })).rows.map((row) => row.h);
  const heron = ['text', 'BM25', 'heron'];
  assert.deepEqual(await highlight(heron, 'text'),
    [[{ text: 'A heron is patient.' }, { text: 'The heron waits by the water.' }]]);
  assert.deepEqual(await highlight(heron, 'text', { fragment_limit: 1, include_offsets: 'utf-8' }),
    [[{ text: 'A heron is patient.', fragment_range: [46, 65], match_ranges: [[48, 53]] }]]);
  assert.deepEqual(await highlight(['id', 'asc'], 'tags', {
    fragment_by: 'word', include_offsets: 'utf-16', rank_fragments_by: ['$fragment', 'BM25', 'fish'],
  }), [[{ text: 'fish', fragment_range: [0, 4], match_ranges: [[0, 4]], array_index: 1 }], []]);
  await refused(highlight(['id', 'asc'], 'text'), 400, 'cannot infer `rank_fragments_by`');
  await refused(highlight(heron, 'plain', { rank_fragments_by: ['$fragment', 'BM25', 'x'] }), 400,
    'computed attribute `h` references `plain`, which is not enabled for full-text search');
  await assert.rejects(highlight(heron, 'text', { fragment_by: 'line' }), { status: 422 });
  await assert.rejects(highlight(heron, 'text', { fragment_limit: 1025 }), { status: 400 });
});

test('answers are compressed only for those who ask, and only large ones', async () => {
  const name = nameOf('compression');
  const rows = Array.from({ length: 10 }, (_, id) => ({
    id, vector: Array.from({ length: 1024 }, (_, i) => Math.fround(Math.sin(id + i))),
  }));
  await compressing.namespace(name).write({ upsert_rows: rows, ...metric });
  const query = { rank_by: ['vector', 'ANN', rows[0].vector], top_k: 10, include_attributes: true };
  const packed = await compressing.namespace(name).query(query);
  assert.ok(packed.performance.client_decompress_ms > 0);
  assert.deepEqual(packed.rows[0].vector.map(Math.fround), rows[0].vector);
  assert.equal((await client.namespace(name).query(query)).performance.client_decompress_ms, 0);
  const { response } = await compressing.namespace(name)
    .query({ rank_by: ['id', 'asc'], top_k: 1 }).withResponse();
  assert.equal(response.headers.get('content-encoding'), null);
});

test('a region in the address does not matter', async () => {
  const ns = fresh('region');
  await ns.write({ upsert_rows: [{ id: 1 }] });
  assert.deepEqual(ids(await regional.namespace(nameOf('region')).query({ rank_by: ['id', 'asc'], top_k: 1 })), [1]);
});
