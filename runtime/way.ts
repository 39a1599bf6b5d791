import { Route, type RoutePart, route } from './route.ts';

/**
 * A way to somewhere that may change or be down: what must outlive a lost connection holds a way and resolves it at each
 * use, where a route would go stale. Sessions (`workers/session/`) are ways. Source: decisions.md A4
 */
export interface Way {
  /** The route now; undefined while there is none. */
  readonly current: Route | undefined;
  /** Calls back when the route changed, appeared or went. @returns how to stop listening */
  onChange(listener: () => void): () => void;
  /**
   * Says that something needs the way now, so that an attempt begins at once and back-off stays short.
   * @returns how to say that it is needed no more
   */
  need(): () => void;
}

/** A route, or a way to one. */
export type RouteOrWay = Route | Way;

/** A route as a way: it is always there and never changes. */
export function fixedWay(current: Route): Way {
  return { current, onChange: () => () => undefined, need: () => () => undefined };
}

export function toWay(like: RouteOrWay): Way {
  return like instanceof Route ? fixedWay(like) : like;
}

/** The way to what lies behind another way: `via(relayConnection, 'forward_to_bank', 'api')`. */
export function via(first: RouteOrWay, ...rest: readonly RoutePart[]): Way {
  const way = toWay(first);
  const behind = route(...rest);
  let from: Route | undefined;
  let joined: Route | undefined;
  return {
    get current() {
      if (way.current !== from) {
        from = way.current;
        joined = from?.concat(behind);
      }
      return joined;
    },
    onChange: (listener) => way.onChange(listener),
    need: () => way.need(),
  };
}

/** Resolves with the route as soon as there is one; rejects with the signal's reason when it is called off. */
export function whenThere(way: Way, signal?: AbortSignal): Promise<Route> {
  return new Promise((resolve, reject) => {
    if (way.current !== undefined) return resolve(way.current);
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const undo: (() => void)[] = [];
    const settle = () => {
      for (const each of undo.splice(0)) each();
    };
    const look = () => {
      const { current } = way;
      if (current === undefined) return;
      settle();
      resolve(current);
    };
    const abort = () => {
      settle();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    undo.push(() => signal?.removeEventListener('abort', abort), way.onChange(look));
    undo.push(way.need());
    look(); // It may have come at once, when it was needed.
  });
}
