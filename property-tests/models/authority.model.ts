/** What a member is, in order of rank. */
export const RANKS = ['member', 'enroller', 'administrator'] as const;
export type Rank = (typeof RANKS)[number];

/** What somebody is given: a rank, and perhaps a relay name. */
export interface Gift {
  readonly rank: Rank;
  readonly relay: string | undefined;
}

interface Ticket {
  readonly issuer: number | 'host';
  readonly gift: Gift;
  readonly endsAt: number;
  uses: number;
}

/**
 * The authority of a hosted project as one would tell it to a person: who is what, which tickets are open. People are numbers,
 * tickets stand in the order in which they were made. Every rule is one line. Source: authority.md 3; decisions.md D2 to D4
 */
export class AuthorityModel {
  now = 0;
  readonly members = new Map<number, Gift>();
  readonly tickets: Ticket[] = [];

  mayGive(from: number | 'host', gift: Gift, uses: number, to: number | undefined, ticket?: Ticket): boolean {
    if (!this.#is(from, 'enroller')) return false;
    if (this.#is(from, 'administrator')) return true;
    if (gift.rank !== 'member') return false;
    if (gift.relay === undefined) return true;
    const held = [...this.members].some(([person, { relay }]) => person !== to && relay === gift.relay);
    const promised = this.tickets.some((each) => each !== ticket && this.#isOpen(each) && each.gift.relay === gift.relay);
    return gift.relay !== '*' && uses === 1 && !held && !promised;
  }

  /** @returns whether it was done */
  add(from: number | 'host', to: number, gift: Gift): boolean {
    if (!this.mayGive(from, gift, 1, to)) return false;
    if (from !== 'host' && this.#is(to, 'enroller') && !this.#is(from, 'administrator')) return false;
    if (from !== 'host' && gift.rank !== 'administrator' && this.#isLast(to)) return false;
    this.members.set(to, gift);
    return true;
  }

  remove(from: number | 'host', to: number): boolean {
    if (!this.#is(from, 'enroller')) return false;
    if (this.#is(to, 'enroller') && !this.#is(from, 'administrator')) return false;
    if (this.#isLast(to)) return false;
    this.members.delete(to);
    for (const ticket of this.tickets) if (ticket.issuer === to) ticket.uses = 0;
    return true;
  }

  issue(from: number | 'host', gift: Gift, seconds: number, uses: number): boolean {
    if (!this.mayGive(from, gift, Math.max(uses, 1), undefined)) return false;
    this.tickets.push({ issuer: from, gift, endsAt: this.now + seconds, uses: Math.max(uses, 1) });
    return true;
  }

  redeem(person: number, index: number): boolean {
    const ticket = this.tickets[index];
    if (ticket === undefined || this.members.has(person) || !this.#isOpen(ticket)) return false;
    if (!this.mayGive(ticket.issuer, ticket.gift, ticket.uses, person, ticket)) return false;
    ticket.uses -= 1;
    this.members.set(person, ticket.gift);
    return true;
  }

  get openTickets(): number {
    return this.tickets.filter((ticket) => this.#isOpen(ticket)).length;
  }

  #isOpen({ endsAt, uses }: Ticket): boolean {
    return uses > 0 && this.now < endsAt;
  }

  #is(person: number | 'host', rank: Rank): boolean {
    if (person === 'host') return true;
    const gift = this.members.get(person);
    return gift !== undefined && RANKS.indexOf(gift.rank) >= RANKS.indexOf(rank);
  }

  #isLast(person: number): boolean {
    const isOne = (gift: Gift | undefined) => gift?.rank === 'administrator';
    return isOne(this.members.get(person)) && [...this.members.values()].filter(isOne).length === 1;
  }
}
