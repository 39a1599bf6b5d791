import { describe, expect, test } from 'vitest';
import { AuthorityCalls } from '../../property-tests/authority-calls.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import type { Context } from '../../runtime/context.ts';
import { Message } from '../../runtime/message.ts';
import { route } from '../../runtime/route.ts';
import { peerInfo } from '../secure-channel/local-info.ts';
import { ask, tell } from './api-client.ts';
import { apiService } from './api-service.ts';
import { forbidden } from './errors.ts';
import {
  type ApiResponse,
  decodeErrorBody,
  decodeRequest,
  decodeResponse,
  encodeErrorBody,
  encodeRequest,
  encodeResponse,
} from './api-message.ts';

/** A service that answers as it is told. */
async function answering(response: Partial<ApiResponse> | Uint8Array | undefined) {
  const { clock, node } = await AuthorityCalls.make();
  node.start('service', {
    onMessage: (message, context) => {
      if (response === undefined) return;
      const { id } = decodeRequest(message.payload);
      const payload =
        response instanceof Uint8Array ? response : encodeResponse({ id: 9, re: id, status: 200, body: undefined, ...response });
      context.reply(message, payload);
    },
  });
  const call = { method: 'GET', path: '/x', timeoutMs: 1_000 } as const;
  return {
    ask: () => clock.runUntil(ask(node, route('service'), call, decodeCbor)),
    tell: () => clock.runUntil(tell(node, route('service'), call)),
  };
}

describe('a client reads an answer', () => {
  test('Ok with a body, and Ok without one', async () => {
    const withBody = await answering({ body: encodeCbor('hi') });
    expect(await withBody.ask()).toBe('hi');
    await withBody.tell();
    const without = await answering({});
    await without.tell();
    await expect(without.ask()).rejects.toMatchObject({ code: 'API_ANSWER' });
  });

  test('a refusal, with its text as a record or as a plain text', async () => {
    for (const body of [encodeErrorBody({ message: 'no' }), encodeCbor('no')]) {
      const refused = await answering({ status: 403, body });
      await expect(refused.tell()).rejects.toMatchObject({
        code: 'API_REFUSED',
        refusal: { status: 403, error: { message: 'no' } },
        message: 'An error occurred while processing the request. Status code: 403 Forbidden. Message: no',
      });
    }
    await expect((await answering({ status: 404 })).ask()).rejects.toThrow(/404 NotFound\.$/);
    await expect((await answering({ re: 0, status: 400 })).ask()).rejects.toMatchObject({ code: 'API_REFUSED' });
  });

  test('what is no answer to it: another request, no status, bytes that are none, nothing at all', async () => {
    await expect((await answering({ re: 1, body: encodeCbor(1) })).ask()).rejects.toMatchObject({ code: 'API_ANSWER' });
    await expect((await answering({ re: 0, body: encodeCbor(1) })).ask()).rejects.toMatchObject({ code: 'API_ANSWER' });
    await expect((await answering({ status: undefined })).tell()).rejects.toThrow('No status code found in response.');
    await expect((await answering(Uint8Array.of(1, 2, 3))).tell()).rejects.toMatchObject({ code: 'API_ANSWER' });
    await expect((await answering({ body: Uint8Array.of(0xff) })).ask()).rejects.toMatchObject({ code: 'API_ANSWER' });
    await expect((await answering(undefined)).ask()).rejects.toMatchObject({ code: 'API_TIMEOUT' });
  });
});

describe('a service', () => {
  const caller = `I${'a'.repeat(64)}` as const;
  const get = (path: string, body?: Uint8Array) => encodeRequest({ id: 5, path, method: 'POST', body });
  const said = (payload: Uint8Array | undefined) => {
    const { re, status, body } = decodeResponse(payload!);
    return { re, status, error: body && decodeErrorBody(body) };
  };

  test('wants to be reached through a channel', async () => {
    const calls = await AuthorityCalls.make();
    expect(said(await calls.ask('credential_issuer', undefined, get('/')))).toEqual({
      re: 0,
      status: 400,
      error: { message: 'secure channel required' },
    });
  });

  test('answers what it cannot read, and goes on', async () => {
    const calls = await AuthorityCalls.make();
    expect(said(await calls.ask('enrollment_token_acceptor', caller, Uint8Array.of(0xff)))).toMatchObject({ re: 0, status: 400 });
    expect(said(await calls.ask('enrollment_token_acceptor', caller, get('/', encodeCbor('x'))))).toMatchObject({
      re: 5,
      status: 400,
      error: { path: '/', method: 'POST' },
    });
    expect(said(await calls.ask('enrollment_token_acceptor', caller, get('/')))).toMatchObject({ re: 5, status: 400 });
    expect(said(await calls.ask('enrollment_token_acceptor', caller, get('//')))).toMatchObject({
      re: 5,
      status: 400,
      error: { message: 'unknown path' },
    });
    expect(said(await calls.ask('credential_issuer', caller, get('/')))).toMatchObject({
      re: 5,
      status: 403,
      error: { message: 'unauthorized member' },
    });
  });

  test('says nothing of what is wrong inside', async () => {
    const calls = await AuthorityCalls.make();
    calls.store.transact = () => Promise.reject(new Error('the disk at /secret is full'));
    expect(said(await calls.ask('credential_issuer', caller, get('/')))).toMatchObject({
      status: 500,
      error: { message: 'the service failed; its log says why' },
    });
  });
});

test('refusals that wait are bounded, and other requests are answered meanwhile', async () => {
  const { clock, node, identity } = await AuthorityCalls.make();
  const statuses: number[] = [];
  node.start('answers', { onMessage: ({ payload }) => void statuses.push(decodeResponse(payload).status ?? 0) });
  const refuses = { method: 'POST' as const, path: '/', handle: () => Promise.reject(forbidden('no', { delayMs: 10_000 })) };
  const answers = { method: 'GET' as const, path: '/', handle: () => Promise.resolve(undefined) };
  node.start('service', apiService([refuses, answers]));
  const info = [peerInfo({ identifier: identity.identifier, credentials: [], clock })];
  const flood = (method: 'GET' | 'POST', count: number) => ({
    onMessage: (_: Message, context: Context) => {
      for (let id = 1; id <= count; id++)
        context.forward(new Message(route('service'), route('answers'), encodeRequest({ id, path: '/', method, body: undefined }), info));
    },
  });
  node.start('flood', flood('POST', 800));
  node.start('honest', flood('GET', 1));
  for (const sender of ['flood', 'flood', 'honest']) {
    void node.send(sender, Uint8Array.of(1));
    await clock.run({ untilMs: clock.monotonicMs() + 100 });
  }
  expect(statuses).toEqual([200]);
  await clock.run({ untilMs: clock.monotonicMs() + 10_000 });
  expect(statuses.filter((status) => status === 403)).toHaveLength(1_024);
  void node.send('flood', Uint8Array.of(1));
  await clock.run({ untilMs: clock.monotonicMs() + 11_000 });
  expect(statuses).toHaveLength(1 + 1_024 + 800);
});
