import test from 'node:test';
import assert from 'node:assert/strict';
import { fresh, ids, refused } from './support.mjs';

const english = { type: 'string', full_text_search: { language: 'english', stemming: true, remove_stopwords: true } };

async function birds(name, text) {
  const ns = fresh(name);
  await ns.write({
    upsert_rows: [
      { id: 1, text: 'Penguins are swimming birds with thick feathers and short wings' },
      { id: 2, text: 'They mostly live around the cold southern seas' },
      { id: 3, text: 'A penguin uses its wing as a flipper to swim' },
      { id: 4, text: 'Krill and squid are what the colony feeds on' },
      { id: 5, text: 'Warm water pushes the fish away' },
    ],
    schema: { text },
  });
  return ns;
}

test('bm25 with a schema of one\'s own: stems, stop words, a sum', async () => {
  const ns = await birds('bm25-custom', english);
  const answer = await ns.query({
    rank_by: ['Sum', [['text', 'BM25', 'thick wing'], ['text', 'BM25', 'squids feeding']]], top_k: 10,
  });
  assert.deepEqual(ids(answer), [4, 1, 3]);
  assert.ok(answer.rows[0].$dist > answer.rows[1].$dist && answer.rows[1].$dist > answer.rows[2].$dist);
});

test('bm25 with the schema as it comes', async () => {
  const ns = await birds('bm25-default', { type: 'string', full_text_search: true });
  assert.deepEqual(ids(await ns.query({ rank_by: ['text', 'BM25', 'krill'], top_k: 10 })), [4]);
  assert.deepEqual(ids(await ns.query({ rank_by: ['text', 'BM25', 'wing'], top_k: 10 })), [3]);
});

test('bm25: product and max', async () => {
  const ns = await birds('bm25-operators', english);
  const [wing, krill] = [['text', 'BM25', 'wing'], ['text', 'BM25', 'krill']];
  for (const rank_by of [
    ['Product', 2, wing], ['Product', wing, 2], ['Max', [wing, krill]],
    ['Sum', [['Product', 3, krill], ['Max', [wing, krill]]]], ['Product', 2, ['Sum', [wing, krill]]],
  ]) assert.ok((await ns.query({ rank_by, top_k: 10 })).rows.length > 0, JSON.stringify(rank_by));
});

test('bm25 over arrays of tokens', async () => {
  const ns = fresh('bm25-tokens');
  await ns.write({
    upsert_columns: { id: [1, 2], words: [['ran', 'over', 'a', 'hill'], ['the', 'hill', 'is', 'green']] },
    schema: { words: { type: '[]string', full_text_search: { tokenizer: 'pre_tokenized_array' } } },
  });
  assert.deepEqual(ids(await ns.query({ rank_by: ['words', 'BM25', ['ran', 'over']], top_k: 10 })), [1]);
  assert.equal((await ns.query({ rank_by: ['words', 'BM25', ['hill']], top_k: 10 })).rows.length, 2);
  await refused(ns.query({ rank_by: ['words', 'BM25', 'ran'], top_k: 10 }), 400,
    'for rank_by field "words", expecting []string');
});

test('filters on tokens', async () => {
  const ns = await birds('tokens', { type: 'string', full_text_search: { stemming: true } });
  const query = (filters) => ns.query({ rank_by: ['text', 'BM25', 'penguin wing'], filters, top_k: 10 });
  assert.deepEqual(ids(await query(['text', 'ContainsAllTokens', 'thick feathers'])), [1]);
  assert.deepEqual(ids(await query(['text', 'ContainsAllTokens', 'thick krill'])), []);
  assert.deepEqual(ids(await query(['text', 'ContainsAnyToken', 'flipper krill'])), [3]);
  assert.deepEqual(ids(await query(['text', 'ContainsTokenSequence', 'short wings'])), [1]);
});

test('deviation: only English has an analyser; other languages are refused', async () => {
  await refused(birds('dutch', { type: 'string', full_text_search: { language: 'dutch' } }), 400,
    '"dutch" is not supported by this release');
});
