import { randomFraction, type Random } from '../../runtime/random.ts';

/** Short, plain, and hard to mishear; 64 of each make 4,096 names. */
const FIRST =
  'amber ample bold brave brief bright brisk calm clear clever cool crisp dapper deep eager early easy even fair fast fine firm ' +
  'fresh gentle glad golden grand green happy hardy hazel honest humble jolly keen kind large late light lively loyal lucid lucky ' +
  'merry mild modest neat nimble noble plain polite proud quick quiet rapid ready royal sharp silver smooth steady sunny';
const SECOND =
  'acorn anchor arch badger beacon birch bridge brook canyon castle cedar cliff cloud coral crane creek delta dune falcon ferry ' +
  'field finch forest fox garden gate glacier grove harbor hawk heron hill island jay lagoon lake lantern lark maple meadow mesa ' +
  'mill moor oak orchard otter owl path pier pine pond raven reef ridge river robin shore spring stone summit swan tower valley willow';

/** Two lower-case words joined with `-`. Source: command-line.md 1.4 */
export function randomWords(random: Random): string {
  return [FIRST, SECOND].map((words) => pick(words.split(' '), random)).join('-');
}

function pick(words: readonly string[], random: Random): string {
  return words[Math.floor(randomFraction(random) * words.length)] ?? '';
}
