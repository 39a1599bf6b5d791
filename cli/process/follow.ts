import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { newestLog } from './log-file.ts';

const LOOK_MS = 200;
const CHUNK_BYTES = 65_536;

/**
 * Hands on what is in the newest log file of a folder, and what comes, also in the files after it, until it is told to stop.
 * @returns whether there was a file at all
 */
export async function followLog(folder: string, write: (text: string) => void, stopped: AbortSignal): Promise<boolean> {
  const first = await newestLog(folder);
  if (first === undefined) return false;
  for (let path = first; !stopped.aborted; path = (await newestLog(folder)) ?? path) {
    await using file = await open(path);
    const { ino } = await file.stat();
    await followFile(file, write, async () => {
      const newest = await newestLog(folder);
      // A file that was put aside has another name; in its place is a new one.
      return stopped.aborted || (newest !== undefined && (await stat(newest)).ino !== ino);
    });
  }
  return true;
}

/** @param isOver asked when all that is there was read */
async function followFile(file: FileHandle, write: (text: string) => void, isOver: () => Promise<boolean>): Promise<void> {
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let isLast = false; ; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
    if (bytesRead > 0) write(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }));
    else if (isLast) return;
    // What was written before the next file began is still to be read.
    else if (await isOver()) isLast = true;
    else await pause(LOOK_MS);
  }
}
