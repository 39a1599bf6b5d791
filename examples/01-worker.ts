// A worker has an address and handles one message at a time. A request sends a message and waits for the answer.
import { createNode, text, type Worker } from 'postern';

const greeter: Worker = {
  onMessage: (message, context) => {
    const name = text.decode(message.payload);
    context.reply(message, text.encode(`Good morning, ${name}.`));
  },
};

await using node = await createNode();
node.start('greeter', greeter);
const answer = await node.request('greeter', text.encode('Ada'));
console.log(text.decode(answer.payload));

// Prints:
//   Good morning, Ada.
