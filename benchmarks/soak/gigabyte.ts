import { isWithinMemory, type Result, type Setting } from './setting.ts';

const GIB = 1024 ** 3;
const PARALLEL_STREAMS = 64;

/** 1 GiB each way at the same time through one stream, then as much through 64 streams side by side. */
export async function gigabyte(setting: Setting): Promise<Result> {
  const start = performance.now();
  const order = (bytes: number) => ({ bytes, afterEnd: false });
  const oneStream = await setting.exchange({ streams: 1, own: order(GIB), other: order(GIB) });
  const seconds = (performance.now() - start) / 1_000;
  const share = GIB / PARALLEL_STREAMS;
  const parallel = await setting.exchange({ streams: PARALLEL_STREAMS, own: order(share), other: order(share) });
  const peakMiB = await setting.peakMiB();
  return {
    passed: oneStream && parallel && isWithinMemory(peakMiB),
    oneStreamEqual: oneStream,
    oneStreamSeconds: Number(seconds.toFixed(1)),
    parallelStreams: PARALLEL_STREAMS,
    parallelEqual: parallel,
    peakMiB,
  };
}
