import test from 'node:test';
import assert from 'node:assert/strict';
import { fresh, ids, refused } from './support.mjs';

async function files(name) {
  const ns = fresh(name);
  await ns.write({
    upsert_rows: [
      { id: 1, path: '/src/core/Check.cs', labels: ['alpha', 'beta'], note: 'The walrus sleeps on ice' },
      { id: 2, path: '/src/core/check.md', labels: ['Gamma'], note: 'A wlrus, misspelt' },
      { id: 3, path: '/tests/core/CheckTests.cs', labels: [], note: 'WALRUS in capitals' },
      { id: 4 },
    ],
    schema: {
      path: { type: 'string', glob: true, regex: true },
      labels: { type: '[]string', filterable: true, regex: true },
      note: { type: 'string', regex: true, fuzzy: true },
    },
  });
  return { ns, find: async (...filters) => ids(await ns.query({ rank_by: ['id', 'asc'], filters, top_k: 10 })) };
}

const edits = (...pairs) => ({
  max_edit_distance: pairs.map(([min_query_chars, distance]) => ({ min_query_chars, distance })),
});

test('globs match whole values; what is missing matches only their opposites', async () => {
  const { find } = await files('glob');
  assert.deepEqual(await find('path', 'Glob', '/src/**'), [1, 2]);
  assert.deepEqual(await find('path', 'Glob', '/src'), []);
  assert.deepEqual(await find('path', 'Glob', '*.{cs,txt}'), [1, 3]);
  assert.deepEqual(await find('path', 'Glob', '/*/core/[A-Z]*'), [1, 3]);
  assert.deepEqual(await find('path', 'NotGlob', '/src/**'), [3, 4]);
  assert.deepEqual(await find('path', 'IGlob', '/SRC/**/check.??'), [1, 2]);
  assert.deepEqual(await find('path', 'NotIGlob', '/SRC/**/check.??'), [3, 4]);
});

test('a glob needs glob or filterable; any element of an array may match', async () => {
  const { find } = await files('glob-arrays');
  assert.deepEqual(await find('labels', 'Glob', '*ta'), [1]);
  assert.deepEqual(await find('labels', 'NotGlob', '*ta'), [2, 3, 4]);
  await refused(find('note', 'Glob', '*'), 400, 'filter error in key `note`: attribute has no glob');
});

test('regular expressions match any part', async () => {
  const { find } = await files('regex');
  assert.deepEqual(await find('path', 'Regex', 'Check(Tests)?\\.cs$'), [1, 3]);
  assert.deepEqual(await find('path', 'Regex', '^/src/[^/]+/c'), [2]);
  assert.deepEqual(await find('note', 'Regex', '(?i)\\bwalrus\\b'), [1, 3]);
  assert.deepEqual(await find('labels', 'Regex', '^[[:upper:]]'), [2]);
});

test('what no automaton can match, and what is no expression, is refused', async () => {
  const { find } = await files('regex-refused');
  await refused(find('path', 'Regex', '(a)\\1'), 400, 'a back reference, which is not supported');
  await refused(find('path', 'Regex', 'a(?=b)'), 400, 'look-around, which is not supported');
  await refused(find('path', 'Regex', 'a('), 400, 'Regex has at byte 1 a ( without a )');
  await refused(find('path', 'Regex', '(a{100}){100}'), 400, 'too complex');
  await refused(find('labels', 'Regex', 3), 400, 'Regex expects string, but got int');
});

test('fuzzy: edits by the length of the text', async () => {
  const { find } = await files('fuzzy');
  assert.deepEqual(await find('note', 'Fuzzy', 'walrus', edits([6, 1])), [1, 2]);
  assert.deepEqual(await find('note', 'Fuzzy', 'walrus', { ...edits([6, 1]), case_sensitive: false }), [1, 2, 3]);
  assert.deepEqual(await find('note', 'Fuzzy', 'walrus', edits([7, 1])), []);
  assert.deepEqual(await find('note', 'Fuzzy', 'warus slep', edits([6, 1], [9, 2])), [1]);
  for (const wrong of [edits([12, 3]), edits([5, 1]), edits()])
    await refused(find('note', 'Fuzzy', 'walrus', wrong), 400, 'max_edit_distance');
  await refused(find('path', 'Fuzzy', 'walrus', edits([6, 1])), 400, 'attribute has no fuzzy');
});

test('patterns decide what changes by filter change', async () => {
  const { ns, find } = await files('pattern-changes');
  await ns.write({ patch_by_filter: { filters: ['note', 'Regex', '(?i)walrus'], patch: { labels: ['seen'] } } });
  assert.deepEqual(await find('labels', 'Contains', 'seen'), [1, 3]);
  await ns.write({ delete_by_filter: ['path', 'Glob', '*.cs'] });
  assert.deepEqual(await find('id', 'Gte', 0), [2, 4]);
});

test('the schema tells what is on, and takes it off again', async () => {
  const { ns, find } = await files('pattern-schema');
  const before = await ns.schema();
  assert.equal(before.path.glob, true);
  assert.equal(before.path.filterable, false);
  await ns.updateSchema({ schema: { path: { type: 'string', regex: false } } });
  await refused(find('path', 'Regex', 'a'), 400, 'attribute has no regex');
  assert.deepEqual(await find('path', 'Glob', '*.md'), [2]);
});
