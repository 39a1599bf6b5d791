import { initialTransition, transition } from 'xstate';
import type { inletMachine } from './inlet.machine.ts';
import type { outletMachine } from './outlet.machine.ts';
import type { StreamEffect, StreamEvent } from './stream-states.ts';

type StreamMachine = typeof inletMachine | typeof outletMachine;
type Snapshot = ReturnType<typeof initialTransition<StreamMachine>>[0];
type Actions = ReturnType<typeof initialTransition<StreamMachine>>[1];

/** One of the states that a stream can be in. */
export interface StreamState {
  readonly isFinal: boolean;
}

/** What a fact leads to, and is to be done once that is the state. */
export interface StreamStep {
  readonly state: StreamState;
  readonly effects: readonly StreamEffect[];
}

interface KnownState extends StreamState {
  readonly snapshot: Snapshot;
  readonly steps: Map<string, StreamStep>;
}

/**
 * The steps of a machine without context: in one state the same fact always leads to the same, so each step is worked out
 * once, and all streams after the first look it up. An actor for each would cost a short connection a fifth of its time.
 */
export class StreamSteps {
  readonly first: StreamStep;
  readonly #machine: StreamMachine;
  /** As many as `xstate/graph` finds. */
  readonly #states = new Map<string, KnownState>();

  constructor(machine: StreamMachine) {
    this.#machine = machine;
    this.first = this.#step(initialTransition(machine));
  }

  /** @param state of these steps */
  after(state: StreamState, fact: StreamEvent): StreamStep {
    const { snapshot, steps } = state as KnownState;
    const key = 'reason' in fact ? `${fact.type} ${fact.reason}` : fact.type;
    let step = steps.get(key);
    if (step === undefined) {
      step = this.#step(transition(this.#machine, snapshot, fact));
      steps.set(key, step);
    }
    return step;
  }

  #step([snapshot, actions]: [Snapshot, Actions]): StreamStep {
    // Nothing but `emit` stands in these machines: see `typed` in stream-states.ts.
    const effects = actions.map(({ params }) => (params as { readonly event: StreamEffect }).event);
    return { state: this.#known(snapshot), effects };
  }

  #known(snapshot: Snapshot): KnownState {
    const key = JSON.stringify(snapshot.value);
    let state = this.#states.get(key);
    if (state === undefined) {
      state = { isFinal: snapshot.status !== 'active', snapshot, steps: new Map() };
      this.#states.set(key, state);
    }
    return state;
  }
}
