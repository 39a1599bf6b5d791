import { Option } from '@commander-js/extra-typings';
import { parsePolicyText } from '../policy.ts';
import { parseNodeName } from '../values.ts';

/** On which node: the default one if left out. Made anew for each verb, since an option belongs to one. */
export const atNode = () => new Option('--at <NODE>', 'on which node; the default node if left out').argParser(parseNodeName);

/** The policy of what is made; the first name is ours, the second that of older scripts. */
export const allowOption = () =>
  new Option('--allow <EXPRESSION>', 'who may: a policy, stored as that of this resource').argParser(parsePolicyText);
export const expressionOption = () =>
  new Option('--expression <EXPRESSION>', 'as --allow').argParser(parsePolicyText).hideHelp().conflicts('allow');
