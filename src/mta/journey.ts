/**
 * The way of one message along the hosts of a plan, until nobody waits any more.
 *
 * Implements RFC 8689 section 4.2.1 (QUIT and on to the next host). Does not: look up hosts (prepare.ts), choose among them
 * or judge them (ways.ts), or keep anything from one message to the next.
 * @module
 */
import { type Delivered, deferredEnd, failedEnd, type RecipientEnd } from './delivered.ts';
import type { Errand } from './errand.ts';
import { extensionsOf, type Fate, SESSION_TIMES, sayEhlo, transact } from './smtp-session.ts';
import { lacksRequireTls, neverBegan, ofFate, type Trouble } from './trouble.ts';
import { type Way, Ways } from './ways.ts';

/** Takes the message to the hosts in their order. */
export const travel = (errand: Errand): Promise<Delivered> => new Journey(errand).run();

class Journey {
  readonly #errand: Errand;
  readonly #ways: Ways;
  /** Recipients that no host has taken or refused yet. */
  readonly #waiting: Set<string>;
  readonly #ends = new Map<string, RecipientEnd>();
  /** What a server said of one recipient last. */
  readonly #delays = new Map<string, Trouble>();

  constructor(errand: Errand) {
    this.#errand = errand;
    this.#waiting = new Set(errand.message.to);
    this.#ways = new Ways(errand);
  }

  async run(): Promise<Delivered> {
    for await (const way of this.#ways.open()) {
      await this.#send(way);
      await way.meeting.channel.close();
      if (this.#waiting.size === 0) break;
    }
    const recipients = this.#errand.message.to.map((to) => this.#ends.get(to) ?? this.#undone(to));
    return { recipients, overlooked: this.#ways.overlooked };
  }

  async #send({ plan, address, protection, meeting: { channel, hello } }: Way): Promise<void> {
    const { message, letter, wish, parts } = this.#errand;
    const times = parts.times ?? SESSION_TIMES;
    const extensions = hello
      ? extensionsOf(hello)
      : await sayEhlo(channel, parts.clientName, times);
    if ('kind' in extensions) {
      this.#ways.troubles.push(neverBegan(extensions, plan.host, address));
      return;
    }
    const knowsRequireTls = extensions.has('REQUIRETLS');
    // RFC 8689 section 5: a bounce is not lost for the want of the option.
    if (wish === 'required' && !knowsRequireTls && message.from !== '') {
      this.#ways.troubles.push(lacksRequireTls(plan.host, address));
      return;
    }
    const to = [...this.#waiting];
    const requireTls = wish === 'required' && knowsRequireTls ? 'say' : 'leave-out';
    const transaction = { from: message.from, to, letter, requireTls } as const;
    const fates = await transact(channel, extensions, transaction, times);
    for (const [i, recipient] of to.entries()) {
      const fate = fates[i];
      if (fate) this.#note(recipient, fate, { plan, address, protection });
    }
  }

  #note(recipient: string, fate: Fate, { plan, address, protection }: Sent): void {
    const { host } = plan;
    const trouble = ofFate(fate, host, address);
    switch (fate.kind) {
      case 'accepted':
        this.#settle({
          kind: 'delivered',
          recipient,
          dsn: fate.dsn,
          why: fate.why,
          host,
          address,
          tls: protection,
        });
        return;
      case 'refused':
        this.#settle(failedEnd(recipient, trouble));
        return;
      case 'delayed':
        this.#delays.set(recipient, trouble);
        // It may have been taken: another host would be a second copy now, and the queue waits at least.
        if (fate.step === 'end' && !SAID.has(fate.reason))
          this.#settle(deferredEnd(recipient, trouble));
    }
  }

  #settle(end: RecipientEnd): void {
    this.#waiting.delete(end.recipient);
    this.#ends.set(end.recipient, end);
  }

  /** Of a recipient that no host has taken or refused. */
  #undone(recipient: string): RecipientEnd {
    const { retryAt } = this.#errand;
    const own = this.#delays.get(recipient);
    const troubles = [...this.#ways.troubles, ...(own ? [own] : [])];
    const { kind, trouble } = this.#ways.endedAt(troubles);
    if (kind === 'refuse') return failedEnd(recipient, trouble);
    return deferredEnd(recipient, trouble, trouble.dsn === '4.7.5' ? retryAt() : undefined);
  }
}

type Sent = Omit<Way, 'meeting'>;

/** What a server says of the message, and not of the connection. */
const SAID: ReadonlySet<Fate['reason']> = new Set(['smtp-delayed', 'smtp-refused']);
