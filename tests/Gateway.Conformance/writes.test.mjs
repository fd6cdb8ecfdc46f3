import test from 'node:test';
import assert from 'node:assert/strict';
import { fresh, ids, nameOf, refused, raw } from './support.mjs';

const metric = { distance_metric: 'cosine_distance' };

test('patch: rows have exactly what was written and patched', async () => {
  const ns = fresh('patch');
  await ns.write({ upsert_rows: [{ id: 1, vector: [1, 1] }, { id: 2, vector: [2, 2] }], ...metric });
  await ns.write({ patch_rows: [{ id: 1, a: 1 }, { id: 2, b: 2 }] });
  await ns.write({ patch_rows: [{ id: 1, b: 1 }, { id: 2, a: 2 }] });
  await ns.write({ patch_columns: { id: [1, 2], a: [11, 22] } });
  const answer = await ns.query({ rank_by: ['id', 'asc'], top_k: 5, include_attributes: ['id', 'a', 'b'] });
  assert.deepEqual(answer.rows, [{ id: 1, a: 11, b: 1 }, { id: 2, a: 22, b: 2 }]);
});

test('delete_by_filter: counts rows, none too; gt on an attribute', async () => {
  const ns = fresh('delete-by-filter');
  await ns.write({ upsert_rows: [{ id: 1, a: 0 }, { id: 2, a: 1 }, { id: 3, a: 2 }] });
  assert.equal((await ns.write({ delete_by_filter: ['a', 'Gt', 0] })).rows_affected, 2);
  assert.equal((await ns.write({ delete_by_filter: ['a', 'Gt', 0] })).rows_affected, 0);
  assert.deepEqual(ids(await ns.query({ rank_by: ['id', 'asc'], top_k: 5 })), [1]);
});

test('base64 vectors in rows and columns; the metric may be left out later', async () => {
  const ns = fresh('base64');
  await ns.write({ upsert_rows: [{ id: 1, vector: 'zczMPc3MTD6amZk+' }], ...metric });
  await ns.write({ upsert_columns: { id: [2], vector: ['zczMPc3MTD6amZk+'] } });
  for (const encoding of [undefined, 'float']) {
    const answer = await ns.query({
      rank_by: ['id', 'asc'], top_k: 5, include_attributes: true, vector_encoding: encoding,
    });
    assert.deepEqual(answer.rows, [{ id: 1, vector: [0.1, 0.2, 0.3] }, { id: 2, vector: [0.1, 0.2, 0.3] }]);
  }
  const answer = await ns.query({
    rank_by: ['id', 'asc'], top_k: 1, include_attributes: ['vector'], vector_encoding: 'base64',
  });
  assert.equal(answer.rows[0].vector, 'zczMPc3MTD6amZk+');
});

test('ids: uuids as strings, in their order; a type is not mixed with another', async () => {
  const ns = fresh('uuids');
  const [a, b] = ['769c134d-07b8-4225-954a-b6cc5ffc320c', '3ad8c7a1-55d2-4fdc-8b4e-1f2a3b4c5d6e'];
  await ns.write({ upsert_rows: [{ id: a, n: 1 }, { id: b.toUpperCase(), n: 2 }], schema: { id: 'uuid' } });
  assert.deepEqual(ids(await ns.query({ rank_by: ['id', 'asc'], top_k: 5 })), [b, a]);
  assert.equal((await ns.schema()).id.type, 'uuid');
  await assert.rejects(ns.write({ upsert_rows: [{ id: 7 }] }), { status: 400 });
});

test('conditions: the old row decides, $ref_new is the new one', async () => {
  const ns = fresh('conditions');
  await ns.write({ upsert_rows: [{ id: 1, version: 3 }] });
  const write = (version) => ns.write({
    upsert_rows: [{ id: 1, version }], upsert_condition: ['version', 'Lt', { $ref_new: 'version' }],
    return_affected_ids: true,
  });
  assert.equal((await write(2)).rows_affected, 0);
  assert.deepEqual((await write(4)).upserted_ids, [1]);
});

test('what is written is counted and billed', async () => {
  const ns = fresh('counts');
  const answer = await ns.write({ upsert_rows: [{ id: 1, s: 'x' }, { id: 2, s: null }], deletes: [9] });
  assert.equal(answer.status, 'OK');
  assert.equal(typeof answer.message, 'string');
  assert.equal(answer.rows_upserted, 2);
  assert.equal(typeof answer.rows_deleted, 'number');
  assert.ok(answer.billing.billable_logical_bytes_written > 0);
});

test('an empty namespace can be queried', async () => {
  const ns = fresh('empty');
  await ns.write({ upsert_rows: [{ id: 1, vector: [0.1, 0.1] }], ...metric });
  await ns.write({ deletes: [1] });
  assert.deepEqual((await ns.query({ rank_by: ['vector', 'ANN', [0.1, 0.1]], top_k: 10 })).rows, []);
});

test('copy_from_namespace: by name and as an object', async () => {
  const source = fresh('copy-source');
  await source.write({
    upsert_rows: [{ id: 1, vector: [0.1, 0.1], tag: 'a' }, { id: 2, vector: [0.2, 0.1] }, { id: 3, vector: [1, 2] }],
    ...metric,
  });
  const name = nameOf('copy-source');
  const copy = fresh('copy-string');
  await copy.write({ copy_from_namespace: name });
  assert.equal((await copy.query({ rank_by: ['vector', 'ANN', [0.1, 0.1]], top_k: 10 })).rows.length, 3);
  const other = fresh('copy-object');
  await other.write({ copy_from_namespace: { source_namespace: name } });
  assert.deepEqual(await other.schema(), await source.schema());
});

// The client asks the location that a 202 names until the copy has ended, and takes the outcome for the answer.
test('copy_from_namespace: asked after until it has ended', async () => {
  const source = fresh('async-source');
  await source.write({ upsert_rows: [{ id: 1 }, { id: 2 }] });
  const soon = { headers: { prefer: 'respond-async, wait=0' } };
  const answer = await fresh('async-copy').write({ copy_from_namespace: nameOf('async-source') }, soon);
  assert.equal(answer.rows_upserted, 2);
  assert.equal(answer.status, 'OK');
  await assert.rejects(
    fresh('async-none').write({ copy_from_namespace: nameOf('async-nowhere') }, soon),
    (error) => error.status === 404 && error.message.includes('was not found'));
});

test('async and operations: a copy begun by one request and asked after by others', async () => {
  await fresh('begun-source').write({ upsert_rows: [{ id: 1 }] });
  const target = nameOf('begun-copy');
  const { body: begun } = await raw('POST', `/v2/namespaces/${target}/async`, { copy_from_namespace: nameOf('begun-source') });
  let state;
  do state = await raw('GET', `/v1/namespaces/${target}/operations/${begun.token}`);
  while (state.body.status === 'running');
  assert.equal(state.body.status, 'finished');
  assert.equal(state.body.result.success.rows_upserted, 1);
  assert.equal((await raw('GET', `/v1/namespaces/${target}/operations/none`)).status, 404);
});

test('customer keys are refused', async () => {
  const write = fresh('keys').write({
    upsert_rows: [{ id: 1 }], encryption: { mode: 'customer-managed', key_name: 'mykey' },
  });
  await refused(write, 400, 'encryption is not supported');
});

test('422: a map where a sequence is expected', async () => {
  const answer = await raw('POST', '/v2/namespaces/conformance-shape', { upsert_rows: {} });
  assert.equal(answer.status, 422);
  assert.ok(answer.body.error.endsWith('upsert_rows: invalid type: map, expected a sequence'), answer.body.error);
});
