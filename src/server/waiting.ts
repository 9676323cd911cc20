/**
 * The waiting room: client questions between coming in and being answered, and how many of them there may be.
 *
 * What holds back replies upstream (DNSBomb, CVE-2024-33655) or asks faster than answers come fills it; then whoever has
 * waited longest is turned away, for he is the first to have gone. Work that was begun belongs to its own deadline, so
 * work under way is bounded apart, and further questions wait without it.
 * Does not: know messages, addresses or sockets; time is an argument.
 * @module
 */

/** One question of one client. */
export interface Guest<T> {
  /** Who asks; `undefined` for programs of this machine, which are not counted one by one. */
  readonly client: string | undefined;
  /** Begins the work. Never rejects. */
  work(): Promise<T>;
  /** One of these two is called, once. */
  serve(result: T): void;
  turnAway(): void;
}

export interface WaitingLimits {
  /** Questions without an answer, and as many pieces of work under way. */
  readonly all: number;
  /** The same of one client. */
  readonly perClient: number;
  /** Milliseconds; nothing is begun for a guest who has waited longer. */
  readonly patienceMs: number;
}

/** A busy mail server asks some hundred at once; at a few kB each they do no harm. */
const MAX_WAITING = 10_000;
/** Unbound's `wait-limit`. */
const MAX_WAITING_PER_CLIENT = 1000;
/** A question may take 10 s by itself, and stub resolvers ask again after 5. */
const PATIENCE_MS = 10_000;

export const WAITING_LIMITS: WaitingLimits = {
  all: MAX_WAITING,
  perClient: MAX_WAITING_PER_CLIENT,
  patienceMs: PATIENCE_MS,
};

/** What is known of one client while anything of his is here. */
interface Account<T> {
  readonly client: string | undefined;
  /** In the order in which they came, with the time. */
  readonly waiting: Set<Guest<T>>;
  /** Those of them whose work has not begun. */
  readonly idle: Map<Guest<T>, number>;
  underWay: number;
}

export class WaitingRoom<T> {
  readonly #now: () => number;
  readonly #limits: WaitingLimits;
  readonly #waiting = new Set<Guest<T>>();
  readonly #accounts = new Map<string | undefined, Account<T>>();
  /** Those who have idle guests, in the order in which their turn comes. */
  readonly #queue = new Set<Account<T>>();
  #underWay = 0;

  /** @param now  milliseconds on any scale that only grows */
  constructor(now: () => number, limits: WaitingLimits = WAITING_LIMITS) {
    this.#now = now;
    this.#limits = limits;
  }

  /** Guests without an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Pieces of work that have begun and not ended, those of guests who were turned away included. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Whether a guest who came now would wait before his work begins. */
  get isFull(): boolean {
    return this.#underWay >= this.#limits.all;
  }

  enter(guest: Guest<T>): void {
    const account = this.#accountOf(guest.client);
    this.#waiting.add(guest);
    account.waiting.add(guest);
    account.idle.set(guest, this.#now());
    this.#queue.add(account);
    if (guest.client !== undefined && account.waiting.size > this.#limits.perClient)
      this.#turnAwayFirst(account.waiting);
    if (this.#waiting.size > this.#limits.all) this.#turnAwayFirst(this.#waiting);
    if (!this.isFull) this.#beginNext();
  }

  /** Everybody who still waits. */
  turnAwayAll(): void {
    while (this.#waiting.size > 0) this.#turnAwayFirst(this.#waiting);
  }

  #accountOf(client: string | undefined): Account<T> {
    const known = this.#accounts.get(client);
    if (known) return known;
    const account: Account<T> = { client, waiting: new Set(), idle: new Map(), underWay: 0 };
    this.#accounts.set(client, account);
    return account;
  }

  #turnAwayFirst(guests: ReadonlySet<Guest<T>>): void {
    const [first] = guests;
    if (!first) return;
    this.#leave(first);
    first.turnAway();
  }

  /** @returns whether the guest was still there */
  #leave(guest: Guest<T>): boolean {
    const account = this.#accountOf(guest.client);
    const wasHere = this.#waiting.delete(guest);
    account.waiting.delete(guest);
    if (account.idle.delete(guest) && account.idle.size === 0) this.#queue.delete(account);
    if (account.waiting.size === 0 && account.underWay === 0) this.#accounts.delete(guest.client);
    return wasHere;
  }

  /** Begins work for the next client whose turn it is and who has not too much of it under way. */
  #beginNext(): void {
    for (;;) {
      const account = this.#nextAccount();
      const [next] = account?.idle ?? [];
      if (!account || !next) return;
      const [guest, since] = next;
      // Behind all others: one client's crowd does not keep the rest from their turn.
      this.#queue.delete(account);
      if (this.#now() - since <= this.#limits.patienceMs) {
        this.#begin(guest, account);
        return;
      }
      if (account.idle.size > 1) this.#queue.add(account);
      this.#leave(guest);
      guest.turnAway();
    }
  }

  #nextAccount(): Account<T> | undefined {
    for (const account of this.#queue)
      if (account.client === undefined || account.underWay < this.#limits.perClient) return account;
    return undefined;
  }

  #begin(guest: Guest<T>, account: Account<T>): void {
    account.idle.delete(guest);
    if (account.idle.size > 0) this.#queue.add(account);
    account.underWay += 1;
    this.#underWay += 1;
    void guest.work().then((result) => {
      account.underWay -= 1;
      this.#underWay -= 1;
      if (this.#leave(guest)) guest.serve(result);
      this.#beginNext();
    });
  }
}
