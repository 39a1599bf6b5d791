import { test } from 'vitest';
import { SHARE } from '../full-counts.ts';
import { checkLives } from '../models/lives.ts';

test('any order of start, send, stop and failure ends well', () => checkLives(10_000 / SHARE));
