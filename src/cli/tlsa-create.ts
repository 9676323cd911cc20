/**
 * `danelaw tlsa create FILE...`: TLSA records as zone-file lines, and on standard error what speaks against them.
 *
 * Does not: send a packet.
 * @module
 */
import { printHost } from '../dane/attempt.ts';
import { tlsaName } from '../dane/base-domain.ts';
import { printTlsa, type Tlsa } from '../dane/tlsa.ts';
import { adviseOn, makeTlsa, pickSubject, printCombination } from '../dane/tlsa-make.ts';
import type { Name } from '../dns/name.ts';
import { parseDomain } from './arguments.ts';
import { EXIT } from './exit.ts';
import { Misuse } from './misuse.ts';
import type { Terminal } from './terminal.ts';
import type { CreateWords, CredentialFile } from './tlsa-options.ts';
import type { World } from './world.ts';

export async function tlsaCreate(
  words: CreateWords,
  terminal: Terminal,
  { environment }: World,
): Promise<number> {
  const { combination, port, ttl, form } = words;
  const host = words.host === undefined ? undefined : parseDomain(words.host);
  if (host?.note !== undefined) terminal.note(`note: ${host.note}`);
  const owner = host && ownerOf(host.name, port);
  const now = environment.clock.now();
  const made = words.files.map((file) => make(file, words));
  const advice = made.flatMap(({ subject }) => adviseOn(combination, subject, { port, now }));
  const warnings = [...new Set(advice)];
  if (form === 'json') {
    const records = made.map(({ file, record }) => ({ file, ...viewRecord(record) }));
    const view = {
      ...(owner && { owner: printHost(owner), ttl }),
      records,
      warnings,
    };
    terminal.print(JSON.stringify(view, undefined, 2));
    return EXIT.fine;
  }
  const lines = made.map(({ record }) =>
    owner ? `${owner} ${ttl} IN TLSA ${printTlsa(record)}` : printTlsa(record),
  );
  terminal.print(...new Set(lines));
  for (const warning of warnings) terminal.note(`warning: ${warning}`);
  return EXIT.fine;
}

function ownerOf(host: Name, port: number): Name {
  const owner = tlsaName(host, port);
  if (owner) return owner;
  throw new Misuse(`--host: ${host} is too long for TLSA records`);
}

function make({ file, list }: CredentialFile, { combination }: CreateWords) {
  const subject = pickSubject(list, combination);
  const record = subject && makeTlsa(subject, combination);
  if (record) return { file, subject, record };
  throw new Misuse(
    `${file}: ${printCombination(combination)} wants the whole certificate, and there is only a key: give the certificate, or --selector 1`,
  );
}

const viewRecord = (record: Tlsa) => ({
  usage: record.usage,
  selector: record.selector,
  matchingType: record.matchingType,
  associationData: Buffer.from(record.associationData).toString('hex'),
});
