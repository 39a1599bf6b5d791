/** Writes denials to a decision file without end, and says how many are in the file for sure. */
import { statSync } from 'node:fs';
import { systemClock } from '../../../host/clock.ts';
import { DecisionLog } from '../../../policies/decision-log.ts';
import { denialForms } from '../../../policies/denial-text.ts';
import { openDecisionFile } from '../../../storage/decision-file.ts';

const { FILE = '' } = process.env;
const log = new DecisionLog({ clock: systemClock });
await openDecisionFile(FILE, log, { forms: denialForms, clock: systemClock });
const BATCH = 20;
for (let number = 0; ; number += BATCH) {
  const before = statSync(FILE).size;
  for (let each = number; each < number + BATCH; each++)
    log.record({
      resource: { name: String(each), type: 'echoer' },
      action: 'handle_message',
      direction: 'in',
      identifier: undefined,
      authority: true,
      attributes: undefined,
      skipped: [],
      rule: undefined,
      used: [],
      reason: 'nobody is known',
    });
  while (statSync(FILE).size === before) await new Promise((resolve) => void setTimeout(resolve, 10));
  process.send?.({ written: number + BATCH });
}
