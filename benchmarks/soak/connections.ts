import { setTimeout as sleep } from 'node:timers/promises';
import { isWithinMemory, type Result, type Setting } from './setting.ts';

const CONNECTIONS = 2_000;
const HELD_MS = 60_000;

/** 2,000 connections at a time, each used, left alone for a minute, and used again. */
export async function connections(setting: Setting): Promise<Result> {
  await setting.client.ask('hold', { port: setting.chain.port, connections: CONNECTIONS });
  await sleep(HELD_MS);
  const alive = await setting.client.ask<number>('bounceHeld');
  const peakMiB = await setting.peakMiB();
  return { passed: alive === CONNECTIONS && isWithinMemory(peakMiB), connections: CONNECTIONS, heldMs: HELD_MS, alive, peakMiB };
}
