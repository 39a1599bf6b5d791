// Who may reach what. A stranger tries every door of a node; none of the workers behind them may handle what comes.
import { type Address, allowNobody, echo, hop, onlyTo, route, tcp } from 'postern';
import { type Invariant, nothingLeft, onlyAllowed, type Scenario } from 'postern/simulation';

const FORBIDDEN = ['0#vault', '0#till', '0#safe'];
/** The loop ends by itself, so that a node without a limit fails and does not hang. */
const ROUNDS = 200;

const roundsEnd: Invariant = {
  name: 'a message that goes round in a node ends',
  check: ({ events }) => {
    const at = events.findIndex((event) => event.kind === 'message' && event.what === 'handled' && event.hops > 32);
    return at < 0 ? undefined : { invariant: roundsEnd.name, text: 'it was forwarded more than 32 times.', at };
  },
};

export const scenario: Scenario = {
  name: 'access',
  invariants: [onlyAllowed(({ destination }) => !FORBIDDEN.includes(destination)), roundsEnd, nothingLeft],
  play: async (world) => {
    const [{ node: bank }, { node: stranger }] = world.nodes('bank', 'stranger');
    const on = await bank.listen(tcp(), '0.0.0.0:4000');
    const publish = (name: string) => bank.publish(name, { on, allow: { allows: () => true } });
    bank.start('vault', echo); // published for nobody
    bank.start('till', echo);
    bank.publish('till', { on, allow: allowNobody });
    bank.start('safe', echo);
    bank.start('hop', hop);
    publish('hop');
    const clerk = {
      onMessage: (_: unknown, context: { send(to: string, bytes: Uint8Array): void }) => context.send('safe', Uint8Array.of(1)),
    };
    bank.start('clerk', clerk, { outgoing: onlyTo(...([] as Address[])) });
    publish('clerk');
    bank.start('loop', {
      onMessage: (message, context) => (message.hops < ROUNDS ? context.forward(message.rerouted(route('loop'))) : undefined),
    });
    publish('loop');

    const connection = await stranger.connect(tcp(), 'bank:4000');
    for (const way of [['vault'], ['till'], ['clerk'], ['hop', 'vault'], ['hop', 'safe'], ['loop']])
      await stranger.send(route(connection, ...way), Uint8Array.of(7));
    await bank.send('till', Uint8Array.of(7)); // nobody means nobody, on the node itself too
    await world.settled();
  },
};
