// What all tests share: the official client, pointed at the server under test, and namespaces of their own.
import assert from 'node:assert/strict';
import { Turbopuffer } from '@turbopuffer/turbopuffer';

const url = process.env.TURBOPUFFER_BASE_URL;
if (!url) throw new Error('TURBOPUFFER_BASE_URL names the server to test, such as http://127.0.0.1:8080');

export const client = new Turbopuffer({ apiKey: 'any', baseURL: url });
export const compressing = new Turbopuffer({ apiKey: 'any', baseURL: url, compression: true });
// With a region in the address, as tests that name one expect it.
export const regional = new Turbopuffer({ apiKey: 'any', baseURL: `${url}/{region}`, region: 'gcp-us-central1' });

const run = `conformance-${process.pid}-${Date.now()}`;

export const nameOf = (name) => `${run}-${name}`;

export const fresh = (name) => client.namespace(nameOf(name));

export const ids = (answer) => answer.rows.map((row) => row.id);

export async function refused(promise, status, text) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status, `${error.status} ${error.message}`);
    assert.ok(error.message.includes(JSON.stringify(text).slice(1, -1)), error.message);
    return true;
  });
}

// Request without the client, for what it would not send.
export async function raw(method, path, body) {
  const response = await fetch(`${url}${path}`, {
    method, body: body === undefined ? undefined : JSON.stringify(body), headers: { authorization: 'Bearer any' },
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}
