// The baseline: a proxy as everybody writes it in Node.
import { connect, createServer } from 'node:net';
import { portOf } from './port-of.ts';
import { serve } from './serve.ts';

serve({
  begin: async ({ target }: { readonly target: number }) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
      const far = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
      near.pipe(far);
      far.pipe(near);
    });
    return { port: await portOf(server) };
  },
});
