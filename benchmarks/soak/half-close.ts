import { isWithinMemory, type Result, type Setting } from './setting.ts';

const TIMES = 100;
const REQUEST_BYTES = 1_024;
const ANSWER_BYTES = 64 * 1024 ** 2;

/** A request, its end, and only then an answer of 64 MiB, to the last byte: 100 times towards each side. */
export async function halfClose(setting: Setting): Promise<Result> {
  const request = { bytes: REQUEST_BYTES, afterEnd: false };
  const answer = { bytes: ANSWER_BYTES, afterEnd: true };
  let toClient = 0;
  let toServer = 0;
  for (let time = 0; time < TIMES; time++) {
    if (await setting.exchange({ streams: 1, own: request, other: answer })) toClient += 1;
    if (await setting.exchange({ streams: 1, own: answer, other: request })) toServer += 1;
  }
  const peakMiB = await setting.peakMiB();
  const passed = toClient === TIMES && toServer === TIMES && isWithinMemory(peakMiB);
  return { passed, times: TIMES, answerBytes: ANSWER_BYTES, exactToClient: toClient, exactToServer: toServer, peakMiB };
}
